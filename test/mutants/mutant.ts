/** A deliberate break of the program, and the tests that have to notice it. */
export interface Mutant {
  /** What is broken, in words. */
  readonly fault: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Test files, the quickest first; the first one that fails has caught it. */
  readonly tests: readonly string[];
}
