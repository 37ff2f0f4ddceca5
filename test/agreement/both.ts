/**
 * One example, two deciders (D9): what is written here is asked of the aggregate and of the engine on a real Redis, in the
 * same sentences, and must come to the same on both.
 */
import { describe } from 'vitest';
import type { EventType, StockEvent } from '../../src/domain/language.ts';
import { given as givenAggregate, type Shop } from '../domain/shop.ts';
import { givenShop as givenEngine } from '../hotpath/hot-shop.ts';

/** What both shops have in common; the engine's answers come later, so all are awaited. */
type Sentence =
  | 'wait'
  | 'place'
  | 'receive'
  | 'move'
  | 'reserve'
  | 'confirm'
  | 'release'
  | 'extend'
  | 'setSafetyStock'
  | 'startCount'
  | 'completeCount'
  | 'cancelCount'
  | 'dispatch'
  | 'land'
  | 'turnBack'
  | 'schedule'
  | 'closeSale'
  | 'item'
  | 'figures'
  | 'reservation'
  | 'transfer'
  | 'sale'
  | 'sheet'
  | 'happened'
  | 'eventTypes';
type Either<M> = M extends (...args: infer A) => infer R ? (...args: A) => R | Promise<R> : never;
export type EitherShop = { readonly [K in Sentence]: Either<Shop[K]> } & {
  /** By the shop's clock, which stands still but for `wait`. */
  readonly nowMs: number;
  sweepAll(): unknown;
};

/** A shop with this stock received, such as `TEA@east=5,RICE@east=2`. */
export type Given = (stock: string) => Promise<EitherShop>;

/** The examples, once on the aggregate and once on the engine. */
export function onBoth(what: string, examples: (given: Given) => void): void {
  describe.each<[decider: string, given: Given]>([
    ['the aggregate', async (stock) => givenAggregate(stock)],
    ['the engine', (stock) => givenEngine(stock)],
  ])(`${what}, %s:`, (_, given) => examples(given));
}

/** The events of one kind. */
export async function eventsOf<T extends EventType>(
  shop: EitherShop,
  type: T,
): Promise<Extract<StockEvent, { type: T }>[]> {
  const events = await shop.happened();
  return events.filter((event) => event.type === type) as Extract<StockEvent, { type: T }>[];
}

/** `TEA 4 under 5`: the low-stock alerts so far (BR-005). */
export async function alertsOf(shop: EitherShop): Promise<string[]> {
  const alerts = await eventsOf(shop, 'LowStockAlertTriggered');
  return alerts.flatMap((alert) =>
    alert.lines.map((l) => `${l.sku} ${l.quantity} under ${alert.safetyStock}`),
  );
}
