/**
 * The orders in the events of a stream entry. Promises: one event that cannot be read hides no other.
 */

import type { StockEvent } from '../../domain/language.ts';
import { decodeEvents, type Unversioned } from './event-codec.ts';

/** An order, and the last that was decided about it in these events. */
export interface OrderInEvents {
  readonly orderId: string;
  readonly event: StockEvent['type'];
}

/** The orders that events are about, in the order in which they come first. @param texts one event text a line */
export function ordersIn(texts: string): OrderInEvents[] {
  const orders = new Map<string, OrderInEvents>();
  for (const text of texts.split('\n')) {
    const events: Unversioned<StockEvent>[] = [];
    try {
      decodeEvents(text, 0, events);
    } catch {
      continue;
    }
    for (const event of events) {
      if (!('orderId' in event) || event.orderId === undefined) continue;
      orders.set(event.orderId, { orderId: event.orderId, event: event.type });
    }
  }
  return [...orders.values()];
}
