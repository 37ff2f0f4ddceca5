/**
 * Which file of lua/ a line of the joined program came from, and what the function is called that begins there. Promises: a
 * line that no file has says so, and is not given to a file that it does not belong to.
 */

import { VERBS_STAND_HERE } from '../../src/hotpath/program.ts';

export interface Place {
  /** `reserve.lua`, or {@link JOINED}. */
  readonly file: string;
  readonly line: number;
}

/** What program.ts puts around the files. */
export const JOINED = 'program.ts';

const NAMES = [
  /^\s*(?:local )?function ([\w.]+)/,
  /^\s*(?:local )?([\w.]+(?:\["[\w-]+"\])?)\s*=\s*function\b/,
  /([\w.]+(?:\["[\w-]+"\])?)\s*[=(]\s*function\b/,
  /^\s*(return) function\b/,
];

/** @param files text by name, as they were joined */
export function linesOf(program: string, files: ReadonlyMap<string, string>) {
  const lines = program.split('\n');
  const places = lines.map((_, i): Place => ({ file: JOINED, line: i + 1 }));
  for (const [file, whole] of files) {
    let before = 0; // lines of the file
    for (const text of whole.split(VERBS_STAND_HERE)) {
      const at = text === '' ? -1 : program.indexOf(text);
      const first = program.slice(0, Math.max(0, at)).split('\n').length - 1;
      const lines = text.split('\n');
      if (at >= 0) {
        for (const i of lines.keys()) {
          if (i < lines.length - 1) places[first + i] = { file, line: before + i + 1 };
        }
      }
      before += lines.length;
    }
  }
  const placeOf = (line: number): Place => places[line - 1] ?? { file: JOINED, line };
  return {
    placeOf,
    textOf: (line: number): string => (lines[line - 1] ?? '').trim(),
    /** @param begins its first line; 0 for the program itself. @param line that runs, which tells whose part of the program it is */
    frameOf(begins: number, line: number) {
      if (begins === 0) {
        const { file } = placeOf(line);
        return { name: `body of ${file}`, room: file };
      }
      const { file, line: at } = placeOf(begins);
      const text = lines[begins - 1] ?? '';
      const name = NAMES.map((pattern) => pattern.exec(text)?.[1]).find(Boolean) ?? 'function';
      return { name: `${name} (${file}:${at})`, room: file };
    },
  };
}

export type Lines = ReturnType<typeof linesOf>;
