/**
 * What to do about a chunk that SQL refused although the aggregate allowed it: find the entry that is to blame without
 * stopping the others. First the same entries again, asking the ledger what is usually taken for granted; then entry by
 * entry; an entry that is refused even alone is condemned, and its items go into quarantine.
 */

import type { RefusedBySql } from '../../ledger/errors.ts';
import type { LedgerChunk } from '../../ledger/write/chunk.ts';
import type { ValidationMode } from './event-validator.ts';

/** SQL refused a chunk, and there is another way to judge it: at once, from the cursor. */
export class ValidateAgain extends Error {
  constructor(refusal: RefusedBySql) {
    super(refusal.message, { cause: refusal });
    this.name = 'ValidateAgain';
  }
}

export class PoisonIsolation {
  /** Sequence up to which nothing is taken for granted; 0: nothing is suspected. */
  #upTo = 0;
  #isOneByOne = false;
  readonly #condemned = new Map<number, string>();

  /** How to judge a chunk that begins with this entry. */
  modeFor(sequence: number): ValidationMode {
    const refusal = this.#condemned.get(sequence);
    if (refusal !== undefined) return { kind: 'condemned', refusal };
    return { kind: sequence <= this.#upTo ? 'strict' : 'none' };
  }

  /** Event lines a chunk behind this sequence may have. */
  linesMax(sequence: number, usual: number): number {
    return this.#isOneByOne && sequence < this.#upTo ? 1 : usual;
  }

  /** What to throw: the refusal itself only where a condemned entry was refused as well, and nothing is left but to wait. */
  refused(
    chunk: Pick<LedgerChunk, 'fromSequence' | 'toSequence'>,
    mode: ValidationMode,
    refusal: RefusedBySql,
  ): Error {
    const isOneEntry = chunk.toSequence === chunk.fromSequence + 1;
    this.#upTo = Math.max(this.#upTo, chunk.toSequence);
    if (mode.kind === 'condemned') return refusal;
    if (mode.kind === 'strict' && isOneEntry) {
      const { code, constraint, detail, message } = refusal;
      this.#condemned.set(chunk.toSequence, [message, code, constraint, detail].filter(Boolean).join('; '));
    } else if (mode.kind === 'strict') {
      this.#isOneByOne = true;
    }
    return new ValidateAgain(refusal);
  }

  /** The ledger has everything up to here. */
  committed(sequence: number): void {
    this.#condemned.delete(sequence);
    if (sequence >= this.#upTo) this.clear();
  }

  clear(): void {
    this.#upTo = 0;
    this.#isOneByOne = false;
    this.#condemned.clear();
  }
}
