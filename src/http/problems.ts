/**
 * Every way to hear no, with its status: the only file with status codes for refusals and faults. Their words stand in
 * problem-words/; the pages under /problems, the OpenAPI document and the answers all come from this one table.
 * Refuses to know: how an answer is sent.
 */
import type { RefusalCode } from '../domain/language.ts';
import { ALERT_WORDS } from './problem-words/alerts.ts';
import { ORDER_WORDS } from './problem-words/orders.ts';
import { REQUEST_WORDS } from './problem-words/requests.ts';
import { SALE_WORDS } from './problem-words/sales.ts';
import { STOCK_WORDS } from './problem-words/stock.ts';
import { TRANSFER_WORDS } from './problem-words/transfers.ts';
import type { ProblemWords } from './problem-words.ts';

/** A code that is not a refusal of the domain: the request, the process, the store or the ledger said no. */
export type OwnProblemCode =
  | 'invalid-request'
  | 'not-found'
  | 'method-not-allowed'
  | 'request-timeout'
  | 'body-too-large'
  | 'unsupported-media-type'
  | 'headers-too-large'
  | 'unknown-warehouse'
  | 'unknown-proposal'
  | 'proposal-ended'
  | 'unknown-shortfall'
  | 'unknown-alert'
  | 'unknown-webhook'
  | 'unknown-delivery'
  | 'webhook-disabled'
  | 'too-many-webhooks'
  | 'not-ready'
  | 'unavailable'
  | 'internal';
export type ProblemCode = RefusalCode | OwnProblemCode;

export interface ProblemEntry extends ProblemWords {
  readonly status: number;
}

const STATUSES: Readonly<Record<ProblemCode, number>> = {
  'invalid-request': 400,
  'not-found': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  'body-too-large': 413,
  'unsupported-media-type': 415,
  'headers-too-large': 431,
  // Orders
  'insufficient-stock': 409,
  'unknown-item': 404,
  'order-conflict': 422,
  'unknown-reservation': 404,
  'reservation-expired': 410,
  'already-released': 409,
  'already-confirmed': 409,
  'exceeds-reservation': 409,
  'lifetime-exceeded': 409,
  'too-many-partial-releases': 409,
  'paid-but-short': 409,
  'unknown-shortfall': 404,
  // Movements and counts
  'movement-conflict': 422,
  'quantity-limit-exceeded': 409,
  'exceeds-sold': 409,
  'version-conflict': 409,
  'stocktake-in-progress': 423,
  'unknown-stocktake': 404,
  'stocktake-ended': 409,
  'stocktake-full': 409,
  'count-below-committed': 409,
  'unknown-warehouse': 404,
  // Transfers
  'unknown-transfer': 404,
  'transfer-conflict': 422,
  'transfer-ended': 409,
  'exceeds-transit': 409,
  'too-many-receipts': 409,
  'unknown-proposal': 404,
  'proposal-ended': 409,
  // Flash sales
  'unknown-sale': 404,
  'sale-conflict': 422,
  'too-many-sales': 409,
  'sale-not-open': 409,
  'sale-closed': 409,
  'customer-required': 422,
  'purchase-limit-exceeded': 409,
  // Alerts and webhooks
  'unknown-alert': 404,
  'unknown-webhook': 404,
  'unknown-delivery': 404,
  'webhook-disabled': 409,
  'too-many-webhooks': 409,
  // Not now
  'ledger-backlog': 503,
  quarantined: 503,
  'not-ready': 503,
  unavailable: 503,
  internal: 500,
};

const WORDS: Readonly<Record<ProblemCode, ProblemWords>> = {
  ...ORDER_WORDS,
  ...STOCK_WORDS,
  ...TRANSFER_WORDS,
  ...SALE_WORDS,
  ...ALERT_WORDS,
  ...REQUEST_WORDS,
};

export const PROBLEM_CODES = Object.keys(STATUSES) as readonly ProblemCode[];

export const PROBLEMS = Object.fromEntries(
  PROBLEM_CODES.map((code) => [code, { ...WORDS[code], status: STATUSES[code] }]),
) as Readonly<Record<ProblemCode, ProblemEntry>>;

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}
