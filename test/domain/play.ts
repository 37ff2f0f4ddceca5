/**
 * Plays random histories on the reference model and inspects it after every decision, for property tests.
 */
import fc from 'fast-check';
import { test } from 'vitest';
import {
  type Decision,
  type EventType,
  itemName as nameOf,
  type StockEvent,
} from '../../src/domain/language.ts';
import { ReferenceModel } from '../../src/model/reference-model.ts';
import { commandOf, HISTORIES, history, type RandomCommand, type Step } from './histories.ts';
import { START_MS } from './sentences.ts';

/** One decision of a history, with its input and the model after it. */
export interface Moment {
  readonly inventory: ReferenceModel;
  readonly input: RandomCommand;
  readonly decision: Decision<unknown>;
  readonly nowMs: number;
  /** Number of events before the decision, after due holds were expired. */
  readonly eventsBefore: number;
  /** Whether anything happened since the moment before; if not, the state is the same. */
  readonly isChanged: boolean;
}

/** Plays a history; calls `look` after every decision. */
export function play(
  steps: readonly Step[],
  look: (moment: Moment) => void = () => undefined,
): ReferenceModel {
  const inventory = new ReferenceModel();
  let nowMs = START_MS;
  let eventsSeen = 0;
  for (const input of steps) {
    if (input.kind === 'wait') {
      nowMs += input.ms;
      continue;
    }
    inventory.returnDue(nowMs);
    const eventsBefore = inventory.events.length;
    const decision = inventory.decide(commandOf(input), nowMs);
    const isChanged = inventory.events.length > eventsSeen;
    eventsSeen = inventory.events.length;
    look({ inventory, input, decision, nowMs, eventsBefore, isChanged });
  }
  return inventory;
}

/** A property of every random history. */
export function always(name: string, holds: (steps: readonly Step[]) => void): void {
  test(name, () => {
    fc.assert(fc.property(history, holds), { numRuns: HISTORIES });
  });
}

/** Units in the lines of all events of these types about one item. */
export function sumOf(events: readonly StockEvent[], types: readonly EventType[], itemName: string): number {
  return events
    .filter((event) => types.includes(event.type))
    .flatMap((event) => event.lines)
    .filter((line) => nameOf(line) === itemName)
    .reduce((sum, line) => sum + line.quantity, 0);
}
