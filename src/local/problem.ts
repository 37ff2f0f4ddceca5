/**
 * What keeps a local store from running, in words for the person who can mend it.
 */

/** Says in its message what is wrong and what to do. It is printed without a stack: nothing in the code is wrong. */
export class LocalStoreProblem extends Error {
  /** Programs show the message alone for an error that has a code. */
  readonly code = 'LOCAL_STORE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalStoreProblem';
  }
}

/** A pattern in the output of a server or its tools, and what it means: a sentence with the remedy. */
export type KnownProblem = readonly [pattern: RegExp, meaning: string];

/** What the output means, by the first pattern that is in it; undefined where none is. */
export function diagnose(output: string, known: readonly KnownProblem[]): string | undefined {
  return known.find(([pattern]) => pattern.test(output))?.[1];
}
