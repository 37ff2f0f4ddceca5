/**
 * Lua and TypeScript read and write the same records: TypeScript decodes what Lua wrote and encodes it to the same text.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeItem, encodeItem } from '../../src/hotpath/codec/item-codec.ts';
import { decodeReservation, encodeReservation } from '../../src/hotpath/codec/reservation-codec.ts';
import { decodeSaleView, encodeSale } from '../../src/hotpath/codec/sale-codec.ts';
import { decodeStocktakeLine, encodeStocktakeLine } from '../../src/hotpath/codec/stocktake-codec.ts';
import { decodeEntry } from '../../src/hotpath/codec/stream-codec.ts';
import { decodeTransferView, encodeTransfer } from '../../src/hotpath/codec/transfer-codec.ts';
import { decodeIdWord, Unreadable } from '../../src/hotpath/codec/words.ts';
import { ask } from '../agreement/ask.ts';
import { HISTORIES, randomCommand } from '../domain/histories.ts';
import { sometimesNasty } from '../domain/ids.ts';
import { lines, START_MS } from '../domain/sentences.ts';
import { givenShop } from './hot-shop.ts';

const saleAgain = (sku: string, saleId: string, text: string, nowMs: number): string =>
  encodeSale(decodeSaleView(saleId, `${sku} ${text}`, nowMs));
/** The operations are none of the view's. */
function transferAgain(text: string): string {
  const operations = text.split(' ').at(-1) ?? '';
  const transfer = { ...decodeTransferView('T-1', text), operations: operations.split(';') };
  return encodeTransfer(operations === '-' ? { ...transfer, operations: [] } : transfer);
}

describe('what Lua wrote', () => {
  test('is read by TypeScript and written back to the letter: records of any history', async () => {
    const shop = await givenShop('TEA@east=30,TEA@west=30,RICE@east=30,SALT@west=30');
    const kinds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        sometimesNasty(fc.array(randomCommand, { minLength: 1, maxLength: 12 })),
        async (all) => {
          await Promise.all(all.map((a) => ask(shop.hot, a)));
          await shop.wait(30_000);
          for (const key of await shop.redis.keys(`${shop.keys.reservation('')}*`)) {
            const text = (await shop.redis.get(key)) ?? '';
            const orderId = decodeIdWord('a key', key.slice(shop.keys.reservation('').length));
            expect(encodeReservation(decodeReservation(orderId, text))).toBe(text);
            kinds.add('reservation');
          }
          for (const key of await shop.redis.keys(`${shop.keys.sku('')}*`)) {
            for (const [field, text] of Object.entries(await shop.redis.hgetall(key))) {
              if (field.startsWith('*'))
                expect(saleAgain('TEA', field.slice(1), text, shop.nowMs)).toBe(text);
              else expect(encodeItem(decodeItem('TEA', 'east', text))).toBe(text);
              kinds.add(field.startsWith('*') ? 'sale' : 'item');
            }
          }
          for (const key of await shop.redis.keys(`${shop.keys.transfer('')}*`)) {
            const text = (await shop.redis.get(key)) ?? '';
            expect(transferAgain(text)).toBe(text);
            kinds.add('transfer');
          }
          for (const key of await shop.redis.keys(`${shop.keys.stocktake('')}*`)) {
            for (const text of Object.values(await shop.redis.hgetall(key))) {
              expect(encodeStocktakeLine(decodeStocktakeLine('count-1', 'TEA', 'east', text))).toBe(text);
              kinds.add('stocktake');
            }
          }
          // Orders are removed, so that the next run can use their ids again.
          for (const key of await shop.redis.keys(`${shop.keys.reservation('')}*`)) {
            await shop.release(decodeIdWord('a key', key.slice(shop.keys.reservation('').length)));
            await shop.redis.unlink(key);
          }
        },
      ),
      { numRuns: Math.ceil(HISTORIES / 6) },
    );
    expect(kinds).toEqual(new Set(['reservation', 'item', 'sale', 'transfer', 'stocktake']));
  });
});

