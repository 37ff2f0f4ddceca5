/**
 * Answers of routes, and the answers to faults and errors (decisions.ts translates what the inventory decided).
 * Promises: an answer names its problem by code and says what to do; it never contains a stack, SQL or internals.
 * Refuses to know: routes and sockets.
 */
import { InvalidCommand, ISSUES_MAX, type Issue } from '../domain/inputs/declare.ts';
import { Fault } from '../hotpath/fault.ts';
import { ACTOR_HEADER } from './actor.ts';
import { LedgerAway } from './ledger-client.ts';
import { PROBLEMS, type ProblemCode } from './problems.ts';

export interface Answer {
  readonly status: number;
  /** An object is written by the schema of its route; a text is sent as it is. */
  readonly body: object | string;
  /** An earlier try was done; this is its answer again (BR-006). */
  readonly replayed?: boolean;
  /** Set where the answer is a problem. */
  readonly problem?: ProblemCode | undefined;
  /** Problems of the parts of an answer to many requests in one. */
  readonly problemsWithin?: readonly ProblemCode[];
  readonly retryAfterSeconds?: number | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export const REPLAYED_HEADER = 'Idempotent-Replayed';

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** Many answers in one, each as it would have been alone. @param names fields put before each answer, such as its item */
export function batchResponse(answers: readonly Answer[], names?: readonly object[]): Answer {
  const problemsWithin: ProblemCode[] = [];
  const texts = answers.map(({ status, body, problem }, i) => {
    if (problem !== undefined) problemsWithin.push(problem);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const name = names ? `${JSON.stringify(names[i]).slice(1, -1)},` : '';
    return `{${name}"status":${status},"body":${text}}`;
  });
  return { status: 200, body: `{"results":[${texts.join(',')}]}`, problemsWithin, headers: JSON_HEADERS };
}

// Problems -----------------------------------------------------------------------------------------------

/** An answer that says no. */
export interface Problem extends Answer {
  readonly problem: ProblemCode;
  /** What happened this time. */
  readonly detail: string;
}

/** A problem document (RFC 9457). */
export function problem(
  code: ProblemCode,
  detail: string,
  members: object = {},
  retryAfterSeconds = PROBLEMS[code].retryAfterSeconds,
): Problem {
  const { status, title } = PROBLEMS[code];
  const body = JSON.stringify({ type: `/problems/${code}`, title, status, detail, code, ...members });
  return { status, body, problem: code, detail, retryAfterSeconds };
}

/** 400, with the wrong fields. */
export function invalid(issues: readonly Issue[]): Problem {
  const errors = issues.slice(0, ISSUES_MAX);
  const detail = errors
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('; ');
  return problem('invalid-request', detail, { errors });
}

export const REPEAT_LATER = 'Repeat it after the time in Retry-After, a command under the same id.';
const REPEAT_UNKNOWN =
  'Repeat under the same id: it is answered as the first time if it ran, and runs if it did not.';

/** 503: nothing ran, and a repeat may succeed. */
export function unavailable(detail: string, retryAfterSeconds?: number): Answer {
  return problem(
    'unavailable',
    detail,
    { outcome: 'nothing-happened', advice: REPEAT_LATER },
    retryAfterSeconds,
  );
}

/** 503: a part of the request may have been done when a store went away. */
export function unfinished(detail: string, retryAfterSeconds?: number): Answer {
  return problem('unavailable', detail, { outcome: 'unknown', advice: REPEAT_UNKNOWN }, retryAfterSeconds);
}

/** 503: Redis has decided, but the ledger did not commit in the time the caller waits for it (D11). */
export function ledgerIsLate(): Answer {
  return problem('unavailable', 'The command is decided, but the ledger does not have it yet.', {
    outcome: 'unknown',
    advice: REPEAT_UNKNOWN,
  });
}

/** 500: a defect; the cause is only in the log, under this id. */
export function internal(requestId: string): Answer {
  return problem('internal', 'The request failed by a defect of this service.', { requestId });
}

/** The answer to an error that a handler threw; undefined where it is a defect. */
export function answerOf(error: unknown): Answer | undefined {
  if (error instanceof Fault) return faultAnswer(error);
  if (error instanceof LedgerAway) {
    const answer = error.mayHaveRun ? unfinished : unavailable;
    return answer(error.message, error.retryAfterSeconds);
  }
  if (error instanceof InvalidCommand) {
    return invalid(
      error.issues.map((issue) => (issue.path === 'actor' ? { ...issue, path: ACTOR_HEADER } : issue)),
    );
  }
  return undefined;
}

/** The message of a fault stays in the log: it names hosts and settings. */
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
      ? 'More is asked of the service than it can take'
      : 'The store of the stock does not answer';
  const what = isUnknown ? 'no answer came in time, so the command may have run' : 'the command did not run';
  return problem('unavailable', `${why}; ${what}.`, members, seconds);
}
