/**
 * Plays random histories on the aggregate and looks at it after every decision: what the property tests stand on.
 */
import fc from 'fast-check';
import { test } from 'vitest';
import type { Decision, EventType, StockEvent } from '../../src/domain/language.ts';
import { ReferenceModel } from '../../src/model/reference-model.ts';
import { type Asked, commandOf, HISTORIES, history, type Step } from './histories.ts';
import { START_MS } from './sentences.ts';

/** One decision of a history and what it was decided on. */
export interface Moment {
  readonly inventory: ReferenceModel;
  readonly asked: Asked;
  readonly decision: Decision<unknown>;
  readonly nowMs: number;
  /** Events there were when it was asked, what had fallen due included. */
  readonly eventsBefore: number;
}

/** Plays a history and looks at the inventory after every decision. */
export function play(
  steps: readonly Step[],
  look: (moment: Moment) => void = () => undefined,
): ReferenceModel {
  const inventory = new ReferenceModel();
  let nowMs = START_MS;
  for (const asked of steps) {
    if (asked.kind === 'wait') {
      nowMs += asked.ms;
      continue;
    }
    inventory.returnDue(nowMs);
    const eventsBefore = inventory.events.length;
    look({ inventory, asked, decision: inventory.decide(commandOf(asked), nowMs), nowMs, eventsBefore });
  }
  return inventory;
}

/** A test by the name of what holds after every history. */
export function always(name: string, holds: (steps: readonly Step[]) => void): void {
  test(name, () => {
    fc.assert(fc.property(history, holds), { numRuns: HISTORIES });
  });
}

/** Units in the lines of all events of these kinds about one item. */
export function sumOf(events: readonly StockEvent[], types: readonly EventType[], itemName: string): number {
  return events
    .filter((event) => types.includes(event.type))
    .flatMap((event) => event.lines)
    .filter((line) => `${line.sku}@${line.warehouse}` === itemName)
    .reduce((sum, line) => sum + line.quantity, 0);
}
