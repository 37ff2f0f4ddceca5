/**
 * The buyers of a demonstration: they order at once, then pay, walk away or cancel.
 * Promises: each order is asked for until it is decided, and every answer is counted; nothing here decides anything.
 */

import type { WantedOrder } from './orders.ts';
import type { Shop, ShopAnswer } from './shop.ts';

export interface BuyingOptions {
  /** Share of the accepted orders that is paid, and that is abandoned; the rest is cancelled. Both 0: all stay held. */
  readonly confirmShare: number;
  readonly abandonShare: number;
  readonly holdSeconds: number | undefined;
  /** Orders under way at once. */
  readonly buyersAtOnceMax: number;
  /** The buyers come one after the other over this time; 0: all at the same moment. */
  readonly spreadMs: number;
}

/** Counts that grow while the buyers are at it. */
export class Tally {
  reserved = 0;
  refused = 0;
  /** Refused because every warehouse with the article was being counted. */
  counted = 0;
  confirmed = 0;
  released = 0;
  abandoned = 0;
  /** Answers that are neither a yes nor a no; none are expected. */
  readonly unexpected: string[] = [];
  /** Tries that met an outage and were repeated under the same id. */
  repeats = 0;
  /** Orders that were refused for want of an article, by SKU. */
  readonly shortOrders = new Map<string, number>();
  readonly reserveLatenciesMs: number[] = [];
  decided = 0;
  /** Orders that got a yes. */
  readonly acknowledged: string[] = [];
  finishedMs = 0;
}

const UNEXPECTED_MAX = 20;
/** How a buyer waits for a count to end: 5 minutes in all. */
const COUNT_PAUSE_MS = 500;
const COUNT_TRIES_MAX = 600;

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Lets every order be asked for; resolves when all are decided and those that pay or cancel have done so. */
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
    // The item is being counted (BR-007): the hold outlives the count, and the payment is repeated.
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

/** The value below which this share of the sorted samples lies; NaN without samples. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
