/**
 * Texts that identify a request, so that a repeat is recognized (BR-006): equal texts are the same request.
 * Twin: fingerprint_of in lua/reserve.lua, and the operations that the commands of lua/ add to their records.
 */
import type { Confirm, ReceiveTransfer, Release } from './commands.ts';
import { encodeId } from './id.ts';
import type { Allocation } from './limits.ts';
import { decodeOrderLines, encodeLines, encodeParts, type OrderLine } from './lines.ts';

/** The parts of a reserve that belong to its fingerprint, besides lines and hold time. */
export interface FingerprintTerms {
  readonly customerId?: string | undefined;
  readonly saleId?: string | undefined;
  readonly allocation?: Allocation | undefined;
}

/**
 * The fingerprint of a reserve. The place an order is shipped to is not part of it: it only changes the order in which
 * warehouses are tried. Format: `hold_ms;lines[;c=customer][;s=sale][;split]`, ids escaped.
 * @param lines canonical: see canonicalLines
 */
export function requestFingerprint(
  holdMs: number,
  lines: readonly OrderLine[],
  terms: FingerprintTerms = {},
): string {
  let text = `${holdMs};${encodeLines(lines)}`;
  if (terms.customerId !== undefined) text += `;c=${encodeId(terms.customerId)}`;
  if (terms.saleId !== undefined) text += `;s=${encodeId(terms.saleId)}`;
  // An order whose lines all name their warehouse has nothing to split.
  if (terms.allocation === 'split' && lines.some((line) => line.warehouse === undefined)) text += ';split';
  return text;
}

/** The requested lines of a fingerprint. @throws {Error} for any other text */
export function fingerprintLines(fingerprint: string): OrderLine[] {
  return decodeOrderLines(fingerprint.split(';')[1] ?? '');
}

/** Whether a line of the order may be served from several warehouses. */
export function mayBeSplit(fingerprint: string): boolean {
  return fingerprint.endsWith(';split');
}

/** The operations that confirm or release everything held. */
const CONFIRM_WHOLE = 'c*';
const RELEASE_WHOLE = 'r*';
/** An operation of an expired reservation: its late payment found no stock, which was recorded. */
export const SHORT_OPERATION = 'short';
/** The reason under which the rejected units of a transfer are issued again. */
export const REJECTED_REASON = 'rejected';

/** The name under which a reservation remembers a confirm. Format: `c*` or `cSKU=quantity,...`. */
export function confirmOperation({ lines }: Pick<Confirm, 'lines'>): string {
  return lines ? `c${encodeParts(lines)}` : CONFIRM_WHOLE;
}

/** The name under which a reservation remembers a release. Format: `r*`, `rSKU=quantity,...` or `r#release id`. */
export function releaseOperation({ lines, releaseId }: Pick<Release, 'lines' | 'releaseId'>): string {
  if (releaseId !== undefined) return `r#${encodeId(releaseId)}`;
  return lines ? `r${encodeParts(lines)}` : RELEASE_WHOLE;
}

/** The name under which a transfer remembers a receipt. Format: `received:rejected` or `#receipt id`. */
export function receiptOperation(
  command: Pick<ReceiveTransfer, 'receiptId' | 'received' | 'rejected'>,
): string {
  const { receiptId, received, rejected } = command;
  return receiptId === undefined ? `${received}:${rejected}` : `#${encodeId(receiptId)}`;
}
