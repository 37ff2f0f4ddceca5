/**
 * Every problem this API answers: the refusals of the domain (domain/refusals.ts), and rows of the same form for what the
 * request, the process, the store or the ledger says no to. Pages, the OpenAPI document and the answers come from them.
 * Refuses to know: how an answer is sent.
 */
import {
  curl,
  curlPost,
  LINES_MAX,
  type Member,
  type MemberKind,
  type ProblemRow,
  REFUSALS,
  type RefusalCode,
} from '../domain/language.ts';
import { HTTP_LIMITS_DEFAULT } from './limits.ts';

/** What members of problems hold that are no refusals. */
export type OwnKind = 'errors' | 'methods' | 'proposal' | 'outcome' | 'text';
export type ProblemEntry = ProblemRow<MemberKind | OwnKind>;

const RESERVE = curlPost('/v1/reservations', { orderId: 'A-1001', lines: [{ sku: 'TEA-1', quantity: 2 }] });
const LIST_WEBHOOKS = curl('/v1/webhooks');
const LIST_PROPOSALS = curl('/v1/transfer-proposals');

const OUTCOME = {
  outcome: {
    kind: 'outcome',
    meaning:
      '`nothing-happened`: the command did not run. `unknown`: no answer came in time, it may have run.',
  },
  advice: { kind: 'text', meaning: 'What to do now, in one sentence.' },
} as const satisfies Record<string, Member<OwnKind>>;

const seconds = (ms: number) => `${ms / 1_000} seconds`;
const kibibytes = (bytes: number) => `${(bytes / 1_024).toLocaleString('en')} KiB`;
const { bodyBytesMax, batchBodyBytesMax, sheetBodyBytesMax, headersBytesMax, headersMsMax, requestMsMax } =
  HTTP_LIMITS_DEFAULT;

