/**
 * Random histories of a small shop: few orders, SKUs and warehouses, quantities around the stock there is, so that
 * steps collide. For properties of the aggregate and of the engine.
 */
import fc from 'fast-check';

/** Random runs of a property; the machine of a long night can be given more. */
export const HISTORIES = Number(process.env.HOLDFAST_TEST_HISTORIES ?? 300);

const orderId = fc.integer({ min: 1, max: 6 }).map((n) => `order-${n}`);
const sku = fc.constantFrom('TEA', 'RICE', 'SALT');
const warehouse = fc.constantFrom('east', 'west');
const quantity = fc.integer({ min: 1, max: 5 });
const lines = fc.array(fc.record({ sku, quantity, warehouse: fc.option(warehouse, { nil: undefined }) }), {
  minLength: 1,
  maxLength: 4,
});
const parts = fc.option(fc.array(fc.record({ sku, quantity }), { minLength: 1, maxLength: 2 }), {
  nil: undefined,
});
const actor = fc.constantFrom('order-service', 'web', 'ops');

const reserve = fc.record({
  kind: fc.constant('reserve' as const),
  orderId,
  lines,
  holdSeconds: fc.constantFrom(1, 60, 1_800),
  actor,
});
const confirm = fc.record({ kind: fc.constant('confirm' as const), orderId, lines: parts, actor });
const release = fc.record({
  kind: fc.constant('release' as const),
  orderId,
  lines: parts,
  releaseId: fc.option(fc.constantFrom('r1', 'r2'), { nil: undefined }),
  actor,
});
const extend = fc.record({
  kind: fc.constant('extend' as const),
  orderId,
  holdSeconds: fc.constantFrom(1, 120, 14_400),
  actor,
});
const receive = fc.record({
  kind: fc.constant('receive' as const),
  movementId: fc.integer({ min: 1, max: 12 }).map((n) => `M-${n}`),
  sku,
  warehouse,
  quantity: fc.integer({ min: 1, max: 8 }),
  reason: fc.constantFrom('', 'new goods', '進貨 100% ='),
  actor,
});
const safetyStock = fc.record({
  kind: fc.constant('safety-stock' as const),
  sku,
  warehouse,
  quantity: fc.integer({ min: 0, max: 6 }),
  actor,
});
const wait = fc.record({
  kind: fc.constant('wait' as const),
  ms: fc.constantFrom(1, 999, 1_000, 60_000, 1_800_000, 40_000_000),
});

/** What a caller asks for. */
export const asked = fc.oneof(
  { weight: 6, arbitrary: reserve },
  { weight: 3, arbitrary: confirm },
  { weight: 3, arbitrary: release },
  { weight: 2, arbitrary: extend },
  { weight: 3, arbitrary: receive },
  { weight: 1, arbitrary: safetyStock },
);
export type Asked = typeof asked extends fc.Arbitrary<infer A> ? A : never;

/** What a caller asks for, or time that passes. */
export const step = fc.oneof({ weight: 8, arbitrary: asked }, { weight: 1, arbitrary: wait });
export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

export const history = fc.array(step, { minLength: 1, maxLength: 60 });
