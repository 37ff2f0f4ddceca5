/**
 * Every way to hear no: status, cause, remedy and an example for each problem code. The only file with status codes for
 * refusals and faults; the pages under /problems, the OpenAPI document and the answers all come from this one table.
 * Refuses to know: how an answer is sent.
 */
import {
  HOLD_SECONDS_DEFAULT,
  LIFETIME_SECONDS_MAX,
  LINES_MAX,
  PARTIAL_RELEASES_MAX,
  QUANTITY_MAX,
  type RefusalCode,
} from '../domain/language.ts';
import { HTTP_LIMITS_DEFAULT } from './limits.ts';

/** A code that is not a refusal of the domain: the request, the process or the store said no. */
export type OwnProblemCode =
  | 'invalid-request'
  | 'not-found'
  | 'method-not-allowed'
  | 'request-timeout'
  | 'body-too-large'
  | 'unsupported-media-type'
  | 'headers-too-large'
  | 'not-ready'
  | 'unavailable'
  | 'internal';
export type ProblemCode = RefusalCode | OwnProblemCode;

export interface ProblemEntry {
  readonly status: number;
  readonly title: string;
  readonly cause: string;
  readonly remedy: string;
  /** What to type to see more, or to put it right. */
  readonly curl: string;
  /** The members beside type, title, status, detail and code, each with what it says. */
  readonly members?: Readonly<Record<string, string>>;
  /** For Retry-After where the fault itself names no time. */
  readonly retryAfterSeconds?: number;
}

const seconds = (ms: number) => `${ms / 1_000} seconds`;
const kibibytes = (bytes: number) => `${bytes / 1_024} KiB`;
const { bodyBytesMax, headersBytesMax, headersMsMax, requestMsMax } = HTTP_LIMITS_DEFAULT;

const URL = 'http://127.0.0.1:8080';
const JSON_TYPE = `-H 'content-type: application/json'`;
const LOOK_AT_ORDER = `curl ${URL}/v1/reservations/A-1001`;
const LOOK_AT_ITEM = `curl ${URL}/v1/items/TEA-1`;
const RESERVE = `curl ${URL}/v1/reservations ${JSON_TYPE} -d '{"orderId":"A-1001","lines":[{"sku":"TEA-1","quantity":2}]}'`;
const RESERVATION_MEMBER = {
  reservation: 'The reservation as it stands, in the form of GET /v1/reservations/{orderId}.',
};
const OUTCOME_MEMBERS = {
  outcome: '`nothing-happened`: the command did not run. `unknown`: no answer came in time, it may have run.',
  advice: 'What to do now, in one sentence.',
};