const OWN_PROBLEMS = {
  'invalid-request': {
    status: 400,
    title: 'The request is not well formed',
    cause:
      'A field is missing, unknown, of the wrong type or out of its range, or the body is not JSON. Nothing was changed.',
    remedy: 'Correct every field named in `errors` and send the request again; the same id may be used.',
    curl: RESERVE,
    members: {
      errors: { kind: 'errors', meaning: 'One {path, message} for each field that is wrong, at most 20.' },
    },
  },
  'not-found': {
    status: 404,
    title: 'There is nothing at this address',
    cause: 'No route of this API has this path.',
    remedy: 'Compare the path with the list of calls at /docs.',
    curl: curl('/openapi.json'),
  },
  'method-not-allowed': {
    status: 405,
    title: 'This address takes other methods',
    cause: 'The path exists, but not with this method.',
    remedy: 'Use one of the methods in the Allow header of this answer.',
    curl: RESERVE,
    members: { allowed: { kind: 'methods', meaning: 'The methods this address takes.' } },
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
    cause: `A body may have ${kibibytes(bodyBytesMax)}, enough for an order of ${LINES_MAX} lines with the longest ids. A batch of orders may have ${kibibytes(batchBodyBytesMax)}, a count sheet ${kibibytes(sheetBodyBytesMax)}. Nothing was changed.`,
    remedy: 'Leave out what is not needed, or send it in parts.',
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
    curl: curl('/livez'),
  },
  'unknown-shortfall': {
    status: 404,
    title: 'No such case',
    cause: 'No payment of this order came short, or the ledger does not have it yet.',
    remedy: 'Look it up in the list.',
    curl: curl('/v1/shortfalls'),
  },
  'unknown-warehouse': {
    status: 404,
    title: 'The warehouse has no stock',
    cause: 'The ledger knows no SKU in it, so there is nothing to count.',
    remedy: 'Check the name. The first receipt of a SKU puts it there; the ledger has it a moment later.',
    curl: curl('/v1/warehouses'),
  },
  'unknown-proposal': {
    status: 404,
    title: 'No such transfer proposal',
    cause: 'No confirmation has made a proposal of this number, or the ledger does not have it yet.',
    remedy: 'Look it up in the list.',
    curl: LIST_PROPOSALS,
  },
  'proposal-ended': {
    status: 409,
    title: 'This proposal was settled before',
    cause: 'It was dismissed, or another transfer was dispatched for it.',
    remedy: 'A transfer can be dispatched without a proposal as well.',
    curl: LIST_PROPOSALS,
    members: { proposal: { kind: 'proposal', meaning: 'The proposal as it stands.' } },
  },
  'unknown-alert': {
    status: 404,
    title: 'No such alert',
    cause: 'The ledger has no low-stock alert of this number, or does not have it yet.',
    remedy: 'Look it up in the list.',
    curl: curl('/v1/alerts?state=open'),
  },
  'unknown-webhook': {
    status: 404,
    title: 'No such webhook',
    cause: 'No webhook was set under this id.',
    remedy: 'Check the id, or set it.',
    curl: LIST_WEBHOOKS,
  },
  'unknown-delivery': {
    status: 404,
    title: 'No such delivery',
    cause: 'This webhook has no delivery of this number, or it was settled a month ago and deleted.',
    remedy: 'Look it up in the list.',
    curl: curl('/v1/webhooks/replenishment/deliveries'),
  },
  'webhook-disabled': {
    status: 409,
    title: 'The webhook is disabled',
    cause: 'Somebody disabled it, or its receiver answered 410. Nothing is sent to it.',
    remedy: 'Set it again with its url, and then have the delivery sent.',
    curl: curlPost('/v1/webhooks/replenishment', { url: 'https://example.org/alerts' }).replace(
      'curl ',
      'curl -X PUT ',
    ),
  },
  'too-many-webhooks': {
    status: 409,
    title: 'There are too many webhooks',
    cause: 'Every alert is sent to every webhook, so their number is limited; disabled ones count.',
    remedy: 'Set one that is no longer needed to the new url, under its own id.',
    curl: LIST_WEBHOOKS,
    members: { limit: { kind: 'units', meaning: 'How many there may be.' } },
  },
  'not-ready': {
    status: 503,
    title: 'The stock is not ready to be sold from',
    cause:
      'Redis has forgotten the stock or is being rebuilt, so everything is refused rather than sold twice.',
    remedy: 'Repeat after the time in Retry-After. Operators: rebuild the partition from the ledger.',
    curl: curl('/readyz'),
    members: OUTCOME,
    retryAfterSeconds: 1,
  },
  unavailable: {
    status: 503,
    title: 'The service cannot answer now',
    cause: 'A store does not answer, the service is closing, or more is asked of it than it can take.',
    remedy:
      'Repeat under the same id after the time in Retry-After: repeating is always safe, also where the outcome is unknown.',
    curl: curl('/readyz'),
    members: OUTCOME,
    retryAfterSeconds: 1,
  },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    cause: 'A defect of this service. It was logged under the request id.',
    remedy:
      'Repeat under the same id: repeating is always safe. Give the request id to whoever runs the service.',
    curl: curl('/readyz'),
    members: { requestId: { kind: 'text', meaning: 'Under which the error was logged.' } },
  },
} as const satisfies Readonly<Record<string, ProblemEntry>>;

/** A code that is not a refusal of the domain. */
export type OwnProblemCode = keyof typeof OWN_PROBLEMS;
export type ProblemCode = RefusalCode | OwnProblemCode;

/** Refusals that may go better later say what to do, as faults of the store do. */
function withOutcome([code, row]: [string, ProblemRow]): [string, ProblemEntry] {
  return [
    code,
    row.retryAfterSeconds === undefined ? row : { ...row, members: { ...row.members, ...OUTCOME } },
  ];
}

const OF_DOMAIN = Object.fromEntries(Object.entries(REFUSALS).map(withOutcome)) as Readonly<
  Record<RefusalCode, ProblemEntry>
>;

export const PROBLEMS: Readonly<Record<ProblemCode, ProblemEntry>> = { ...OWN_PROBLEMS, ...OF_DOMAIN };

export const PROBLEM_CODES = Object.keys(PROBLEMS) as readonly ProblemCode[];

/** Whether a text is the code of a problem. */
export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}
