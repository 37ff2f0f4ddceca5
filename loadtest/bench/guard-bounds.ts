/**
 * What the guard accepts: a line for each figure, a ratio within one run or a count of bytes, never a time. `usual` is the
 * value on two quiet cores. Bounds of ratios are about twice that, and were never reached on a machine with five times more
 * work than cores. Bytes do not depend on the machine, so their bounds are close. A change that is worth its price moves its
 * line here, with a reason in docs/decisions.md.
 */
import type { Target } from './figures.ts';

export type Bound = { readonly name: string; readonly unit: 'x' | 'bytes'; readonly usual: number } & Target;

const times = (name: string, usual: number, atMost: number): Bound => ({ name, unit: 'x', usual, atMost });
const bytes = (name: string, usual: number, atMost: number): Bound => ({
  name,
  unit: 'bytes',
  usual,
  atMost,
});

export const BOUNDS = {
  // How many orders get through a busy machine means little, so this bound is wide.
  engine: { name: 'engine / one script call per order, 64 callers', unit: 'x', usual: 2, atLeast: 0.4 },
  cpu: times('CPU per order: engine / one script call per order', 0.55, 1.1),
  reserve: times('Redis time: reserve / one script call per order', 0.25, 0.65),
  confirm: times('Redis time: confirm / reserve', 1.1, 2.2),
  release: times('Redis time: release / reserve', 1.05, 2.2),
  sale: times('Redis time: in a sale with a limit / reserve', 1.9, 3.8),
  far: times('Redis time: 10 warehouses, the farthest serves / one warehouse', 1.4, 2.8),
  skus: times('Redis time: each of another SKU of 1,000 / reserve', 3.2, 6.5),
  http: times('server CPU: POST /v1/reservations / bare Fastify route', 1.7, 3.5),
  hold: bytes('memory per hold', 250, 290),
  settled: bytes('memory per settled reservation', 266, 310),
} as const satisfies Readonly<Record<string, Bound>>;
export type BoundName = keyof typeof BOUNDS;
