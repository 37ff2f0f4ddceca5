/**
 * Simulated buyers: they order at the same time, then pay, cancel or abandon the order.
 * Promises: each order is repeated until it is decided, and every answer is counted.
 */
import type { WantedOrder } from './orders.ts';
import type { Shop, ShopAnswer } from './shop.ts';

export interface BuyingOptions {
  /** Share of the accepted orders that is paid, from 0 to 1. */
  readonly confirmShare: number;
  /** Share that is neither paid nor cancelled. The rest is cancelled; where both are 0, all stay held. */
  readonly abandonShare: number;
  /** Undefined: the server's default. */
  readonly holdSeconds: number | undefined;
  /** Concurrent orders. */
  readonly buyersAtOnceMax: number;
  /** The buyers arrive evenly over this time; 0: all at the same moment. */
  readonly spreadMs: number;
}

/** Counts that grow while the buyers order. */
export class Tally {
  reserved = 0;
  refused = 0;
  /** Refused because every warehouse with the article had a stocktake. */
  counted = 0;
  confirmed = 0;
  released = 0;
  abandoned = 0;
  /** Answers that are neither a success nor a known refusal; there should be none. */
  readonly unexpected: string[] = [];
  /** Attempts that failed by an outage and were repeated under the same id. */
  repeats = 0;
  /** Orders refused because an article was short, by SKU. */
  readonly shortOrders = new Map<string, number>();
  readonly reserveLatenciesMs: number[] = [];
  decided = 0;
  /** Ids of the orders that the server accepted. */
  readonly acknowledged: string[] = [];
  finishedMs = 0;
}

const UNEXPECTED_MAX = 20;
/** A buyer waits up to 5 minutes for a stocktake to end. */
const COUNT_PAUSE_MS = 500;
const COUNT_TRIES_MAX = 600;

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Sends all orders; resolves when all are decided, paid or cancelled. `tally` is updated on the way. */
export async function buy(
  shop: Shop,
  orders: readonly WantedOrder[],
  options: BuyingOptions,
  tally: Tally,
): Promise<void> {
  let next = 0;
  const startedMs = performance.now();
  const buyers = Array.from({ length: Math.min(options.buyersAtOnceMax, orders.length) }, async () => {
    for (let i = next++; i < orders.length; i = next++) {
      await pause(startedMs + (i / orders.length) * options.spreadMs - performance.now());
      await buyOne(shop, orders[i] as WantedOrder, options, tally);
    }
  });
  await Promise.all(buyers);
}

async function buyOne(shop: Shop, order: WantedOrder, options: BuyingOptions, tally: Tally): Promise<void> {
  const { holdSeconds, confirmShare, abandonShare } = options;
  const answer = await shop.post(
    '/v1/reservations',
    holdSeconds === undefined ? order : { ...order, holdSeconds },
  );
  tally.decided++;
  tally.repeats += answer.repeats;
  tally.reserveLatenciesMs.push(answer.latencyMs);
  tally.finishedMs = performance.now();
  if (answer.status === 409 && answer.body.code === 'insufficient-stock') {
    tally.refused++;
    for (const { sku } of answer.body.shortages as { sku: string }[]) {
      tally.shortOrders.set(sku, (tally.shortOrders.get(sku) ?? 0) + 1);
    }
    return;
  }
  if (answer.status === 423) {
    tally.counted++;
    return;
  }
  if (answer.status !== 201 && answer.status !== 200) return note(tally, 'reserve', answer);
  tally.reserved++;
  tally.acknowledged.push(order.orderId);
  if (confirmShare + abandonShare === 0) return;
  const dice = Math.random();
  if (dice < confirmShare) {
    let paid = await shop.post(`/v1/reservations/${order.orderId}/confirm`);
    // The item has a stocktake (BR-007). The hold does not expire meanwhile, so the payment is repeated.
    for (let tries = 0; paid.status === 423 && tries < COUNT_TRIES_MAX; tries++) {
      await pause(COUNT_PAUSE_MS);
      paid = await shop.post(`/v1/reservations/${order.orderId}/confirm`);
    }
    if (paid.status === 200) tally.confirmed++;
    else note(tally, 'confirm', paid);
  } else if (dice < confirmShare + abandonShare) {
    tally.abandoned++;
  } else {
    const cancelled = await shop.post(`/v1/reservations/${order.orderId}/release`);
    if (cancelled.status === 200) tally.released++;
    else note(tally, 'release', cancelled);
  }
}

function note(tally: Tally, what: string, answer: ShopAnswer): void {
  if (tally.unexpected.length < UNEXPECTED_MAX) {
    tally.unexpected.push(
      `${what}: ${answer.status} ${String(answer.body.code ?? answer.body.detail ?? '')}`,
    );
  }
}

/** The value at this share (0 to 1) of the ascending samples; NaN without samples. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
