/**
 * Why the ledger cannot follow an event, with the evidence a person needs. Bounded in size, so that a broken entry never
 * fills the ledger.
 */
import type { StockEvent } from '../../domain/language.ts';
import type { DriftKind } from '../../ledger/write/chunk.ts';

/** What is wrong; becomes a finding in the ledger. */
export interface Failure {
  readonly kind: DriftKind;
  /** One sentence for a person. */
  readonly detail: string;
  readonly event?: StockEvent | undefined;
  /** JSON values beside the event: what was found, what was expected. */
  readonly evidence?: Readonly<Record<string, unknown>>;
  /** Not wrong in itself, or explained by another failure: kept up to a limit in each chunk. */
  readonly isMinor?: boolean;
}

const EVIDENCE_TEXT_MAX = 4_000;

/** An event as evidence (a JSON value): itself, or the beginning of its text where that is long. */
export function evidenceOf(event: StockEvent): unknown {
  const text = JSON.stringify(event);
  return text.length <= EVIDENCE_TEXT_MAX ? event : `${text.slice(0, EVIDENCE_TEXT_MAX)} ...`;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
