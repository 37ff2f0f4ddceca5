/**
 * A short spelling of orders, decisions and figures, so that a test reads as a sentence:
 * `TEA@east=2,RICE=1` is an order of two lines, `5 = 3 available + 2 reserved + 0 sold` is an item (BR-004).
 * Promises: nothing is decided here.
 */
import type { Decision, OrderLine, PartLine, Refusal, RefusalCode } from '../../src/domain/language.ts';

/** Far ahead of every machine's clock: Redis drops keys by its own, whatever time a test sets. */
export const START_MS = 4_000_000_000_000;
export const MINUTE_MS = 60_000;

/** `TEA@east=2,RICE=1`: without a warehouse the line names none. */
export function lines(text: string): OrderLine[] {
  return text.split(',').map((part) => {
    const match = /^([^@=]+)(?:@([^=]+))?=(\d+)$/.exec(part);
    if (!match?.[1]) throw new Error(`not a line: ${part}`);
    const line = { sku: match[1], quantity: Number(match[3]) };
    return match[2] === undefined ? line : { ...line, warehouse: match[2] };
  });
}

/** `TEA=2,RICE=1`: what a confirm or a release names. */
export function parts(text: string | undefined): PartLine[] | undefined {
  return text === undefined ? undefined : lines(text);
}

/** `TEA@east`. */
export function named(name: string): { sku: string; warehouse: string } {
  const [sku, warehouse] = name.split('@');
  if (!sku || !warehouse) throw new Error(`not an item: ${name}`);
  return { sku, warehouse };
}

/** Lines of a view in the spelling of {@link lines}. */
export function spelled(all: readonly OrderLine[]): string {
  return all
    .map((line) => `${line.sku}${line.warehouse ? `@${line.warehouse}` : ''}=${line.quantity}`)
    .join(',');
}

/** What a decision came to in one word: `done`, `replayed`, or the code of the refusal. */
export function outcome(decision: Decision<unknown>): 'done' | 'replayed' | RefusalCode {
  if (decision.outcome === 'refused') return decision.refusal.code;
  return decision.replayed ? 'replayed' : 'done';
}

/** The refusal of a decision. @throws where it was done */
export function refusal(decision: Decision<unknown>): Refusal {
  if (decision.outcome !== 'refused') throw new Error(`was done: ${JSON.stringify(decision)}`);
  return decision.refusal;
}

/** What a decision answers. @throws where it was refused */
export function answer<T>(decision: Decision<T>): T {
  if (decision.outcome === 'refused') throw new Error(`was refused: ${JSON.stringify(decision)}`);
  return decision.value;
}

/** The figures of an item as the equation of BR-004. */
export function figures(item: { total: number; available: number; reserved: number; sold: number }): string {
  return `${item.total} = ${item.available} available + ${item.reserved} reserved + ${item.sold} sold`;
}
