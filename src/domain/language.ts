/**
 * Every business word of Holdfast: ids, quantities and limits here, with commands, events and answers beside it.
 * Promises: a word that is spelled here is spelled the same in lua/, in SQL and over HTTP.
 * Refuses to know: keys, tables, status codes, clocks.
 */
import type { Confirm, ReceiveTransfer, Release } from './commands.ts';

export * from './commands.ts';
export * from './events.ts';
export * from './views.ts';

/** Order, SKU, warehouse, movement, actor ...: what a caller may name a thing (design, section 5). */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** The most units any counter may show. Far below 10^14, where Lua 5.1 stops writing numbers exactly. */
export const QUANTITY_MAX = 1_000_000_000;
/** The most lines in one order: it bounds the time one command may take inside the script. */
export const LINES_MAX = 100;
/** BR-003: a hold that is not paid in this time returns. */
export const HOLD_SECONDS_DEFAULT = 1_800;
export const HOLD_SECONDS_MIN = 1;
/** The longest interval one reserve or extend may ask for: 4 hours. */
export const HOLD_SECONDS_MAX = 14_400;
/** BR-003: the longest a hold may live in all, however often it is extended: 24 hours. */
export const LIFETIME_SECONDS_MAX = 86_400;
/** The most partial releases of one hold; each leaves its name on the reservation so that a repeat is known. */
export const PARTIAL_RELEASES_MAX = 20;
/** A free text that goes into the ledger beside a movement. */
export const REASON_LENGTH_MAX = 200;
/** BR-007: how long a stocktake locks an item where nobody says: 15 minutes. */
export const LEASE_SECONDS_DEFAULT = 900;
export const LEASE_SECONDS_MIN = 1;
/** The longest a stocktake may lock an item: 4 hours. */
export const LEASE_SECONDS_MAX = 14_400;
/** BR-007: no hold expires sooner than this after a lock on one of its items: time to repeat a refused confirm. */
export const STOCKTAKE_GRACE_SECONDS = 60;
/** BR-007: a hold that falls due under a lock lives on for this long at a time, and the grace. */
export const STOCKTAKE_EXTENSION_SECONDS = 300;
/** The most items in one count sheet. */
export const STOCKTAKE_LINES_MAX = 5_000;
/** The most holds that one count may release to fit (BR-007). */
export const SHORTFALL_RELEASES_MAX = 200;
/** The most receipts of one transfer; each leaves its name on it so that a repeat is known. */
export const TRANSFER_RECEIPTS_MAX = 50;
/** The most sales of one SKU that count still: until two days after they closed. */
export const SALES_PER_SKU_MAX = 8;
/** The most warehouses an order may name in the order in which they are tried. */
export const CANDIDATES_MAX = 50;
/** The most warehouses an answer says were passed by. */
export const PASSED_BY_MAX = 50;
/** How a line without a warehouse is served: from one warehouse, or from several where one is short. */
export const ALLOCATIONS = ['single', 'split'] as const;
export type Allocation = (typeof ALLOCATIONS)[number];
/** Who acts when the caller does not say. */
export const ACTOR_DEFAULT = 'order-service';
/** Who acts when nobody does: time itself. */
export const ACTOR_CLOCK = 'clock';

/** A quantity of one SKU in one warehouse. */
export interface StockLine {
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
}

/** A quantity of one SKU as an order asks for it; without a warehouse the engine chooses one. */
export interface OrderLine {
  readonly sku: string;
  readonly warehouse?: string | undefined;
  readonly quantity: number;
}

/** A quantity of one SKU of a reservation, whichever warehouse holds it. */
export interface PartLine {
  readonly sku: string;
  readonly quantity: number;
}

// Canonical texts ----------------------------------------------------------------------------------------

/** Stands where an order names no warehouse. Not a valid id, so it cannot be one. */
export const ANY_WAREHOUSE = '*';

/** `sku@warehouse=quantity,...` in the order given: the one spelling of lines in Redis, ledger and stream. */
export function linesText(lines: readonly OrderLine[]): string {
  let text = '';
  for (const line of lines) {
    if (text !== '') text += ',';
    text += `${line.sku}@${line.warehouse ?? ANY_WAREHOUSE}=${line.quantity}`;
  }
  return text;
}

