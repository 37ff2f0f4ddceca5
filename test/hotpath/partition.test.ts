/**
 * A partition that was filled by a rebuild (D10): Lua reads the records that TypeScript wrote, and goes on as if it had
 * written them itself: the same decisions, items and reservations, and every hold expires at its time.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { InventoryItem } from '../../src/domain/inventory-item.ts';
import { decodeItemName, itemName } from '../../src/domain/language.ts';
import { decodeItem, encodeItem } from '../../src/hotpath/codec/item-codec.ts';
import { decodeSaleView, saleField } from '../../src/hotpath/codec/sale-codec.ts';
import { decodeStocktakeLine } from '../../src/hotpath/codec/stocktake-codec.ts';
import { decodeTransferView } from '../../src/hotpath/codec/transfer-codec.ts';
import { decodeIdWord, Unreadable } from '../../src/hotpath/codec/words.ts';
import {
  loadItems,
  loadMovements,
  loadQuotas,
  loadReservations,
  loadSales,
  loadStocktakeLines,
  loadTransfers,
} from '../../src/hotpath/load.ts';
import {
  clearPartition,
  fencePartition,
  openPartition,
  readControl,
  readIncarnation,
} from '../../src/hotpath/partition.ts';
import { ask } from '../agreement/ask.ts';
import { HISTORIES, history, type Step } from '../domain/histories.ts';
import { answer, outcome, START_MS } from '../domain/sentences.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

const TOMBSTONE_MS = 86_400_000;

/** Plays a history command by command and returns the decisions. */
async function play(shop: HotShop, steps: readonly Step[]): Promise<unknown[]> {
  const decisions: unknown[] = [];
  for (const step of steps) {
    if (step.kind === 'wait') await shop.wait(step.ms);
    else decisions.push(await ask(shop.hot, step));
  }
  await shop.sweepAll();
  return decisions;
}

async function itemsOf(shop: HotShop): Promise<InventoryItem[]> {
  const items: InventoryItem[] = [];
  for (const sku of await idsOf(shop, shop.keys.sku(''))) {
    for (const [field, text] of Object.entries(await shop.redis.hgetall(shop.keys.sku(sku)))) {
      if (!field.startsWith('*')) items.push(decodeItem(sku, decodeIdWord('a field', field), text));
    }
  }
  return items.sort((a, b) => (itemName(a) < itemName(b) ? -1 : 1));
}

async function reservationsOf(shop: HotShop) {
  const ids = await idsOf(shop, shop.keys.reservation(''));
  return Promise.all(ids.map((id) => shop.reservation(id)));
}

/** The ids of all keys that begin with `start`. */
async function idsOf(shop: HotShop, start: string): Promise<string[]> {
  const keys = (await shop.redis.keys(`${start}*`)).sort();
  return keys.map((key) => decodeIdWord('a key', key.slice(start.length)));
}

/** The records of transfers, count sheets, sales and quotas in Redis. */
async function recordsOf(shop: HotShop): Promise<Record<string, unknown>> {
  const { redis, keys } = shop;
  const found: Record<string, unknown> = {};
  for (const id of await idsOf(shop, keys.transfer('')))
    found[`transfer ${id}`] = await redis.get(keys.transfer(id));
  for (const id of await idsOf(shop, keys.stocktake('')))
    found[`sheet ${id}`] = await redis.hgetall(keys.stocktake(id));
  for (const id of await idsOf(shop, keys.quota('')))
    found[`quota ${id}`] = await redis.hgetall(keys.quota(id));
  for (const id of await idsOf(shop, keys.sale(''))) {
    const terms = (await redis.get(keys.sale(id))) ?? '';
    const sku = decodeIdWord('a sale', terms.split(' ')[0]);
    found[`sale ${id}`] = [terms, await redis.hget(keys.sku(sku), saleField(id))];
  }
  return found;
}

async function fillRecords({ redis, keys }: HotShop, from: HotShop): Promise<void> {
  for (const id of await idsOf(from, from.keys.transfer(''))) {
    const text = (await redis.get(from.keys.transfer(id))) ?? '';
    const operations = text.split(' ').at(-1)?.split(';') ?? [];
    const transfer = { ...decodeTransferView(id, text), operations: operations[0] === '-' ? [] : operations };
    const closedAtMs = transfer.status === 'IN_TRANSIT' ? undefined : from.nowMs;
    await loadTransfers(redis, keys, [{ ...transfer, closedAtMs }], TOMBSTONE_MS);
  }
  for (const id of await idsOf(from, from.keys.stocktake(''))) {
    const texts = Object.entries(await redis.hgetall(from.keys.stocktake(id)));
    const lines = texts.map(([name, text]) => {
      const { sku = '', warehouse = '' } = decodeItemName(name) ?? {};
      return { line: decodeStocktakeLine(id, sku, warehouse, text), sheetChangedMs: from.nowMs };
    });
    await loadStocktakeLines(redis, keys, lines, TOMBSTONE_MS);
  }
  for (const id of await idsOf(from, from.keys.sale(''))) {
    const [sku = '', , closesAt] = ((await redis.get(from.keys.sale(id))) ?? '').split(' ');
    const text = await redis.hget(from.keys.sku(decodeIdWord('a sale', sku)), saleField(id));
    if (text === null) continue;
    const sale = decodeSaleView(id, `${sku} ${text}`, from.nowMs);
    await loadSales(redis, keys, [{ ...sale, scheduledToCloseAtMs: Number(closesAt) }], TOMBSTONE_MS);
    const quotas = Object.entries(await redis.hgetall(from.keys.quota(id))).map(([customer, units]) => {
      const customerId = decodeIdWord('a quota', customer);
      const [held = 0, bought = 0] = units.split(' ').map(Number);
      return { customerId, held, bought };
    });
    await loadQuotas(redis, keys, sale, quotas, TOMBSTONE_MS);
  }
}

