/**
 * What the guard lets pass: one line a figure, each a ratio within one run or a count of bytes, never a time.
 * `usual` is what the figure is on two quiet cores; the bound is about twice that, and was never reached on a machine with
 * five times the work it has cores for. Only how many orders get through there says little, so its bound is a wide one, for
 * orders that are made to wait. Bytes do not depend on the machine, so theirs is close. A change that is worth its price moves its line here, with a reason
 * in docs/decisions.md.
 */
import type { Target } from './figures.ts';

export type Bound = { readonly name: string; readonly unit: 'x' | 'bytes'; readonly usual: number } & Target;

export const ENGINE_TIMES = 'engine / one script call per order, 64 callers';
export const CPU_TIMES = 'CPU per order: engine / one script call per order';
export const RESERVE_TIMES = 'Redis time: reserve / one script call per order';
export const CONFIRM_TIMES = 'Redis time: confirm / reserve';
export const RELEASE_TIMES = 'Redis time: release / reserve';
export const SALE_TIMES = 'Redis time: in a sale with a limit / reserve';
export const FAR_TIMES = 'Redis time: 10 warehouses, the farthest serves / one warehouse';
export const SKUS_TIMES = 'Redis time: each of another SKU of 1,000 / reserve';
export const HTTP_TIMES = 'server CPU: POST /v1/reservations / bare Fastify route';
export const HOLD_BYTES = 'memory per hold';
export const SETTLED_BYTES = 'memory per settled reservation';

export const BOUNDS: readonly Bound[] = [
  { name: ENGINE_TIMES, unit: 'x', usual: 2, atLeast: 0.4 },
  { name: CPU_TIMES, unit: 'x', usual: 0.55, atMost: 1.1 },
  { name: RESERVE_TIMES, unit: 'x', usual: 0.25, atMost: 0.65 },
  { name: CONFIRM_TIMES, unit: 'x', usual: 1.1, atMost: 2.2 },
  { name: RELEASE_TIMES, unit: 'x', usual: 1.05, atMost: 2.2 },
  { name: SALE_TIMES, unit: 'x', usual: 1.9, atMost: 3.8 },
  { name: FAR_TIMES, unit: 'x', usual: 1.4, atMost: 2.8 },
  { name: SKUS_TIMES, unit: 'x', usual: 3.2, atMost: 6.5 },
  { name: HTTP_TIMES, unit: 'x', usual: 1.7, atMost: 3.5 },
  { name: HOLD_BYTES, unit: 'bytes', usual: 250, atMost: 290 },
  { name: SETTLED_BYTES, unit: 'bytes', usual: 266, atMost: 310 },
];
