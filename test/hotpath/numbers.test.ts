/**
 * Numbers at their limits: Lua 5.1 writes 1e+15 where nobody stops it, and NaN passes `q <= 0`. Digits cross the wire
 * and are kept as digits, whatever their size.
 */
import { describe, expect, test } from 'vitest';
import { LINES_MAX, QUANTITY_MAX } from '../../src/domain/language.ts';
import { loadProgram, runScript } from '../../src/hotpath/program.ts';
import { answerAt, packTexts } from '../../src/hotpath/wire.ts';
import { answer, outcome, refusal, START_MS } from '../domain/sentences.ts';
import { TURNED_CLOCK } from '../services.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

/** No text of the partition holds an exponent, a fraction or a word that Lua makes of a number gone wrong. */
async function expectDigitsOnly(shop: HotShop): Promise<void> {
  const dump = (await shop.engine.dump()).replaceAll(shop.engine.prefix, '');
  expect(dump).not.toMatch(/\de\+?\d/i);
  expect(dump).not.toMatch(/\b-?(nan|inf)\b/i);
  expect(dump).not.toMatch(/\d\.\d/);
}

describe('quantities at the limit', () => {
  test(`${QUANTITY_MAX} units are received, reserved, split, sold and returned to the unit`, async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX}`);
    await shop.setSafetyStock('TEA@east', QUANTITY_MAX);
    answer(await shop.reserve('order-1', `TEA@east=${QUANTITY_MAX}`));
    await expectDigitsOnly(shop);
    answer(await shop.release('order-1', `TEA=${QUANTITY_MAX - 2}`));
    answer(await shop.confirm('order-1', 'TEA=1'));
    expect(await shop.figures('TEA@east')).toBe(
      `${QUANTITY_MAX} = ${QUANTITY_MAX - 1} available + 0 reserved + 1 sold`,
    );
    await expectDigitsOnly(shop);
  });

  test('a refusal at the limit tells the exact figures', async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX - 1}`);
    expect(refusal(await shop.reserve('order-1', `TEA@east=${QUANTITY_MAX}`))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', warehouse: 'east', requested: QUANTITY_MAX, available: QUANTITY_MAX - 1 }],
    });
    answer(await shop.reserve('order-2', 'TEA@east=1'));
    expect(refusal(await shop.confirm('order-2', `TEA=${QUANTITY_MAX}`))).toEqual({
      code: 'exceeds-reservation',
      excess: [{ sku: 'TEA', requested: QUANTITY_MAX, held: 1 }],
    });
  });

  test('a total does not go beyond it, whether the rest is sold, held or there', async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX - 1}`);
    await shop.reserve('order-1', 'TEA@east=10');
    await shop.confirm('order-1', 'TEA=5');
    expect(refusal(await shop.receive('TEA@east=2'))).toEqual({
      code: 'quantity-limit-exceeded',
      total: QUANTITY_MAX - 1,
    });
    expect(outcome(await shop.receive('TEA@east=1'))).toBe('done');
    expect(outcome(await shop.receive('TEA@east=1'))).toBe('quantity-limit-exceeded');
    await expectDigitsOnly(shop);
  });

  test('the other warehouse of the SKU has a limit of its own, and the sum is told exactly', async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX},TEA@west=${QUANTITY_MAX}`);
    expect(answer(await shop.hot.item('TEA')).total).toBe(2 * QUANTITY_MAX);
    await expectDigitsOnly(shop);
  });
});

describe('counters that have run for long', () => {
  test('versions, sequences and event counts beyond 10^14 are still written digit by digit', async () => {
    const far = 900_000_000_000_000;
    const shop = await givenShop('TEA@east=9');
    await shop.redis.hset(shop.keys.sku('TEA'), 'east', `9 9 0 0 ${far} 0 0`);
    await shop.redis.set(shop.keys.control, `1 ${far} ${START_MS} ${far} ${far - 1} open`);
    answer(await shop.reserve('order-1', 'TEA@east=1'));
    expect((await shop.item('TEA@east')).version).toBe(far + 1);
    expect(shop.hot.head).toMatchObject({ sequence: far + 1, backlogEvents: 2 });
    expect((await shop.entries()).at(-1)).toMatchObject({ sequence: far + 1, eventsTotal: far + 1 });
    await expectDigitsOnly(shop);
    await shop.hot.trim(far + 1, far + 1);
    expect(shop.hot.head?.backlogEvents).toBe(0);
  });

  test('an epoch is compared by its digits, however long', async () => {
    const epoch = 123_456_789_012;
    const shop = await givenShop('TEA@east=9');
    await shop.redis.set(shop.keys.control, `${epoch} 0 ${START_MS} 0 0 open`);
    const other = await shop.another();
    expect(outcome(await other.reserve('order-1', 'TEA@east=1'))).toBe('done');
    expect(other.hot.head).toMatchObject({ epoch, sequence: 1 });
    await expectDigitsOnly(shop);
  });
});

describe('a text that is no command', () => {
  const BAD = [
    'reserve nan TEA@east=1 web -',
    'reserve 0 TEA@east=1 web -',
    'reserve -1 TEA@east=1 web -',
    'reserve 1e3 TEA@east=1 web -',
    'reserve 99999999999 TEA@east=1 web -',
    'reserve 86400001 TEA@east=1 web -',
    'reserve 60000 TEA@east=nan web -',
    'reserve 60000 TEA@east=0 web -',
    'reserve 60000 TEA@east=-1 web -',
    'reserve 60000 TEA@east=0x1 web -',
    'reserve 60000 TEA@east=1.5 web -',
    'reserve 60000 TEA@east=1000000001 web -',
    'reserve 60000 TEA@east=99999999999 web -',
    'reserve 60000 TEA@east=1, web -',
    'reserve 60000 TEA@east=1',
    `reserve 60000 ${Array.from({ length: LINES_MAX + 1 }, (_, i) => `S${i}@east=1`).join(',')} web -`,
    'confirm TEA=0 web',
    'confirm TEA=inf web',
    'confirm TEA web',
    'release TEA=1 c* web',
    'extend 0 web',
    'extend nan web',
    'receive TEA@*=1 - web',
    'receive TEA@east=1,RICE@east=1 - web',
    'set-safety-stock TEA@east 1000000001 web',
    'set-safety-stock TEA@east -1 web',
    'trim 1',
    'steal everything',
    '',
  ];

  test('is refused inside the program too, each by itself in one batch, and changes nothing', async () => {
    const shop = await givenShop('TEA@east=9');
    const before = await shop.engine.dump();
    const { keys } = shop;
    const recordKeys = BAD.map((_, i) => keys.reservation(`order-${i}`));
    const head = [1, 1, START_MS, 1_000, 0, 1_000, BAD.length];
    const reply = await runScript(
      shop.redis,
      loadProgram(TURNED_CLOCK),
      [keys.control, keys.events, keys.due, ...recordKeys, keys.sku('TEA')],
      [...head, ...packTexts(BAD)],
    );
    const answers = BAD.map((text, i) => `${text.slice(0, 60)}: ${answerAt(reply, i)}`);
    expect(answers).toEqual(BAD.map((text) => `${text.slice(0, 60)}: REFUSED invalid-command`));
    expect(await shop.engine.dump()).toBe(before);
  });
});
