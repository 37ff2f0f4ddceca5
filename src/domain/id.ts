/**
 * Ids of SKUs, warehouses, orders, customers, actors, movements and so on, and their escaped form in the texts of Redis and
 * in the text columns of the ledger.
 * Promises: an escaped id is ASCII, contains no separator of any text, and has exactly one spelling; an id that needs no
 * escape is its own escaped form. Refuses to know: what is named.
 *
 * Format: the bytes of the id in UTF-8; letters and digits as they are, `.`, `_`, `:` and `-` as they are except as the
 * first character, every other byte as `%XX` with upper-case hex digits. `茶/A` is `%E8%8C%B6%2FA`.
 */

/** The most characters (Unicode code points) of an id. */
export const ID_LENGTH_MAX = 128;
/** The most bytes of an escaped id: 128 characters of 4 bytes, 3 bytes for each (128 Chinese characters take 1,152). */
export const ID_ESCAPED_BYTES_MAX = ID_LENGTH_MAX * 4 * 3;
/** The rule as a sentence, for error messages. */
export const ID_HINT =
  'use 1 to 128 printable characters (Unicode in form NFC), without control characters and without a blank at either end';
/** The rule as a pattern for JSON Schema (flag `u`), without NFC and length, which a pattern cannot say. */
export const ID_PATTERN_SOURCE = '^(?!\\p{Zs})[^\\p{C}\\p{Zl}\\p{Zp}]+(?<!\\p{Zs})$';

/** Ids that need no escape, as nearly all are: a fast path. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._:-]*$/;

// A count in the pattern, {0,127}, would take twice as long.
function isPlain(text: string): boolean {
  return text.length <= ID_LENGTH_MAX && PLAIN.test(text);
}

const PRINTABLE = new RegExp(ID_PATTERN_SOURCE, 'u');
/** No store keeps these, and no release ever wrote them; what else is no id, a newer table of Unicode may know better. */
const CONTROL = /\p{Cc}/u;
const ESCAPED = /^(?:[A-Za-z0-9]|%[0-9A-F]{2})(?:[A-Za-z0-9._:-]|%[0-9A-F]{2})*$/;

/** Whether a value is an id. Two texts that look the same are the same id, because only NFC is accepted. */
export function isId(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  if (isPlain(value)) return true;
  return (
    value.length > 0 &&
    value.length <= 2 * ID_LENGTH_MAX &&
    [...value].length <= ID_LENGTH_MAX &&
    PRINTABLE.test(value) &&
    value.normalize('NFC') === value
  );
}

/**
 * The escaped form of an id, at most {@link ID_ESCAPED_BYTES_MAX} characters of ASCII.
 * @param id as {@link isId} accepts it; a lone surrogate throws a URIError
 */
export function encodeId(id: string): string {
  return isPlain(id) ? id : escapeText(id);
}

function escapeText(id: string): string {
  // encodeURIComponent leaves five more characters as they are: ! ' ( ) * and ~.
  const text = encodeURIComponent(id)
    .replace(/[!'()*~]/g, percent)
    .replaceAll('%3A', ':');
  return /^[._:-]/.test(text) ? percent(text.charAt(0)) + text.slice(1) : text;
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** The id of an escaped form; undefined where {@link encodeId} writes no such text. */
export function decodeId(text: string): string | undefined {
  if (isPlain(text)) return text;
  if (text.length > ID_ESCAPED_BYTES_MAX || !ESCAPED.test(text)) return undefined;
  let id: string;
  try {
    id = decodeURIComponent(text);
  } catch {
    return undefined; // its bytes are no UTF-8
  }
  return escapeText(id) === text && [...id].length <= ID_LENGTH_MAX && !CONTROL.test(id) ? id : undefined;
}

/** Order of ids: that of their escaped forms, byte by byte, in which the program in lua/ sorts as well. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  return encodeId(a) < encodeId(b) ? -1 : 1;
}
