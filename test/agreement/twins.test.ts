/**
 * D9: Lua and TypeScript state the same rules; here they are compared, not trusted. Random command sequences on a clock
 * that the test turns must give the same decisions, the same events and the same state on both.
 */
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { Inventory } from '../../src/domain/inventory.ts';
import type { Decision } from '../../src/domain/language.ts';
import {
  InvalidCommand,
  readConfirm,
  readExtend,
  readReceive,
  readRelease,
  readReserve,
  readSafetyStock,
} from '../../src/domain/validate.ts';
import { readStream } from '../../src/hotpath/event-stream.ts';
import { readItem, readReservation } from '../../src/hotpath/texts.ts';
import { type TestEngine, testEngine } from '../services.ts';

const HISTORIES = Number(process.env.HOLDFAST_TEST_HISTORIES ?? 300);
// Far ahead, because Redis lets keys vanish by its own clock.
const START_MS = 4_000_000_000_000;

// Small worlds collide: few orders, SKUs and warehouses, quantities around the stock there is.
const order = fc.integer({ min: 1, max: 6 }).map((n) => `order-${n}`);
const sku = fc.constantFrom('A', 'B', 'C');
const warehouse = fc.constantFrom('east', 'west');
const quantity = fc.integer({ min: 1, max: 5 });
const part = fc.record({ sku, quantity });
const line = fc.record({ sku, quantity, warehouse: fc.option(warehouse, { nil: undefined }) });

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('reserve'),
      orderId: order,
      lines: fc.array(line, { minLength: 1, maxLength: 4 }),
      holdSeconds: fc.constantFrom(1, 60, 1_800),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('confirm'),
      orderId: order,
      lines: fc.option(fc.array(part, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('release'),
      orderId: order,
      lines: fc.option(fc.array(part, { minLength: 1, maxLength: 2 }), { nil: undefined }),
      releaseId: fc.option(fc.constantFrom('r1', 'r2'), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('extend'),
      orderId: order,
      holdSeconds: fc.constantFrom(1, 120, 14_400),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('receive'),
      movementId: fc.integer({ min: 1, max: 8 }).map((n) => `m${n}`),
      sku,
      warehouse,
      quantity: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('safety'),
      sku,
      warehouse,
      quantity: fc.integer({ min: 0, max: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait'),
      ms: fc.constantFrom(1, 999, 1_000, 61_000, 1_800_000, 40_000_000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function onEngine(engine: TestEngine, s: Exclude<Step, { kind: 'wait' }>): Promise<Decision<unknown>> {
  const { hot } = engine;
  if ('holdSeconds' in s && 'lines' in s) return hot.reserve(s);
  if ('holdSeconds' in s) return hot.extend(s);
  if ('releaseId' in s) return hot.release(s);
  if ('movementId' in s) return hot.receive(s);
  if ('orderId' in s) return hot.confirm(s);
  if ('sku' in s) return hot.setSafetyStock(s);
  throw new Error('no such step');
}

function onAggregate(
  inventory: Inventory,
  s: Exclude<Step, { kind: 'wait' }>,
  nowMs: number,
): Decision<unknown> {
  if ('holdSeconds' in s && 'lines' in s) return inventory.decide(readReserve(s), nowMs);
  if ('holdSeconds' in s) return inventory.decide(readExtend(s), nowMs);
  if ('releaseId' in s) return inventory.decide(readRelease(s), nowMs);
  if ('movementId' in s) return inventory.decide(readReceive(s), nowMs);
  if ('orderId' in s) return inventory.decide(readConfirm(s), nowMs);
  if ('sku' in s) return inventory.decide(readSafetyStock(s), nowMs);
  throw new Error('no such step');
}

/** Commands sent in one go, decided in one batch at one instant. */
const burst = fc.array(step, { minLength: 1, maxLength: 6 });

async function compare(engine: TestEngine, bursts: readonly (readonly Step[])[]): Promise<void> {
  const inventory = new Inventory();
  let nowMs = START_MS;
  for (const steps of bursts) {
    const commands: Exclude<Step, { kind: 'wait' }>[] = [];
    for (const s of steps) {
      if ('ms' in s) nowMs += s.ms;
      else commands.push(s);
    }
    await engine.setTime(nowMs);
    if (commands.length === 0) continue; // nothing is sent, so nobody looks at the clock
    const decided = await Promise.all(commands.map((s) => onEngine(engine, s)));
    inventory.returnDue(nowMs);
    const expected = commands.map((s) => onAggregate(inventory, s, nowMs));
    expect(decided).toEqual(expected);
  }
  await engine.setTime(nowMs + 1);
  inventory.returnDue(nowMs + 1);
  await engine.hot.sweep(1_000);
  await expectSameState(engine, inventory);
  // A day after the last deadline nothing is held: no hold is ever forgotten (BR-003).
  await engine.setTime(nowMs + 2 * 86_400_000);
  await engine.hot.sweep(1_000);
  for (const item of inventory.items.values()) {
    const text = await engine.redis.hget(engine.hot.keys.sku(item.sku), item.warehouse);
    expect(readItem(item.sku, item.warehouse, text ?? '')).toMatchObject({ reserved: 0, total: item.total });
  }
}

async function expectSameState(engine: TestEngine, inventory: Inventory): Promise<void> {
  const { redis, hot } = engine;
  const entries = await readStream(redis, hot.keys, 1, 0, 10_000);
  // Events of one batch about different items may come in another order; each item's own order is what counts.
  const byItem = (
    events: readonly { lines: readonly { sku: string; warehouse: string; version: number }[] }[],
  ) => events.flatMap((event) => event.lines.map((l) => ({ ...event, lines: undefined, line: l })));
  const key = (e: { line: { sku: string; warehouse: string; version: number } }) =>
    `${e.line.sku}@${e.line.warehouse}#${String(e.line.version).padStart(6, '0')}`;
  const sorted = (events: ReturnType<typeof byItem>) => events.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  expect(sorted(byItem(entries.flatMap((entry) => entry.events)))).toEqual(sorted(byItem(inventory.events)));
  for (const item of inventory.items.values()) {
    const text = await redis.hget(hot.keys.sku(item.sku), item.warehouse);
    expect(readItem(item.sku, item.warehouse, text ?? '')).toEqual(item);
  }
  for (const reservation of inventory.reservations.values()) {
    const text = await redis.get(hot.keys.reservation(reservation.orderId));
    expect(readReservation(reservation.orderId, text ?? '')).toEqual({
      ...reservation,
      resolvedAtMs: reservation.resolvedAtMs,
    });
  }
  expect(entries.map((entry) => entry.sequence)).toEqual(entries.map((_, i) => i + 1));
}

let engine: TestEngine | undefined;
afterEach(async () => {
  await engine?.close();
  engine = undefined;
});

test('random histories: the same decisions, events and state on both', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(burst, { minLength: 1, maxLength: 12 }), async (bursts) => {
      engine = await testEngine({ turnedClockMs: START_MS, ack: 'memory' });
      try {
        await compare(engine, bursts);
      } finally {
        await engine.close();
        engine = undefined;
      }
    }),
    { numRuns: HISTORIES },
  );
}, 300_000);

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
