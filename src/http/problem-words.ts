/**
 * What a problem page says about a code in words, and the pieces of which all of them are made. The words of each group
 * stand in problem-words/. Refuses to know: status codes, which problems.ts alone spells.
 */

export interface ProblemWords {
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

export const URL = 'http://127.0.0.1:8080';
export const JSON_TYPE = `-H 'content-type: application/json'`;

/** A curl that sends something. */
export function posting(path: string, body: object): string {
  return `curl ${URL}${path} ${JSON_TYPE} -d '${JSON.stringify(body)}'`;
}

export const LOOK_AT_ORDER = `curl ${URL}/v1/reservations/A-1001`;
export const LOOK_AT_ITEM = `curl ${URL}/v1/items/TEA-1`;
export const RESERVE = posting('/v1/reservations', {
  orderId: 'A-1001',
  lines: [{ sku: 'TEA-1', quantity: 2 }],
});

export const SHORTAGES_MEMBER = {
  shortages: 'One {sku, warehouse?, requested, available} for each short line.',
};
export const RESERVATION_MEMBER = {
  reservation: 'The reservation as it stands, in the form of GET /v1/reservations/{orderId}.',
};
export const OUTCOME_MEMBERS = {
  outcome: '`nothing-happened`: the command did not run. `unknown`: no answer came in time, it may have run.',
  advice: 'What to do now, in one sentence.',
};
