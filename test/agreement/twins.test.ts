/**
 * D9: Lua and TypeScript state the same rules; here they are compared, not trusted. Random command sequences on a clock
 * that the test turns must give the same decisions, the same events and the same state on both.
 */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { InvalidCommand } from '../../src/domain/inputs/declare.ts';
import { encodeId, itemName, type StockEvent } from '../../src/domain/language.ts';
import { saleView } from '../../src/domain/sale.ts';
import { transferView } from '../../src/domain/transfer.ts';
import { decodeItem } from '../../src/hotpath/codec/item-codec.ts';
import { decodeReservation } from '../../src/hotpath/codec/reservation-codec.ts';
import { readStream } from '../../src/hotpath/codec/stream-codec.ts';
import { ReferenceModel } from '../../src/model/reference-model.ts';
import {
  commandOf,
  differentOrder,
  HISTORIES,
  OPENING,
  PLACES,
  PLENTY,
  type RandomCommand,
  rush,
  type Step,
  step,
} from '../domain/histories.ts';
import { sometimesNasty } from '../domain/ids.ts';
import { START_MS } from '../domain/sentences.ts';
import { type TestEngine, testEngine } from '../services.ts';
import { ask } from './ask.ts';
import { startValkey, type Valkey } from './valkey.ts';

/** Commands sent in one go, decided in one batch at one instant. */
const burst = fc.oneof(
  { weight: 3, arbitrary: fc.array(step, { minLength: 1, maxLength: 6, size: 'max' }) },
  { weight: 1, arbitrary: rush },
);
/** Orders of one moment that differ, as over many SKUs, among a few other commands. */
const differentOrders = fc.array(
  fc.oneof({ weight: 6, arbitrary: differentOrder }, { weight: 1, arbitrary: step }),
  { minLength: 1, maxLength: 8, size: 'max' },
);

/** A sweep looks at no more than 16 entries of the index, and a batch has an entry for each deadline: so until nothing is due. */
async function sweepAll({ hot }: TestEngine): Promise<void> {
  while ((await hot.sweep(1_000)).moreDue);
}

/** So many bursts make no more entries than one batch looks at; after more, what is due is returned before the next burst. */
const BURSTS_OF_FEW_ENTRIES = 4;

async function compare(engine: TestEngine, bursts: readonly (readonly Step[])[]): Promise<void> {
  const inventory = new ReferenceModel();
  for (const place of PLACES) await engine.hot.places.put(place);
  let nowMs = START_MS;
  for (const [i, steps] of bursts.entries()) {
    const commands: RandomCommand[] = [];
    for (const s of steps) {
      if (s.kind === 'wait') nowMs += s.ms;
      else commands.push(s);
    }
    await engine.setTime(nowMs);
    if (commands.length === 0) continue; // nothing is sent, so nobody looks at the clock
    if (i > BURSTS_OF_FEW_ENTRIES) await sweepAll(engine);
    const decided = await Promise.all(commands.map((s) => ask(engine.hot, s)));
    inventory.returnDue(nowMs);
    const expected = commands.map((s) => inventory.decide(commandOf(s), nowMs));
    expect(decided).toEqual(expected);
  }
  await engine.setTime(nowMs + 1);
  inventory.returnDue(nowMs + 1);
  await sweepAll(engine);
  await expectSameState(engine, inventory);
  await expectSameDocuments(engine, inventory, nowMs + 1);
  // A day after the last deadline nothing is held: no hold is ever forgotten (BR-003).
  await engine.setTime(nowMs + 2 * 86_400_000);
  await sweepAll(engine);
  for (const item of inventory.items.values()) {
    const text = await engine.redis.hget(engine.hot.keys.sku(item.sku), encodeId(item.warehouse));
    expect(decodeItem(item.sku, item.warehouse, text ?? '')).toMatchObject({
      reserved: 0,
      total: item.total,
    });
  }
}

async function expectSameState(engine: TestEngine, inventory: ReferenceModel): Promise<void> {
  const { redis, hot } = engine;
  const entries = await readStream(redis, hot.keys, 1, 0, 10_000);
  // Events of one batch about different items may come in another order; each item's own order is what counts.
  const byItem = (
    events: readonly { lines: readonly { sku: string; warehouse: string; version: number }[] }[],
  ) => events.flatMap((event) => event.lines.map((l) => ({ ...event, lines: undefined, line: l })));
  const key = (e: { line: { sku: string; warehouse: string; version: number } }) =>
    `${e.line.sku}@${e.line.warehouse}#${String(e.line.version).padStart(6, '0')}`;
  const sorted = (events: ReturnType<typeof byItem>) => events.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const events = entries.flatMap((entry) => entry.events);
  expect(sorted(byItem(events))).toEqual(sorted(byItem(inventory.events)));
  // Those that touch no item, in their order.
  const ofNoItem = (all: readonly StockEvent[]) => all.filter((event) => event.lines.length === 0);
  expect(ofNoItem(events)).toEqual(ofNoItem(inventory.events));
  for (const item of inventory.items.values()) {
    const text = await redis.hget(hot.keys.sku(item.sku), encodeId(item.warehouse));
    expect(decodeItem(item.sku, item.warehouse, text ?? '')).toEqual(item);
  }
  for (const reservation of inventory.reservations.values()) {
    const text = await redis.get(hot.keys.reservation(reservation.orderId));
    expect(decodeReservation(reservation.orderId, text ?? '')).toEqual({
      ...reservation,
      resolvedAtMs: reservation.resolvedAtMs,
    });
  }
  expect(entries.map((entry) => entry.sequence)).toEqual(entries.map((_, i) => i + 1));
}

