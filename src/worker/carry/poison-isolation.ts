/**
 * Finds the one entry that SQL refuses although the domain allowed it, without stopping the others: the same chunk again,
 * validated strictly; then entry by entry; an entry that is refused even alone is condemned, and its items go into
 * quarantine. Promises: each refusal narrows the search or is final.
 */

import type { RefusedBySql } from '../../ledger/errors.ts';
import type { LedgerChunk } from '../../ledger/write/chunk.ts';
import type { ValidationMode } from './event-validator.ts';

/** SQL refused a chunk, and there is a stricter way to validate it: at once, from the cursor. */
export class ValidateAgain extends Error {
  constructor(refusal: RefusedBySql) {
    super(refusal.message, { cause: refusal });
    this.name = 'ValidateAgain';
  }
}

/** The search of one worker; it remembers what was refused until that is committed. */
export class PoisonIsolation {
  /** Entries up to this sequence are validated strictly; 0: none. */
  #strictUpTo = 0;
  #isOneByOne = false;
  /** By the sequence of the entry, why SQL refused it. */
  readonly #condemned = new Map<number, string>();

  /** How to validate the chunk that begins with this entry. */
  modeFor(sequence: number): ValidationMode {
    const refusal = this.#condemned.get(sequence);
    if (refusal !== undefined) return { kind: 'condemned', refusal };
    return { kind: sequence <= this.#strictUpTo ? 'strict' : 'none' };
  }

  /** The most event lines of the chunk after this sequence. @param usual where nothing is isolated */
  linesMax(sequence: number, usual: number): number {
    return this.#isOneByOne && sequence < this.#strictUpTo ? 1 : usual;
  }

  /**
   * Takes a refusal. Answers the error to throw: {@link ValidateAgain}, or the refusal itself where a condemned entry was
   * refused as well and only waiting is left.
   */
  refused(
    chunk: Pick<LedgerChunk, 'fromSequence' | 'toSequence'>,
    mode: ValidationMode,
    refusal: RefusedBySql,
  ): Error {
    const isOneEntry = chunk.toSequence === chunk.fromSequence + 1;
    this.#strictUpTo = Math.max(this.#strictUpTo, chunk.toSequence);
    if (mode.kind === 'condemned') return refusal;
    if (mode.kind === 'strict' && isOneEntry) {
      const { code, constraint, detail, message } = refusal;
      this.#condemned.set(chunk.toSequence, [message, code, constraint, detail].filter(Boolean).join('; '));
    } else if (mode.kind === 'strict') {
      this.#isOneByOne = true;
    }
    return new ValidateAgain(refusal);
  }

  /** The ledger has everything up to this sequence. */
  committed(sequence: number): void {
    this.#condemned.delete(sequence);
    if (sequence >= this.#strictUpTo) this.clear();
  }

  /** Forgets everything: after a rebuild the same sequences are other entries. */
  clear(): void {
    this.#strictUpTo = 0;
    this.#isOneByOne = false;
    this.#condemned.clear();
  }
}
