/**
 * A short spelling of orders, decisions and figures, so that a test reads as a sentence:
 * `TEA@east=2,RICE=1` is an order of two lines, `5 = 3 available + 2 reserved + 0 sold` is an item (BR-004),
 * `TEA@north>east=2` is a transfer.
 * Promises: nothing is decided here.
 */

import type {
  DispatchTransferInput,
  MovementInput,
  ScheduleSaleInput,
} from '../../src/domain/inputs/goods.ts';
import type {
  Decision,
  MovementKind,
  OrderLine,
  PartLine,
  Refusal,
  RefusalCode,
  StockLine,
} from '../../src/domain/language.ts';

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

/** `TEA@east=2`: one line that names its warehouse. */
export function stockLine(text: string): StockLine {
  const [line] = lines(text);
  if (!line?.warehouse) throw new Error(`a warehouse is named: ${text}`);
  return { ...line, warehouse: line.warehouse };
}

/** The input of a movement, with a reason for kinds that need one. */
export function movement(
  kind: MovementKind,
  line: string,
  more: Partial<MovementInput> & { readonly movementId: string },
): MovementInput {
  const needsReason = kind === 'issue' || kind === 'write-off' || kind === 'correct';
  return { ...stockLine(line), ...(needsReason && { reason: 'damaged' }), ...more };
}

/** `TEA@north>east=2`: goods on their way. */
export function route(text: string): Pick<DispatchTransferInput, 'sku' | 'from' | 'to' | 'quantity'> {
  const [, sku, from, to, quantity] = /^([^@]+)@([^>]+)>([^=]+)=(\d+)$/.exec(text) ?? [];
  if (!sku || !from || !to) throw new Error(`not a transfer: ${text}`);
  return { sku, from, to, quantity: Number(quantity) };
}

/** When a sale opens and closes, from now, and how much one customer may have. */
export interface Terms {
  readonly opensInMs?: number;
  readonly lastsMs?: number;
  readonly limitPerCustomer?: number;
}

/** `TEA=4` in a sale that is open now and lasts an hour, where nothing else is said. */
export function sale(saleId: string, units: string, nowMs: number, terms: Terms = {}): ScheduleSaleInput {
  const { opensInMs = 0, lastsMs = 60 * MINUTE_MS, limitPerCustomer } = terms;
  const [line] = lines(units);
  if (!line) throw new Error(`not a sale: ${units}`);
  const opensAtMs = nowMs + opensInMs;
  const closesAtMs = opensAtMs + lastsMs;
  return { saleId, sku: line.sku, quantity: line.quantity, opensAtMs, closesAtMs, limitPerCustomer };
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