export const PROBLEMS: Readonly<Record<ProblemCode, ProblemEntry>> = {
  'invalid-request': {
    status: 400,
    title: 'The request is not well formed',
    cause:
      'A field is missing, unknown, of the wrong type or out of its range, or the body is not JSON. Nothing was changed.',
    remedy: 'Correct every field named in `errors` and send the request again; the same id may be used.',
    curl: RESERVE,
    members: { errors: 'One {path, message} for each field that is wrong, at most 20.' },
  },
  'not-found': {
    status: 404,
    title: 'There is nothing at this address',
    cause: 'No route of this API has this path.',
    remedy: 'Compare the path with the list of calls at /docs.',
    curl: `curl ${URL}/openapi.json`,
  },
  'method-not-allowed': {
    status: 405,
    title: 'This address takes other methods',
    cause: 'The path exists, but not with this method.',
    remedy: 'Use one of the methods in the Allow header of this answer.',
    curl: RESERVE,
    members: { allowed: 'The methods this address takes.' },
  },
  'request-timeout': {
    status: 408,
    title: 'The request did not arrive in time',
    cause: `Headers must be there within ${seconds(headersMsMax)}, the whole request within ${seconds(requestMsMax)}. Nothing was changed.`,
    remedy:
      'Send the request again, in one piece. If it happens often, look for a slow link or proxy in between.',
    curl: RESERVE,
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    cause: `A body may have ${kibibytes(bodyBytesMax)}; an order of ${LINES_MAX} lines needs about a quarter of that. Nothing was changed.`,
    remedy: 'Leave out what is not needed, or split the order.',
    curl: RESERVE,
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is not JSON',
    cause: 'This API takes JSON only, and the Content-Type says something else or nothing.',
    remedy: 'Send the header `Content-Type: application/json`.',
    curl: RESERVE,
  },
  'headers-too-large': {
    status: 431,
    title: 'The headers are too large',
    cause: `The request line and all headers together may have ${kibibytes(headersBytesMax)}.`,
    remedy: 'Leave out headers and cookies that are not meant for this API.',
    curl: `curl ${URL}/livez`,
  },
  'insufficient-stock': {
    status: 409,
    title: 'There is not enough stock',
    cause:
      'At least one line asks for more than is available. An order is reserved as a whole or not at all (BR-002), so nothing was.',
    remedy: `Ask for at most what \`shortages\` says is available, or try again later: unpaid holds return after ${HOLD_SECONDS_DEFAULT / 60} minutes.`,
    curl: LOOK_AT_ITEM,
    members: { shortages: 'One {sku, warehouse?, requested, available} for each short line.' },
  },
  'unknown-item': {
    status: 404,
    title: 'No such item',
    cause: 'The SKU was never received, or not in the warehouse named.',
    remedy: 'Correct the SKU or the warehouse, or receive stock first: the first receipt makes the item.',
    curl: `curl ${URL}/v1/stock/receive ${JSON_TYPE} -d '{"movementId":"M-1","sku":"TEA-1","warehouse":"TPE","quantity":100}'`,
    members: { items: 'One {sku, warehouse?} for each item that is not known.' },
  },
  'order-conflict': {
    status: 422,
    title: 'This order id was used for another order',
    cause:
      'An order id names one request for good (BR-006). The same id came with other lines or another hold time.',
    remedy:
      'Use a new order id for a new order. To repeat a request, send exactly what was sent the first time.',
    curl: LOOK_AT_ORDER,
  },
  'movement-conflict': {
    status: 422,
    title: 'This movement id was used for another movement',
    cause: 'A movement id names one movement for good (BR-006). The same id came with other content.',
    remedy:
      'Use a new movement id for a new movement. To repeat one, send exactly what was sent the first time.',
    curl: LOOK_AT_ITEM,
  },
  'unknown-reservation': {
    status: 404,
    title: 'No such reservation',
    cause: 'No order was reserved under this id, or it ended more than a day ago and is in the ledger only.',
    remedy: 'Check the order id; for an old order ask the ledger.',
    curl: `curl '${URL}/v1/ledger?orderId=A-1001'`,
  },
  'reservation-expired': {
    status: 410,
    title: 'The reservation has expired',
    cause:
      'It was not paid in time (BR-003), and its units went back on sale. It is never revived behind a buyer who came after.',
    remedy:
      'Reserve again under a new order id. If the buyer has paid already and stock is short, return the payment.',
    curl: LOOK_AT_ORDER,
    members: RESERVATION_MEMBER,
  },
  'already-released': {
    status: 409,
    title: 'The reservation was released before',
    cause: 'A reservation resolves once. This one was cancelled, and its units went back on sale.',
    remedy: 'Reserve again under a new order id.',
    curl: LOOK_AT_ORDER,
    members: RESERVATION_MEMBER,
  },
  'already-confirmed': {
    status: 409,
    title: 'The reservation was confirmed before',
    cause: 'A reservation resolves once. This one was paid; its units are sold.',
    remedy: 'Nothing needs to be done for the payment. Goods that come back are a return, not a release.',
    curl: LOOK_AT_ORDER,
    members: RESERVATION_MEMBER,
  },
  'exceeds-reservation': {
    status: 409,
    title: 'More is named than the reservation holds',
    cause:
      'A partial confirm or release names a SKU the reservation does not hold, or more of it than is held.',
    remedy: 'Name at most what is held; leave `lines` out to mean all of it.',
    curl: LOOK_AT_ORDER,
    members: { excess: 'One {sku, requested, held} for each SKU of which too much is named.' },
  },
  'lifetime-exceeded': {
    status: 409,
    title: 'The reservation cannot be extended that far',
    cause: `However often it is extended, a reservation lives ${LIFETIME_SECONDS_MAX / 3_600} hours at most (BR-003).`,
    remedy: 'Ask for an extension that ends before `latestExpiresAt`, or confirm the order.',
    curl: LOOK_AT_ORDER,
    members: { latestExpiresAt: 'The latest time to which it can be extended.' },
  },
  'too-many-partial-releases': {
    status: 409,
    title: 'The reservation was released in parts too often',
    cause: `Each partial release leaves its name on the reservation, ${PARTIAL_RELEASES_MAX} at most.`,
    remedy: 'Release all that is left: leave `lines` out.',
    curl: `curl -X POST ${URL}/v1/reservations/A-1001/release`,
  },
  'quantity-limit-exceeded': {
    status: 409,
    title: 'An item cannot hold that many units',
    cause: `The total of one SKU in one warehouse may be ${QUANTITY_MAX.toLocaleString('en')}.`,
    remedy: 'Check the quantity: a figure like this is mostly a slip.',
    curl: LOOK_AT_ITEM,
    members: { total: 'The units the item has now.' },
  },
  'ledger-backlog': {
    status: 503,
    title: 'The ledger is too far behind to promise more',
    cause:
      'The ledger has not taken over the latest events for long. Confirm and release still work; nothing new is promised.',
    remedy: 'Repeat after the time in Retry-After. Operators: see that Postgres and the worker are running.',
    curl: `curl ${URL}/metrics | grep holdfast_ledger_backlog_events`,
    members: OUTCOME_MEMBERS,
    retryAfterSeconds: 5,
  },
  quarantined: {
    status: 503,
    title: 'An item is set apart until it is put right',
    cause:
      'The figures of an item contradict each other or the ledger, so nothing is sold from it. The other items go on.',
    remedy:
      'Operators: see what the reconciliation says about the item and repair it. Callers: repeat later.',
    curl: `curl ${URL}/v1/reconciliation`,
    members: { items: 'The items set apart; empty where it is the reservation itself.', ...OUTCOME_MEMBERS },
    retryAfterSeconds: 60,
  },
  'not-ready': {
    status: 503,
    title: 'The stock is not ready to be sold from',
    cause:
      'Redis has forgotten the stock or is being rebuilt, so everything is refused rather than sold twice.',
    remedy: 'Repeat after the time in Retry-After. Operators: rebuild the partition from the ledger.',
    curl: `curl ${URL}/readyz`,
    members: OUTCOME_MEMBERS,
    retryAfterSeconds: 1,
  },
  unavailable: {
    status: 503,
    title: 'The service cannot answer now',
    cause: 'A store does not answer, the service is closing, or more is asked of it than it can take.',
    remedy:
      'Repeat under the same id after the time in Retry-After: repeating is always safe, also where the outcome is unknown.',
    curl: `curl ${URL}/readyz`,
    members: OUTCOME_MEMBERS,
    retryAfterSeconds: 1,
  },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    cause: 'A defect of this service. It was logged under the request id.',
    remedy:
      'Repeat under the same id: repeating is always safe. Give the request id to whoever runs the service.',
    curl: `curl ${URL}/readyz`,
    members: { requestId: 'Under which the error was logged.' },
  },
};

export const PROBLEM_CODES = Object.keys(PROBLEMS) as readonly ProblemCode[];

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}
