/**
 * The commands and answers of a batch. Equal texts are sent once, in both directions; a code of two characters for each
 * command says which text is its own. Format of a code: the number of the text in base 64, digits from `#` on.
 * Twin: the codes in lua/batch.lua.
 */

const CODES = Array.from({ length: 64 * 64 }, (_, i) => String.fromCharCode(35 + (i >> 6), 35 + (i & 63)));

/** The most commands in a batch: each may have its own text. */
export const BATCH_COMMANDS_MAX = CODES.length;

/** The arguments of the program for these commands: how many different texts, a code for each command, and the texts. */
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

/** How many commands a reply answers. Format of a reply: head, a code for each command, and the different answers. */
export function answerCount(reply: readonly string[]): number {
  return (reply[1] ?? '').length / 2;
}

/** The answer to the command with this index, from 0 on. */
export function answerAt(reply: readonly string[], i: number): string {
  const which = reply[1] as string;
  const number = (which.charCodeAt(2 * i) - 35) * 64 + which.charCodeAt(2 * i + 1) - 35;
  return reply[2 + number] as string;
}
