/**
 * Translates what the engine says into answers: decisions, refusals, faults and whatever else was thrown.
 * Promises: an answer names its problem by code and says what to do; no stack, no SQL, no internals ever stand in one.
 * Refuses to know: routes and sockets.
 */
import type { Decision, Refusal, ReservationView } from '../domain/language.ts';
import { InvalidCommand } from '../domain/validate.ts';
import { Fault } from '../hotpath/fault.ts';
import { PROBLEMS, type ProblemCode } from './problems.ts';
import { ISSUES_MAX, type Issue } from './schemas.ts';

export interface Answer {
  readonly status: number;
  /** An object is written by the schema of its route; a text is sent as it is. */
  readonly body: object | string;
  /** An earlier try was done already; this is its answer again (BR-006). */
  readonly replayed?: boolean;
  /** Set where the answer is a problem. */
  readonly problem?: ProblemCode;
  readonly retryAfterSeconds?: number | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The header under which a caller says who acts. */
export const ACTOR_HEADER = 'Holdfast-Actor';
export const REPLAYED_HEADER = 'Idempotent-Replayed';

// Answers that go well -----------------------------------------------------------------------------------

/** @param firstStatus of an answer that is none of an earlier try */
export function decided<T>(
  decision: Decision<T>,
  firstStatus: 200 | 201,
  write: (value: T) => object = (value) => value as object,
): Answer {
  if (decision.outcome === 'refused') return refused(decision.refusal);
  const { value, replayed } = decision;
  return { status: replayed ? 200 : firstStatus, body: write(value), replayed };
}

/** Answers of one batch share their instants, so the text of the last instant is mostly the text of the next. */
function rememberingIso(): (ms: number) => string {
  let lastMs = Number.NaN;
  let lastText = '';
  return (ms) => {
    if (ms !== lastMs) {
      lastText = new Date(ms).toISOString();
      lastMs = ms;
    }
    return lastText;
  };
}
const reservedAt = rememberingIso();
const expiresAt = rememberingIso();

/** A reservation with its times as ISO 8601. */
export function reservationBody(view: ReservationView) {
  const { orderId, status, lines, reservedAtMs, expiresAtMs, resolvedAtMs } = view;
  return {
    orderId,
    status,
    lines,
    reservedAt: reservedAt(reservedAtMs),
    expiresAt: expiresAt(expiresAtMs),
    resolvedAt: resolvedAtMs === undefined ? undefined : new Date(resolvedAtMs).toISOString(),
  };
}

// Problems -----------------------------------------------------------------------------------------------

/** A problem document (RFC 9457). */
export function problem(
  code: ProblemCode,
  detail: string,
  members: object = {},
  retryAfterSeconds = PROBLEMS[code].retryAfterSeconds,
): Answer {
  const { status, title } = PROBLEMS[code];
  const body = JSON.stringify({ type: `/problems/${code}`, title, status, detail, code, ...members });
  return { status, body, problem: code, retryAfterSeconds };
}

/** The request is wrong, field by field. */
export function invalid(issues: readonly Issue[]): Answer {
  const errors = issues.slice(0, ISSUES_MAX);
  const detail = errors
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('; ');
  return problem('invalid-request', detail, { errors });
}

const REPEAT_LATER = 'Repeat it after the time in Retry-After, a command under the same id.';
const REPEAT_UNKNOWN =
  'Repeat under the same id: it is answered as the first time if it ran, and runs if it did not.';

/** Nothing ran, and it may go better soon. */
export function unavailable(detail: string, retryAfterSeconds?: number): Answer {
  return problem(
    'unavailable',
    detail,
    { outcome: 'nothing-happened', advice: REPEAT_LATER },
    retryAfterSeconds,
  );
}

/** A defect; the cause is in the log under this id and nowhere else. */
export function internal(requestId: string): Answer {
  return problem('internal', 'The request failed by a defect of this service.', { requestId });
}

/** What a thrown error of the engine means to the caller; undefined where it is a defect. */
export function answerOf(error: unknown): Answer | undefined {
  if (error instanceof Fault) return faultAnswer(error);
  if (error instanceof InvalidCommand) {
    return invalid(
      error.issues.map((issue) => (issue.path === 'actor' ? { ...issue, path: ACTOR_HEADER } : issue)),
    );
  }
  return undefined;
}

/** The words of a fault stay in the log: they name hosts and settings. */
function faultAnswer(fault: Fault): Answer {
  const isUnknown = fault.outcome === 'unknown';
  const members = { outcome: fault.outcome, advice: isUnknown ? REPEAT_UNKNOWN : REPEAT_LATER };
  const seconds = Math.max(1, Math.ceil(fault.retryAfterMs / 1_000));
  if (fault.code === 'not-ready') {
    return problem(
      'not-ready',
      'The stock is not ready to be sold from; the command did not run.',
      members,
      seconds,
    );
  }
  const why =
    fault.code === 'overloaded'
      ? 'More is asked than can be answered'
      : 'The store of the stock does not answer';
  const what = isUnknown ? 'no answer came in time, so the command may have run' : 'the command did not run';
  return problem('unavailable', `${why}; ${what}.`, members, seconds);
}

const LINES_SHOWN_MAX = 3;

/** "a, b, c and 4 more". */
function few(texts: readonly string[]): string {
  const rest = texts.length - LINES_SHOWN_MAX;
  return rest > 0 ? `${texts.slice(0, LINES_SHOWN_MAX).join(', ')} and ${rest} more` : texts.join(', ');
}

function named(item: { readonly sku: string; readonly warehouse?: string | undefined }): string {
  return item.warehouse === undefined ? item.sku : `${item.sku} in ${item.warehouse}`;
}

/** An expected no of the domain. */
export function refused(refusal: Refusal): Answer {
  const { code } = refusal;
  switch (code) {
    case 'insufficient-stock': {
      const { shortages } = refusal;
      const texts = shortages.map(
        (line) => `${named(line)}: ${line.requested} asked for, ${line.available} available`,
      );
      return problem(code, `${few(texts)}. Nothing was reserved.`, { shortages });
    }
    case 'unknown-item':
      return problem(code, `Not known: ${few(refusal.items.map(named))}.`, { items: refusal.items });
    case 'order-conflict':
      return problem(code, 'This order id was reserved with other lines or another hold time.');
    case 'movement-conflict':
      return problem(code, 'This movement id was used with other content.');
    case 'unknown-reservation':
      return problem(code, 'No reservation under this order id.');
    case 'reservation-expired':
    case 'already-released':
    case 'already-confirmed': {
      const reservation = reservationBody(refusal.reservation);
      const since = reservation.resolvedAt ?? reservation.expiresAt;
      return problem(code, `Order ${reservation.orderId} is ${reservation.status} since ${since}.`, {
        reservation,
      });
    }
    case 'exceeds-reservation': {
      const texts = refusal.excess.map((line) => `${line.sku}: ${line.requested} named, ${line.held} held`);
      return problem(code, `${few(texts)}. Nothing was changed.`, { excess: refusal.excess });
    }
    case 'lifetime-exceeded': {
      const latestExpiresAt = new Date(refusal.latestExpiresAtMs).toISOString();
      return problem(code, `It can be extended to ${latestExpiresAt} at the latest.`, { latestExpiresAt });
    }
    case 'too-many-partial-releases':
      return problem(code, 'Release all that is left instead.');
    case 'quantity-limit-exceeded':
      return problem(code, `The item has ${refusal.total} units already.`, { total: refusal.total });
    case 'ledger-backlog':
      return problem(code, 'Nothing new is promised until the ledger has caught up.', NOTHING_HAPPENED);
    case 'quarantined': {
      const { items } = refusal;
      const what =
        items.length > 0 ? `Set apart: ${few(items.map(named))}.` : 'The reservation is set apart.';
      return problem(code, what, { items, ...NOTHING_HAPPENED });
    }
    default: {
      const never: never = code;
      throw new Error(`a refusal without an answer: ${String(never)}`);
    }
  }
}

const NOTHING_HAPPENED = { outcome: 'nothing-happened', advice: REPEAT_LATER };
