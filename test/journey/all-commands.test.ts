/**
 * All commands at once: many small shops, each a random history of every command there is, sixteen clients asking at the
 * same time, stock small. Then everything that was decided is replayed, version by version, through the domain, and
 * Redis, ledger and domain must say the same (D8, D9); and goods are neither made nor lost:
 * total over warehouses + in transit = received - issued - shipped + returned + counted differences.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StockEvent } from '../../src/domain/language.ts';
import { saleView } from '../../src/domain/sale.ts';
import { inTransit, transferView } from '../../src/domain/transfer.ts';
import { decodeItem } from '../../src/hotpath/codec/item-codec.ts';
import { decodeReservation } from '../../src/hotpath/codec/reservation-codec.ts';
import { decodeSaleView } from '../../src/hotpath/codec/sale-codec.ts';
import { readStream } from '../../src/hotpath/codec/stream-codec.ts';
import { decodeTransferView } from '../../src/hotpath/codec/transfer-codec.ts';
import { type HotInventory, openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { InventoryState } from '../../src/model/inventory-state.ts';
import { ask } from '../agreement/ask.ts';
import { OPENING, type RandomCommand, randomCommand } from '../domain/histories.ts';
import { START_MS } from '../domain/sentences.ts';
import { type TestHoldfast, testHoldfast } from '../holdfast.ts';
import { testRedisUrl } from '../services.ts';

/** More by HOLDFAST_TEST_HISTORIES, which multiplies what every property runs. */
const HISTORIES = Math.max(500, Number(process.env.HOLDFAST_TEST_HISTORIES ?? 0));
/** In one ledger: more of them in a fresh one are slow to compare, as no statistics help its queries yet. */
const ROUND = 2_000;
const CLIENTS = 16;
/** Histories under way at the same time: their commands share batches. */
const AT_ONCE = 50;
const STEPS = 40;
const PAGE = 1_000;
const SEED = 20_261_111;

/** The same step in a shop of its own, at today's time. */
function inShop(shop: string, of: RandomCommand): RandomCommand {
  const own = <T extends string | undefined>(id: T) => (id === undefined ? id : `${shop}.${id}`);
  const copy = { ...of } as Record<string, unknown>;
  for (const field of ['orderId', 'movementId', 'stocktakeId', 'transferId', 'saleId', 'sku']) {
    if (typeof copy[field] === 'string') copy[field] = own(copy[field]);
  }
  if ('lines' in of && of.lines) copy.lines = of.lines.map((line) => ({ ...line, sku: own(line.sku) }));
  if ('releasable' in of) copy.releasable = of.releasable?.map(own);
  if (of.kind === 'schedule-sale') {
    const lateMs = Date.now() - START_MS;
    copy.opensAtMs = of.opensAtMs + lateMs;
    copy.closesAtMs = of.closesAtMs + lateMs;
  }
  return copy as unknown as RandomCommand;
}

/** One shop's history: opened by one client, then lived by all of them at once. */
async function live(
  shop: string,
  steps: readonly RandomCommand[],
  clients: readonly HotInventory[],
): Promise<number> {
  for (const of of OPENING) await ask(clients[0] as HotInventory, inShop(shop, of));
  let done = 0;
  const lives = clients.map(async (client, c) => {
    for (let i = c; i < steps.length; i += clients.length) {
      const { outcome } = await ask(client, inShop(shop, steps[i] as RandomCommand));
      if (outcome === 'done') done++;
    }
  });
  await Promise.all(lives);
  return done;
}

async function allEvents({ redis, keys }: TestHoldfast): Promise<StockEvent[]> {
  const events: StockEvent[] = [];
  for (let sequence = 0; ; ) {
    const entries = await readStream(redis, keys, 1, sequence, PAGE);
    for (const entry of entries) events.push(...entry.events);
    const last = entries.at(-1);
    if (!last) return events;
    sequence = last.sequence;
  }
}

/** Goods in all warehouses and on the way, and what the events of the SKU say there must be. */
function goodsOf(state: InventoryState, sku: string): { there: number; expected: number } {
  let there = state.itemsOf(sku).reduce((sum, item) => sum + item.total, 0);
  for (const transfer of state.transfers.values()) if (transfer.sku === sku) there += inTransit(transfer);
  const totals = new Map<string, number>();
  let expected = 0;
  for (const event of state.events) {
    for (const { quantity, warehouse } of event.lines.filter((line) => line.sku === sku)) {
      const total = totals.get(warehouse) ?? 0;
      let change = 0;
      if (event.type === 'InventoryReceived' || event.type === 'InventoryReturned') change = quantity;
      else if (event.type === 'InventoryIssued' || event.type === 'InventoryShipped') change = -quantity;
      else if (event.type === 'StocktakeCompleted' || event.type === 'InventoryCorrected')
        change = quantity - total;
      expected += change;
      const moved = event.type === 'TransferDispatched' ? -quantity : quantity;
      const isTransfer = event.type.startsWith('Transfer');
      totals.set(warehouse, total + (isTransfer ? moved : change));
    }
  }
  return { there, expected };
}

