/**
 * The outcome of each row: as NDJSON in a file if one is wanted, and in sums. Promises: one line a row, in the order of the
 * rows; memory is bounded: lines go to the file as they come, and only the first failures are remembered.
 */
import { type FileHandle, open } from 'node:fs/promises';

export const OUTCOMES = ['done', 'replayed', 'refused', 'invalid'] as const;
/** `replayed`: an earlier run did it and nothing changed now. `invalid`: the row cannot be read; nothing was sent. */
export interface RowOutcome {
  readonly outcome: (typeof OUTCOMES)[number];
  /** For a refusal its code. */
  readonly code?: string | undefined;
  /** For a failure: what is wrong and what to do. Otherwise: what a person should know. */
  readonly detail?: string | undefined;
}

export const DONE: RowOutcome = { outcome: 'done' };
export const REPLAYED: RowOutcome = { outcome: 'replayed' };

export interface RowReport extends RowOutcome {
  readonly row: number;
}

const FAILURES_REMEMBERED = 20;
const BUFFER_LETTERS = 65_536;

/** The outcomes of one run. */
export class Outcomes {
  readonly counts: Record<RowOutcome['outcome'], number> = { done: 0, replayed: 0, refused: 0, invalid: 0 };
  /** The first of them. */
  readonly failures: RowReport[] = [];
  /** Rows that did not fail and have a `detail`. */
  remarks = 0;
  readonly #file: FileHandle | undefined;
  #buffer = '';

  /** @param path of the file with a line for each row; undefined for none @throws where it cannot be written */
  static async open(path: string | undefined): Promise<Outcomes> {
    return new Outcomes(path === undefined ? undefined : await open(path, 'w'));
  }

  constructor(file: FileHandle | undefined) {
    this.#file = file;
  }

  get rows(): number {
    const { done, replayed, refused, invalid } = this.counts;
    return done + replayed + refused + invalid;
  }
  get failed(): number {
    return this.counts.refused + this.counts.invalid;
  }

  /** Counts an outcome. To be followed by {@link settled} after some rows. */
  add(row: number, { outcome, code, detail }: RowOutcome): void {
    this.counts[outcome]++;
    const isFailure = outcome === 'refused' || outcome === 'invalid';
    if (isFailure && this.failures.length < FAILURES_REMEMBERED) {
      this.failures.push({ row, outcome, code, detail });
    }
    if (!isFailure && detail !== undefined) this.remarks++;
    if (this.#file) this.#buffer += `${JSON.stringify({ row, outcome, code, detail })}\n`;
  }

  /** Resolves when there is room for more. */
  async settled(): Promise<void> {
    if (this.#buffer.length > BUFFER_LETTERS) await this.#flush();
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await this.#flush();
    await this.#file?.close();
  }

  async #flush(): Promise<void> {
    const text = this.#buffer;
    this.#buffer = '';
    if (text !== '') await this.#file?.write(text);
  }
}
