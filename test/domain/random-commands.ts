/**
 * Random commands for a small shop: few orders, SKUs, warehouses, sheets, transfers and sales, and quantities around the
 * stock there is, so that commands collide. Promises: each is a valid input; its decision is not known here.
 */
import fc from 'fast-check';
import { START_MS } from './sentences.ts';

const numbered = (name: string, max: number) => fc.integer({ min: 1, max }).map((n) => `${name}-${n}`);
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
/** Not there in two cases of three. */
const mostly = <T>(of: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: of });
const kind = <K extends string>(name: K) => fc.constant(name);

const orderId = numbered('order', 6);
const sku: fc.Arbitrary<string> = fc.constantFrom('TEA', 'TEA', 'RICE', 'SALT');
const warehouse: fc.Arbitrary<string> = fc.constantFrom('east', 'east', 'west', 'north');
const quantity: fc.Arbitrary<number> = fc.constantFrom(1, 1, 2, 3, 5);
const lines = fc.array(fc.record({ sku, quantity, warehouse: mostly(warehouse) }), {
  minLength: 1,
  maxLength: 3,
});
const parts = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.array(fc.record({ sku, quantity }), { minLength: 1, maxLength: 2 }) },
);
// A caller may choose any actor, also the one of the clock.
const actor = fc.constantFrom('order-service', 'web', 'ops', 'clock');
const saleId = fc.constantFrom('sale-1', 'sale-1', 'sale-1', 'sale-2', 'sale-3');
const stocktakeId = fc.constantFrom('count-1', 'count-1', 'count-1', 'count-2');
const transferId = numbered('transfer', 3);
const movementId = numbered('M', 14);

const reserve = fc.record({
  kind: kind('reserve'),
  orderId,
  lines,
  holdSeconds: fc.constantFrom(1, 60, 1_800),
  customerId: maybe<string>(fc.constantFrom('ann', 'bob')),
  saleId: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: saleId }),
  allocation: maybe(fc.constantFrom('single' as const, 'split' as const)),
  shipTo: maybe(fc.constantFrom({ latitude: 24, longitude: 120 }, { latitude: 50, longitude: 0 })),
  actor,
});
const confirm = fc.record({
  kind: kind('confirm'),
  orderId,
  lines: parts,
  reacquire: maybe(fc.boolean()),
  proposeTransferTo: maybe(warehouse),
  actor,
});
const release = fc.record({
  kind: kind('release'),
  orderId,
  lines: parts,
  releaseId: maybe(fc.constantFrom('r1', 'r2')),
  actor,
});
const extend = fc.record({
  kind: kind('extend'),
  orderId,
  holdSeconds: fc.constantFrom(1, 120, 14_400),
  actor,
});
const receive = fc.record({
  kind: kind('receive'),
  movementId,
  sku,
  warehouse,
  quantity: fc.integer({ min: 1, max: 8 }),
  reason: fc.constantFrom('', 'new goods', '進貨 100% ='),
  actor,
});
const movement = fc.record({
  kind: fc.constantFrom(...(['issue', 'ship', 'return', 'write-off', 'correct'] as const)),
  movementId,
  sku,
  warehouse,
  quantity: fc.integer({ min: 1, max: 4 }),
  reason: fc.constantFrom('damaged', 'found again'),
  orderId: maybe(orderId),
  expectedVersion: fc.integer({ min: 1, max: 12 }),
  actor,
});
const safetyStock = fc.record({
  kind: kind('set-safety-stock'),
  sku,
  warehouse,
  quantity: fc.integer({ min: 0, max: 6 }),
  actor,
});
const start = fc.record({
  kind: kind('start-stocktake'),
  stocktakeId,
  sku,
  warehouse,
  leaseSeconds: fc.constantFrom(1, 60, 3_600),
  actor,
});
const complete = fc.record({
  kind: kind('complete-stocktake'),
  stocktakeId,
  sku,
  warehouse,
  counted: fc.constantFrom(0, 1, 2, 3, 4, 6, 9),
  reason: fc.constantFrom('', 'yearly count'),
  releasable: maybe(fc.uniqueArray(orderId, { maxLength: 6 })),
  actor,
});
const cancel = fc.record({ kind: kind('cancel-stocktake'), stocktakeId, sku, warehouse, actor });
const dispatch = fc
  .record({
    kind: kind('dispatch-transfer'),
    transferId,
    sku,
    from: warehouse,
    to: warehouse,
    quantity,
    reason: fc.constantFrom('', 'nearer'),
    actor,
  })
  .filter(({ from, to }) => from !== to);