const title = `BR-001 to BR-007: ${HISTORIES} histories of all commands by ${CLIENTS} clients, fast paths %s: Redis, ledger and domain agree`;
test.each(['on', 'off'])(
  title,
  async (fastPaths) => {
    for (let from = 0; from < HISTORIES; from += ROUND) {
      await playRound(fastPaths === 'on', Math.min(ROUND, HISTORIES - from), SEED + from);
    }
  },
  Math.max(600_000, 100 * HISTORIES),
);

/** Histories with a Redis prefix and a ledger of their own, played, replayed and compared. */
async function playRound(fastPaths: boolean, count: number, seed: number): Promise<void> {
  const holdfast = await testHoldfast();
  const { keys } = holdfast;
  // What was decided is read whole before the worker may cut it off.
  await holdfast.stopWorker();
  const prefix = keys.control.slice(0, keys.control.indexOf('{'));
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => openHotInventory({ redisUrl: testRedisUrl(), prefix, fastPaths })),
  );
  try {
    await playAndCompare(holdfast, clients, count, seed);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await holdfast.close();
  }
}

async function playAndCompare(
  holdfast: TestHoldfast,
  clients: readonly HotInventory[],
  count: number,
  seed: number,
): Promise<void> {
  const { hot, ledger, redis, keys } = holdfast;
  const histories = fc.sample(fc.array(randomCommand, { minLength: STEPS, maxLength: STEPS, size: 'max' }), {
    numRuns: count,
    seed,
  });
  let done = 0;
  for (let from = 0; from < count; from += AT_ONCE) {
    const wave = histories.slice(from, from + AT_ONCE);
    const counts = await Promise.all(wave.map((steps, i) => live(`shop${from + i}`, steps, clients)));
    done += counts.reduce((sum, count) => sum + count, 0);
  }
  expect(done).toBeGreaterThan(count * 5);
  while ((await hot.sweep(1_000)).moreDue);
  // From here on nobody decides anything until the worker starts, so what is compared stands still.

  const events = await allEvents(holdfast);
  const state = new InventoryState();
  for (const event of events) state.apply(event);

  for (const item of state.items.values()) {
    const text = await redis.hget(keys.sku(item.sku), item.warehouse);
    expect(decodeItem(item.sku, item.warehouse, text ?? '')).toEqual(item);
  }
  for (const { orderId, ...reservation } of state.reservations.values()) {
    const text = await redis.get(keys.reservation(orderId));
    expect(decodeReservation(orderId, text ?? '')).toEqual({ orderId, ...reservation });
  }
  for (const transfer of state.transfers.values()) {
    const { transferId } = transfer;
    const text = await redis.get(keys.transfer(transferId));
    expect(decodeTransferView(transferId, text ?? '')).toEqual(transferView(transfer));
  }
  const nowMs = Date.now();
  for (const sale of state.sales.values()) {
    const text = await redis.hget(keys.sku(sale.sku), `*${sale.saleId}`);
    expect(decodeSaleView(sale.saleId, `${sale.sku} ${text}`, nowMs)).toEqual(saleView(sale, nowMs));
  }
  const skus = new Set([...state.items.values()].map((item) => item.sku));
  const byShop = new Map<string, InventoryState>();
  for (const event of events) {
    const sku = event.lines[0]?.sku ?? ('sku' in event ? event.sku : '');
    const shop = sku.slice(0, sku.indexOf('.'));
    const own = byShop.get(shop) ?? new InventoryState();
    byShop.set(shop, own);
    own.apply(event);
  }
  for (const sku of skus) {
    const { there, expected } = goodsOf(byShop.get(sku.slice(0, sku.indexOf('.'))) as InventoryState, sku);
    expect(there, `goods of ${sku}`).toBe(expected);
  }

  await holdfast.startWorker();
  const audit = await holdfast.audit(120_000);
  expect(audit).toMatchObject({ verdict: 'agree', findingsTotal: 0 });
  expect(audit.itemsCompared).toBe(state.items.size);
  let after: { sku: string; warehouse: string } | undefined;
  let compared = 0;
  let since = 0;
  do {
    const page = await ledger.read.items(after, PAGE);
    for (const { item, quarantine } of page) {
      expect(quarantine).toBeUndefined();
      const expected = state.item(item);
      // A hold that fell due since has returned; all else is as it was.
      if (item.version === expected?.version) expect(item).toEqual(expected);
      else {
        expect(item).toMatchObject({ total: expected?.total, sold: expected?.sold });
        since++;
      }
    }
    compared += page.length;
    after = page.at(-1)?.item;
  } while (after);
  expect(compared).toBe(state.items.size);
  expect(since).toBeLessThan(compared / 4);
  const orders = [...state.reservations.values()];
  for (let i = 0; i < orders.length; i += PAGE) {
    const page = orders.slice(i, i + PAGE);
    const found = new Map(
      (await ledger.loadReservations(page.map(({ orderId }) => orderId))).map((one) => [one.orderId, one]),
    );
    for (const order of page) {
      const one = found.get(order.orderId);
      // One that fell due since has returned, or outlives a count.
      const wasDue = order.status === 'ACTIVE' && order.expiresAtMs <= Date.now();
      if (wasDue) expect(one).toMatchObject({ lines: order.lines, reservedAtMs: order.reservedAtMs });
      else expect(one).toEqual(order);
    }
  }
}