/** More histories take longer. */
const TIME_OUT_MS = Math.max(300_000, 300 * HISTORIES);
/** A busy machine is no outage. */
const PATIENCE_MS = 30_000;
const shown = (value: unknown) => ({ outcome: 'done', replayed: false, value });

async function expectSameDocuments(
  { hot, redis }: TestEngine,
  inventory: ReferenceModel,
  nowMs: number,
): Promise<void> {
  for (const transfer of inventory.transfers.values()) {
    expect(await hot.transfer(transfer.transferId)).toEqual(shown(transferView(transfer)));
  }
  for (const [stocktakeId, sheet] of inventory.sheets) {
    const decision = await hot.stocktake(stocktakeId);
    const byItem = (a: { sku: string; warehouse: string }, b: { sku: string; warehouse: string }) =>
      itemName(a) < itemName(b) ? -1 : 1;
    expect(decision).toEqual(shown([...sheet.values()].sort(byItem)));
  }
  for (const sale of inventory.sales.values()) {
    const decision = await hot.sale(sale.saleId);
    expect(decision).toEqual(shown(saleView(sale, nowMs)));
    const quotas = [...(inventory.quotas.get(sale.saleId) ?? [])].map(([customerId, { held, bought }]) => [
      encodeId(customerId),
      `${held} ${bought}`,
    ]);
    expect(await redis.hgetall(hot.keys.quota(sale.saleId))).toEqual(Object.fromEntries(quotas));
  }
}

let engine: TestEngine | undefined;
afterEach(async () => {
  await engine?.close();
  engine = undefined;
});

// Where stock is small the fast paths end soon, so each kind runs on plenty as well.
const KINDS = [
  {
    what: 'histories',
    opening: OPENING,
    bursts: fc.array(burst, { minLength: 1, maxLength: 14, size: 'max' }),
  },
  {
    what: 'rushes on plenty of stock',
    opening: PLENTY,
    bursts: fc.array(rush, { minLength: 1, maxLength: 6, size: 'max' }),
  },
  {
    what: 'batches of different orders on plenty of stock',
    opening: PLENTY,
    bursts: fc.array(differentOrders, { minLength: 1, maxLength: 6, size: 'max' }),
  },
];
/** Fewer runs where another form of the same program is compared. */
const OTHERS = Math.ceil(HISTORIES / 4);

async function compareAll(
  { opening, bursts }: (typeof KINDS)[number],
  numRuns: number,
  options: Parameters<typeof testEngine>[0] = {},
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(sometimesNasty(bursts.map((steps) => [opening, ...steps])), async (bursts) => {
      const turned = { turnedClockMs: START_MS, ack: 'memory', timeoutMs: PATIENCE_MS } as const;
      engine = await testEngine({ ...turned, ...options });
      try {
        await compare(engine, bursts);
      } finally {
        await engine.close();
        engine = undefined;
      }
    }),
    { numRuns },
  );
}

test.each(KINDS)(
  'random $what: the same decisions, events and state on both',
  (kind) => compareAll(kind, HISTORIES),
  TIME_OUT_MS,
);

test.each(KINDS)(
  'random $what, with the fast paths of the program off: the same again',
  (kind) => compareAll(kind, OTHERS, { fastPaths: false }),
  TIME_OUT_MS,
);

describe('on a server with MSETEX', () => {
  let valkey: Valkey | undefined;
  beforeAll(async () => {
    valkey = await startValkey((line) => console.log(`twins on MSETEX: ${line}`));
  }, TIME_OUT_MS);
  afterAll(() => valkey?.stop());

  test.for(KINDS)('random $what: the same again', { timeout: TIME_OUT_MS }, async (kind, { skip }) => {
    if (!valkey) return skip('no Valkey with MSETEX');
    await compareAll(kind, OTHERS, { serverUrl: valkey.url });
  });
});

test('holds of 21 batches, each with deadlines of its own, are all returned a day later', async () => {
  engine = await testEngine({ turnedClockMs: START_MS, ack: 'memory' });
  const order = (i: number, holdSeconds: number) => ({
    kind: 'reserve' as const,
    orderId: `order-${i}-${holdSeconds}`,
    lines: [{ sku: 'TEA', quantity: 1 }],
    holdSeconds,
  });
  const bursts = Array.from({ length: 21 }, (_, i) => [order(i, 1), order(i, 60), order(i, 1_800)]);
  await compare(engine, [PLENTY, ...bursts] as Step[][]);
});

test('an input the domain refuses never reaches Redis', async () => {
  engine = await testEngine({ turnedClockMs: START_MS, ack: 'memory' });
  const before = await engine.dump();
  const { hot } = engine;
  const bad = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1_000_000_001, '1', null];
  for (const quantity of bad) {
    const lines = [{ sku: 'A', quantity: quantity as number }];
    expect(() => hot.reserve({ orderId: 'o', lines })).toThrow(InvalidCommand);
  }
  expect(await engine.dump()).toBe(before);
});
