/**
 * What many commands have in common crosses once: the different texts, and for each command which of them is its own, in
 * two characters from "#" on in base 64. Twin of the codes in lua/batch.lua.
 */

const CODES = Array.from({ length: 64 * 64 }, (_, i) => String.fromCharCode(35 + (i >> 6), 35 + (i & 63)));

/** The most commands one batch may have, for each may have a text of its own. */
export const BATCH_COMMANDS_MAX = CODES.length;

/** How many different texts, which of them each command has, and the texts: three or more arguments of the program. */
export function packTexts(texts: Iterable<string>): (string | number)[] {
  const codes = new Map<string, string>();
  let which = '';
  for (const text of texts) {
    let code = codes.get(text);
    if (code === undefined) {
      code = CODES[codes.size] as string;
      codes.set(text, code);
    }
    which += code;
  }
  return [codes.size, which, ...codes.keys()];
}

/** How many commands a reply "head, which, answer, answer ..." answers. */
export function answerCount(reply: readonly string[]): number {
  return (reply[1] ?? '').length / 2;
}

/** The answer to the command in this place. */
export function answerAt(reply: readonly string[], i: number): string {
  const which = reply[1] as string;
  const number = (which.charCodeAt(2 * i) - 35) * 64 + which.charCodeAt(2 * i + 1) - 35;
  return reply[2 + number] as string;
}