const LINE_TEXT = /^([^@,=]+)@([^@,=]+)=(\d{1,10})$/;

/** Reads {@link linesText} back. Throws on anything else: such text did not come from this program. */
export function parseLines(text: string): StockLine[] {
  return text.split(',').map((part) => {
    const match = LINE_TEXT.exec(part);
    const quantity = Number(match?.[3]);
    if (!match?.[1] || !match[2] || !(quantity <= QUANTITY_MAX)) {
      throw new Error(`not a stock line: ${JSON.stringify(part)}`);
    }
    return { sku: match[1], warehouse: match[2], quantity };
  });
}

function bySkuThenWarehouse(a: OrderLine, b: OrderLine): number {
  if (a.sku !== b.sku) return a.sku < b.sku ? -1 : 1;
  const left = a.warehouse ?? ANY_WAREHOUSE;
  const right = b.warehouse ?? ANY_WAREHOUSE;
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Lines of the same item added up, in a fixed order: the same order asked in another order is the same order. */
export function canonicalLines<L extends OrderLine>(lines: readonly L[]): readonly L[] {
  if (lines.length === 1) return lines;
  const sum = new Map<string, L>();
  for (const line of lines) {
    const key = `${line.sku}@${line.warehouse ?? ANY_WAREHOUSE}`;
    const before = sum.get(key);
    sum.set(key, before ? { ...line, quantity: before.quantity + line.quantity } : line);
  }
  return [...sum.values()].sort(bySkuThenWarehouse);
}

/** What belongs to a reserve beside its lines and its hold. */
export interface FingerprintTerms {
  readonly customerId?: string | undefined;
  readonly saleId?: string | undefined;
  readonly allocation?: Allocation | undefined;
}

/**
 * What a reserve asks for, as one text: equal texts are the same request (BR-006). Takes canonical lines. Where it is
 * shipped to is not part of it: that only says which warehouse is tried first.
 */
export function requestFingerprint(
  holdMs: number,
  lines: readonly OrderLine[],
  beside: FingerprintTerms = {},
): string {
  let text = `${holdMs};${linesText(lines)}`;
  if (beside.customerId !== undefined) text += `;c=${beside.customerId}`;
  if (beside.saleId !== undefined) text += `;s=${beside.saleId}`;
  // Where every warehouse is named there is nothing to split.
  if (beside.allocation === 'split' && lines.some((line) => line.warehouse === undefined)) text += ';split';
  return text;
}

/** The lines of an asked text, as they were asked. */
export function fingerprintLines(asked: string): OrderLine[] {
  const lines = parseLines(asked.split(';')[1] ?? '');
  return lines.map(({ sku, warehouse, quantity }) =>
    warehouse === ANY_WAREHOUSE ? { sku, quantity } : { sku, warehouse, quantity },
  );
}

/** Why a transfer's rejected units are issued again. */
export const REJECTED_REASON = 'rejected';
/** Names a receipt of a transfer, so that a repeat of it is known. */
export function receiptOperation({ receiptId, received, rejected }: ReceiveTransfer): string {
  return receiptId === undefined ? `${received}:${rejected}` : `#${receiptId}`;
}

/** Names of the operations a reservation remembers, so that a repeat of one is known. */
export const CONFIRM_WHOLE = 'c*';
export const RELEASE_WHOLE = 'r*';
export function confirmOperation(command: Confirm): string {
  return command.lines ? `c${partsText(command.lines)}` : CONFIRM_WHOLE;
}
export function releaseOperation(command: Release): string {
  if (command.releaseId !== undefined) return `r#${command.releaseId}`;
  return command.lines ? `r${partsText(command.lines)}` : RELEASE_WHOLE;
}

/** `sku=quantity,...`, added up per SKU, in SKU order. */
export function partsText(lines: readonly PartLine[]): string {
  return canonicalParts(lines)
    .map((line) => `${line.sku}=${line.quantity}`)
    .join(',');
}

export function canonicalParts(lines: readonly PartLine[]): readonly PartLine[] {
  return canonicalLines(lines.map(({ sku, quantity }) => ({ sku, quantity })));
}