describe('what TypeScript wrote', () => {
  test('is read back as it was: items', () => {
    const count = fc.nat({ max: 1_000_000_000 });
    const item = fc.record({
      sku: fc.constant('TEA'),
      warehouse: fc.constant('east'),
      total: count,
      available: count,
      reserved: count,
      sold: count,
      version: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      safetyStock: count,
      isLow: fc.boolean(),
    });
    const untilMs = fc.nat({ max: START_MS });
    const lock = fc.oneof(
      fc.constant({}),
      fc.record({ stocktake: fc.record({ stocktakeId: fc.constantFrom('count-1', '0', 'a.b:c'), untilMs }) }),
      fc.record({ holdsUntilMs: untilMs }),
    );
    fc.assert(
      fc.property(item, lock, (plain, locked) => {
        const written = { ...plain, ...locked };
        expect(decodeItem('TEA', 'east', encodeItem(written))).toEqual(written);
      }),
      { numRuns: HISTORIES },
    );
  });

  test('is read back as it was: reservations', () => {
    const name = fc.constantFrom('TEA', 'RICE', 'east', 'a.b:c-d_e', '0');
    const line = fc.record({
      sku: name,
      warehouse: name,
      quantity: fc.integer({ min: 1, max: 1_000_000_000 }),
    });
    const reservation = fc.record({
      orderId: fc.constant('order-1'),
      status: fc.constantFrom(
        'ACTIVE' as const,
        'CONFIRMED' as const,
        'RELEASED' as const,
        'EXPIRED' as const,
      ),
      lines: fc.array(line, { minLength: 1, maxLength: 5 }),
      reservedAtMs: fc.nat({ max: START_MS }),
      expiresAtMs: fc.nat({ max: 86_400_000 }).map((ms) => START_MS + ms),
      fingerprint: fc.constantFrom('60000;TEA@*=2', '60000;TEA@east=1', '60000;TEA@*=2;c=ann;s=flash;split'),
      customerId: fc.constantFrom(undefined, 'ann', '7'),
      saleId: fc.constantFrom(undefined, 'flash'),
      resolvedAtMs: fc.option(fc.nat({ max: START_MS }), { nil: undefined }),
      operations: fc.array(fc.constantFrom('c*', 'r*', 'rTEA=1', 'r#first', 'short'), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(reservation, (written) => {
        expect(decodeReservation('order-1', encodeReservation(written))).toEqual(written);
      }),
      { numRuns: HISTORIES },
    );
  });
});

describe('anything else is unreadable', () => {
  const WORDS = ['', ' ', 'nothing', 'null', '1 2 3', '{}', 'ACTIVE', '庫存'];

  test.each([
    ...WORDS,
    '10 10 0 0 1 0',
    '10 10 0 0 1 0 2',
    '10 10 0 0 1 0 0 0',
    '-1 10 0 0 1 0 0',
    '10 1e1 0 0 1 0 0',
    '10 10.0 0 0 1 0 0',
    ' 10 10 0 0 1 0 0',
    '10 10 0 0 1 0 0\n',
    '10  10 0 0 1 0 0',
    'BROKEN',
    '10 10 0 0 1 0 0 count-1',
    '10 10 0 0 1 0 0 count-1 soon',
    '10 10 0 0 1 0 0 count-1 1e9',
    '10 10 0 0 1 0 0 count-1 9 9',
    '10 10 0 0 1 0 0 -',
    'quarantined 10 10 0 0 1 0 0',
  ])('as an item: %j', (text) => {
    expect(() => decodeItem('TEA', 'east', text)).toThrow(Unreadable);
  });

  test.each([
    ...WORDS,
    'ACTIVE 1 60000',
    'ACTIVE 1 60000 ',
    'BOUGHT 1 60000 TEA@east=1',
    'active 1 60000 TEA@east=1',
    'ACTIVE 1 60000 TEA@east=1 -',
    'ACTIVE 1 60000 TEA@east=1 - -',
    'ACTIVE 1 60000 TEA@east=1 - - - -',
    'ACTIVE 1 60000 TEA@east=1 - - - ann flash more',
  ])('as a reservation: %j', (text) => {
    expect(() => decodeReservation('order-1', text)).toThrow(Unreadable);
  });

  // What read_lines in Lua refuses is refused here as well.
  test.each([
    'ACTIVE x 60000 TEA@east=1',
    'ACTIVE 1 x TEA@east=1',
    'ACTIVE 1 -5 TEA@east=1',
    'ACTIVE 1e3 60000 TEA@east=1',
    'CONFIRMED 1 60000 TEA@east=1 - x c*',
    'ACTIVE 1 60000 TEA',
    'ACTIVE 1 60000 TEA@east',
    'ACTIVE 1 60000 TEA@east=0',
    'ACTIVE 1 60000 TEA@east=9999999999',
  ])('as a reservation, whose numbers and lines are none: %j', (text) => {
    expect(() => decodeReservation('order-1', text)).toThrow(Unreadable);
  });
});

describe('an entry of the stream', () => {
  const ITEM = 'TEA@east 5 5 0 0 1 0 0';
  const EVENT = 'InventoryReceived M-1 web TEA@east=5 -';
  const entry = (fields: Partial<Record<'at' | 'count' | 'events' | 'items', string>> = {}) =>
    Object.entries({ at: String(START_MS), count: '1', events: EVENT, items: ITEM, ...fields }).flat();

  test('that this program wrote is read', () => {
    expect(decodeEntry('1-1', entry())).toEqual({
      epoch: 1,
      sequence: 1,
      atMs: START_MS,
      eventsTotal: 1,
      events: [
        {
          type: 'InventoryReceived',
          movementId: 'M-1',
          lines: [{ ...lines('TEA@east=5')[0], version: 1 }],
          reason: '',
          atMs: START_MS,
          actor: 'web',
        },
      ],
      items: [decodeItem('TEA', 'east', '5 5 0 0 1 0 0')],
    });
  });

  test.each([
    ['no fields', []],
    ['fields of another program', ['a', '1', 'b', '2', 'c', '3', 'd', '4']],
    ['an event of a kind nobody knows', entry({ events: 'InventoryStolen M-1 web TEA@east=5 -' })],
    ['an event that ends too early', entry({ events: 'InventoryReceived M-1 web' })],
    ['a release of a cause nobody knows', entry({ events: 'InventoryReleased o web TEA@east=5 lost -' })],
    ['an item that cannot be read', entry({ items: 'TEA@east 5 5' })],
    ['an event about an item that is not there', entry({ items: 'RICE@east 5 5 0 0 1 0 0' })],
  ])('with %s is unreadable', (_, fields) => {
    expect(() => decodeEntry('1-1', fields)).toThrow(Unreadable);
  });

  test.each([
    ['a time that is none', entry({ at: 'noon' })],
    ['a count that is none', entry({ count: 'many' })],
    ['a deadline that is none', entry({ events: 'ReservationExtended o web TEA@east=5 soon' })],
    ['a hold that is none', entry({ events: 'InventoryReserved o web TEA@east=5 long - - -' })],
    ['a reservation that ends too early', entry({ events: 'InventoryReserved o web TEA@east=5 1 - -' })],
    ['a lock that is none', entry({ events: 'StocktakeStarted c web TEA@east=5 soon' })],
    ['a count without a reason word', entry({ events: 'StocktakeCompleted c web TEA@east=5' })],
    ['goods that go nowhere', entry({ events: 'TransferDispatched t web TEA@east=5' })],
    ['rejected units that are none', entry({ events: 'TransferReceived t web TEA@east=5 some 5:0' })],
    ['a sale that closes never', entry({ events: 'SaleScheduled s web TEA 1 never 5 0', items: '' })],
    ['a sale of nothing', entry({ events: 'SaleClosed s web', items: '' })],
    ['a late payment without its operation', entry({ events: 'InventoryReacquired o web TEA@east=5' })],
  ])('with %s is unreadable', (_, fields) => {
    expect(() => decodeEntry('1-1', fields)).toThrow(Unreadable);
  });
});
