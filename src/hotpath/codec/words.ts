/**
 * The words that the texts in Redis consist of: a codec for each kind of word, in both directions.
 * Promises: a word contains no blank and no separator; any other word throws, nothing is guessed.
 */
import { decodeId, encodeId } from '../../domain/language.ts';

/** A text that this release cannot read: a defect, a key of another program, or a record of a newer release. */
export class Unreadable extends Error {
  /** Written by a newer release, which reads it. */
  readonly isNewer: boolean;
  constructor(what: string, text: string) {
    const mark = NEWER_FORMAT.exec(text)?.[1];
    super(
      mark === undefined
        ? `${what} cannot be read: ${JSON.stringify(text.slice(0, 200))}`
        : `${what} is in format ${mark}, written by a newer release; this one reads format ${RECORD_FORMAT}`,
    );
    this.name = 'Unreadable';
    this.isNewer = mark !== undefined;
  }
}

/**
 * The version of the formats of records. A text of format 1 has no mark; from format 2 on it begins with `v<number> `. The
 * program in lua/ leaves a record with a mark alone and refuses commands about it (`quarantined`).
 */
export const RECORD_FORMAT = 1;
const NEWER_FORMAT = /^v(\d+) /;

/** Written in place of an absent word. No escaped id is `-`. */
export const NOTHING = '-';

/** The word, or undefined if it is {@link NOTHING}. */
export function given(word: string | undefined): string | undefined {
  return word === NOTHING ? undefined : word;
}

const DIGITS = /^\d{1,15}$/;

/** A number as the program writes it: plain digits, never `1e3`. @throws {Unreadable} */
export function decodeDigits(what: string, word: string | undefined): number {
  if (word === undefined || !DIGITS.test(word)) throw new Unreadable(what, String(word));
  return Number(word);
}

/** The id of an escaped word. @throws {Unreadable} */
export function decodeIdWord(what: string, word: string | undefined): string {
  const id = word === undefined ? undefined : decodeId(word);
  if (id === undefined) throw new Unreadable(what, String(word));
  return id;
}

/** As {@link decodeIdWord}; undefined for an absent word. @throws {Unreadable} */
export function decodeOptionalId(what: string, word: string | undefined): string | undefined {
  return word === undefined || word === NOTHING ? undefined : decodeIdWord(what, word);
}

/** Format: the escaped id, or `-`. */
export function encodeOptionalId(id: string | undefined): string {
  return id === undefined ? NOTHING : encodeId(id);
}

/** Format: `=` and the percent-encoded text, or `-` for ''. */
export function encodeReason(reason: string): string {
  return reason === '' ? NOTHING : `=${encodeURIComponent(reason)}`;
}

/** Reads {@link encodeReason} back. @throws {Unreadable} */
export function decodeReason(word: string): string {
  if (word === NOTHING) return '';
  try {
    if (word.startsWith('=')) return decodeURIComponent(word.slice(1));
  } catch {
    // Not UTF-8: thrown below.
  }
  throw new Unreadable('a reason', word);
}

/** Format: `operation;operation ...`, or `-` for none. */
export function encodeOperations(operations: readonly string[]): string {
  return operations.join(';') || NOTHING;
}

/** Reads {@link encodeOperations} back. */
export function decodeOperations(word: string | undefined): string[] {
  return given(word)?.split(';') ?? [];
}