/** Fills an empty shop with what another one holds, as a rebuild does. */
async function fill(shop: HotShop, from: HotShop): Promise<void> {
  await fencePartition(shop.redis, shop.keys);
  await clearPartition(shop.redis, shop.keys);
  await shop.engine.setTime(from.nowMs); // the test clock is a key of the partition, too
  shop.nowMs = from.nowMs;
  const items = (await itemsOf(from)).map((item) => ({ item, isQuarantined: false }));
  await loadItems(shop.redis, shop.keys, items);
  await loadReservations(shop.redis, shop.keys, await reservationsOf(from), TOMBSTONE_MS);
  await fillRecords(shop, from);
  await openPartition(shop.redis, shop.keys, 1, { clockMs: from.nowMs });
}

test('a filled partition makes the same decisions as the one it was filled from', async () => {
  await fc.assert(
    fc.asyncProperty(history, history, async (before, after) => {
      const [one, two] = [await givenShop(''), await givenShop('')];
      await play(one, before);
      await fill(two, one);
      // Movements of the first life are not loaded here, so those of the second have names of their own.
      const renamed = after.map((step) =>
        'movementId' in step ? { ...step, movementId: `later-${step.movementId}` } : step,
      );
      expect(await play(two, renamed)).toEqual(await play(one, renamed));
      expect(await itemsOf(two)).toEqual(await itemsOf(one));
      expect(await reservationsOf(two)).toEqual(await reservationsOf(one));
      expect(await recordsOf(two)).toEqual(await recordsOf(one));
      await Promise.all([one.close(), two.close()]);
    }),
    { numRuns: Math.ceil(HISTORIES / 12) },
  );
});

test('BR-003: a loaded hold expires at its deadline, and one that fell due meanwhile at once', async () => {
  const from = await givenShop('TEA@east=9');
  await from.reserve('ended', 'TEA@east=1', 60);
  await from.reserve('open', 'TEA@east=2', 120);
  const shop = await givenShop('');
  await fill(shop, from);
  await shop.wait(90_000);
  await shop.sweepAll();
  expect((await shop.reservation('ended')).status).toBe('EXPIRED');
  await shop.wait(29_999);
  await shop.sweepAll();
  expect((await shop.reservation('open')).status).toBe('ACTIVE');
  await shop.wait(1);
  await shop.hot.item('TEA'); // any batch does, without a command for the order itself
  expect((await shop.reservation('open')).status).toBe('EXPIRED');
  expect(await shop.figures('TEA@east')).toBe('9 = 9 available + 0 reserved + 0 sold');
});

const receipt = { movementId: 'M-1', sku: 'TEA', warehouse: 'east', quantity: 5, reason: '' };

test('BR-006: the repeat of a loaded receipt gets its first answer', async () => {
  const shop = await givenShop('');
  const first = answer(await shop.hot.receive({ ...receipt, reason: '進貨 100%' }));
  const item = await shop.item('TEA@east');
  await fencePartition(shop.redis, shop.keys);
  await clearPartition(shop.redis, shop.keys);
  await shop.engine.setTime(START_MS);
  await loadItems(shop.redis, shop.keys, [{ item, isQuarantined: false }]);
  const done = {
    ...receipt,
    kind: 'receive',
    reason: '進貨 100%',
    versionBefore: 0,
    atMs: START_MS,
    item,
  } as const;
  await loadMovements(shop.redis, shop.keys, [done], TOMBSTONE_MS);
  await openPartition(shop.redis, shop.keys, 1, { clockMs: START_MS });
  const other = await shop.another();
  const again = await other.hot.receive({ ...receipt, reason: '進貨 100%' });
  expect(outcome(again)).toBe('replayed');
  expect(answer(again)).toEqual(first);
  expect(outcome(await other.hot.receive(receipt))).toBe('movement-conflict');
});

test('a loaded item in quarantine keeps its figures and refuses commands', async () => {
  const shop = await givenShop('TEA@east=5');
  const item = await shop.item('TEA@east');
  await loadItems(shop.redis, shop.keys, [{ item, isQuarantined: true }]);
  expect(outcome(await shop.reserve('order-1', 'TEA@east=1'))).toBe('quarantined');
  expect(await shop.redis.hget(shop.keys.sku('TEA'), 'east')).toContain(encodeItem(item));
});

test('a control record is read as Lua writes it, and nothing else is', async () => {
  const shop = await givenShop('TEA@east=5');
  await shop.reserve('order-1', 'TEA@east=1');
  await shop.hot.trim('00000001', 1, '1-2');
  const written = (await shop.redis.get(shop.keys.control)) ?? '';
  expect(await readControl(shop.redis, shop.keys)).toEqual({
    epoch: { number: 1, nonce: '00000001' },
    sequence: 2,
    link: shop.hot.head?.link,
    clockMs: START_MS,
    eventsTotal: 2,
    carriedTotal: 1,
    incarnation: (await readIncarnation(shop.redis)).id,
    pause: undefined,
    state: 'open',
    isLinked: true,
    text: written,
  });
  const damaged = ['', 'v2', `${written} `, written.replace('open', 'closed'), written.replace('v2', 'v3')];
  for (const text of [...damaged, '1 2 3 4 open', '1 2 3 4 5 closed', '1 -2 3 4 5 open']) {
    await shop.redis.set(shop.keys.control, text);
    await expect(readControl(shop.redis, shop.keys), text).rejects.toThrow(Unreadable);
  }
  await shop.redis.unlink(shop.keys.control);
  expect(await readControl(shop.redis, shop.keys)).toBeUndefined();
});
