/** Words for what can happen to any request: it is wrong, or the process or a store cannot serve it now. */
import { LINES_MAX } from '../../domain/language.ts';
import { HTTP_LIMITS_DEFAULT } from '../limits.ts';
import { OUTCOME_MEMBERS, type ProblemWords, RESERVE, URL } from '../problem-words.ts';

const seconds = (ms: number) => `${ms / 1_000} seconds`;
const kibibytes = (bytes: number) => `${(bytes / 1_024).toLocaleString('en')} KiB`;
const { bodyBytesMax, batchBodyBytesMax, sheetBodyBytesMax, headersBytesMax, headersMsMax, requestMsMax } =
  HTTP_LIMITS_DEFAULT;

export const REQUEST_WORDS = {
  'invalid-request': {
    title: 'The request is not well formed',
    cause:
      'A field is missing, unknown, of the wrong type or out of its range, or the body is not JSON. Nothing was changed.',
    remedy: 'Correct every field named in `errors` and send the request again; the same id may be used.',
    curl: RESERVE,
    members: { errors: 'One {path, message} for each field that is wrong, at most 20.' },
  },
  'not-found': {
    title: 'There is nothing at this address',
    cause: 'No route of this API has this path.',
    remedy: 'Compare the path with the list of calls at /docs.',
    curl: `curl ${URL}/openapi.json`,
  },
  'method-not-allowed': {
    title: 'This address takes other methods',
    cause: 'The path exists, but not with this method.',
    remedy: 'Use one of the methods in the Allow header of this answer.',
    curl: RESERVE,
    members: { allowed: 'The methods this address takes.' },
  },
  'request-timeout': {
    title: 'The request did not arrive in time',
    cause: `Headers must be there within ${seconds(headersMsMax)}, the whole request within ${seconds(requestMsMax)}. Nothing was changed.`,
    remedy:
      'Send the request again, in one piece. If it happens often, look for a slow link or proxy in between.',
    curl: RESERVE,
  },
  'body-too-large': {
    title: 'The body is too large',
    cause: `A body may have ${kibibytes(bodyBytesMax)}; an order of ${LINES_MAX} lines needs about a quarter of that. A batch of orders may have ${kibibytes(batchBodyBytesMax)}, a count sheet ${kibibytes(sheetBodyBytesMax)}. Nothing was changed.`,
    remedy: 'Leave out what is not needed, or send it in parts.',
    curl: RESERVE,
  },
  'unsupported-media-type': {
    title: 'The body is not JSON',
    cause: 'This API takes JSON only, and the Content-Type says something else or nothing.',
    remedy: 'Send the header `Content-Type: application/json`.',
    curl: RESERVE,
  },
  'headers-too-large': {
    title: 'The headers are too large',
    cause: `The request line and all headers together may have ${kibibytes(headersBytesMax)}.`,
    remedy: 'Leave out headers and cookies that are not meant for this API.',
    curl: `curl ${URL}/livez`,
  },
  'ledger-backlog': {
    title: 'The ledger is too far behind to promise more',
    cause:
      'The ledger has not taken over the latest events for long. Confirm and release still work; nothing new is promised.',
    remedy: 'Repeat after the time in Retry-After. Operators: see that Postgres and the worker are running.',
    curl: `curl ${URL}/metrics | grep holdfast_ledger_backlog_events`,
    members: OUTCOME_MEMBERS,
    retryAfterSeconds: 5,
  },
  quarantined: {
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
    title: 'The stock is not ready to be sold from',
    cause:
      'Redis has forgotten the stock or is being rebuilt, so everything is refused rather than sold twice.',
    remedy: 'Repeat after the time in Retry-After. Operators: rebuild the partition from the ledger.',
    curl: `curl ${URL}/readyz`,
    members: OUTCOME_MEMBERS,
    retryAfterSeconds: 1,
  },
  unavailable: {
    title: 'The service cannot answer now',
    cause: 'A store does not answer, the service is closing, or more is asked of it than it can take.',
    remedy:
      'Repeat under the same id after the time in Retry-After: repeating is always safe, also where the outcome is unknown.',
    curl: `curl ${URL}/readyz`,
    members: OUTCOME_MEMBERS,
    retryAfterSeconds: 1,
  },
  internal: {
    title: 'Something went wrong here',
    cause: 'A defect of this service. It was logged under the request id.',
    remedy:
      'Repeat under the same id: repeating is always safe. Give the request id to whoever runs the service.',
    curl: `curl ${URL}/readyz`,
    members: { requestId: 'Under which the error was logged.' },
  },
} as const satisfies Record<string, ProblemWords>;