const land = fc
  .record({
    kind: kind('receive-transfer'),
    transferId,
    received: fc.integer({ min: 0, max: 3 }),
    rejected: fc.integer({ min: 0, max: 1 }),
    receiptId: maybe(fc.constantFrom('a', 'b')),
    actor,
  })
  .filter(({ received, rejected }) => received + rejected > 0);
const turnBack = fc.record({ kind: kind('cancel-transfer'), transferId, actor });
const schedule = fc
  .record({
    kind: kind('schedule-sale'),
    saleId,
    sku,
    opensInMs: fc.constantFrom(-1_000, 0, 30_000),
    lastsMs: fc.constantFrom(1_000, 120_000, 7_200_000),
    quantity: fc.integer({ min: 1, max: 6 }),
    limitPerCustomer: fc.constantFrom(0, 2, 3),
    actor,
  })
  .map(({ opensInMs, lastsMs, ...rest }) => ({
    ...rest,
    opensAtMs: START_MS + opensInMs,
    closesAtMs: START_MS + opensInMs + lastsMs,
  }));
const close = fc.record({ kind: kind('close-sale'), saleId, actor });
const wait = fc.record({
  kind: kind('wait'),
  ms: fc.constantFrom(1, 999, 1_000, 60_000, 1_800_000, 40_000_000),
});

/** The kind of a command and its input. */
export const randomCommand = fc.oneof(
  { weight: 8, arbitrary: reserve },
  { weight: 4, arbitrary: confirm },
  { weight: 3, arbitrary: release },
  { weight: 2, arbitrary: extend },
  { weight: 5, arbitrary: receive },
  { weight: 3, arbitrary: movement },
  { weight: 1, arbitrary: safetyStock },
  { weight: 2, arbitrary: start },
  { weight: 2, arbitrary: complete },
  { weight: 1, arbitrary: cancel },
  { weight: 2, arbitrary: dispatch },
  { weight: 2, arbitrary: land },
  { weight: 1, arbitrary: turnBack },
  { weight: 2, arbitrary: schedule },
  { weight: 1, arbitrary: close },
);
export type RandomCommand = typeof randomCommand extends fc.Arbitrary<infer A> ? A : never;

/** An order of its own id, mostly of one line and without a sale. */
export const differentOrder = fc
  .record({ reserve, orderId: numbered('single', 40), isShort: fc.boolean(), isOfSale: fc.nat({ max: 9 }) })
  .map(
    ({ reserve, orderId, isShort, isOfSale }): Step => ({
      ...reserve,
      orderId,
      lines: isShort ? reserve.lines.slice(0, 1) : reserve.lines,
      saleId: isOfSale === 0 ? reserve.saleId : undefined,
    }),
  );

const rushOrders = fc.uniqueArray(numbered('rush', 12), { minLength: 2, maxLength: 8 });
const between = fc.array(randomCommand, { maxLength: 2 });
const at = fc.nat({ max: 8 });
const among = (equal: readonly Step[], between: readonly Step[], at: number): Step[] => [
  ...equal.slice(0, at),
  ...between,
  ...equal.slice(at),
];

/** Equal orders at the same instant, as in a flash sale, with other commands in between. */
const equalReserves = fc
  .record({
    reserve,
    orders: rushOrders,
    customers: fc.array(maybe(fc.constantFrom('ann', 'bob', 'cat')), { minLength: 8, maxLength: 8 }),
    hasCustomers: fc.boolean(),
    between,
    at,
  })
  .map(({ reserve, orders, customers, hasCustomers, between, at }): Step[] => {
    const customerId = (i: number) => (hasCustomers ? customers[i] : undefined);
    const equal = orders.map((orderId, i): Step => ({ ...reserve, orderId, customerId: customerId(i) }));
    return among(equal, between, at);
  });
/** The same of payments, or of cancellations. */
const equalEnds = fc
  .record({ end: fc.oneof(confirm, release), isWhole: fc.boolean(), orders: rushOrders, between, at })
  .map(({ end, isWhole, orders, between, at }): Step[] => {
    const equal = orders.map((orderId): Step => ({ ...end, orderId, ...(isWhole && { lines: undefined }) }));
    return among(equal, between, at);
  });
export const rush = fc.oneof(equalReserves, equalEnds);

/** A command, or time that passes. */
export const step = fc.oneof({ weight: 8, arbitrary: randomCommand }, { weight: 1, arbitrary: wait });
export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
