/**
 * Finds for a line of the joined Lua program the file of lua/ it came from, and the name of a function by its first line.
 * The joiner may split files and add lines of its own: those belong to `program.ts`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const JOINED = 'program.ts';
const NAMES = [
  /^\s*(?:local )?function ([\w.]+)/,
  /^\s*(?:local )?([\w.]+(?:\["[\w-]+"\])?)\s*=\s*function\b/,
  /([\w.]+(?:\["[\w-]+"\])?)\s*[=(]\s*function\b/,
  /^\s*(return) function\b/,
];
/** So many equal lines in a row are taken for a part of a file. */
const RUN_MIN = 3;

interface Place {
  readonly file: string;
  readonly line: number;
}

/** @param folder of the files that were joined */
export function linesOf(program: string, folder: string) {
  const lines = program.split('\n');
  const files = new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith('.lua'))
      .map((file) => [file, readFileSync(join(folder, file), 'utf8').split('\n')] as const),
  );
  const places = placesOf(lines, files);
  const placeOf = (line: number): Place => places[line - 1] ?? { file: JOINED, line };
  return {
    placeOf,
    fileOf: (line: number): string => placeOf(line).file,
    textOf: (line: number): string =>
      `${placeOf(line).file}:${placeOf(line).line}  ${(lines[line - 1] ?? '').trim()}`.slice(0, 100),
    /** @param begins its first line; 0 for the program itself. @param line that ran */
    functionOf: (begins: number, line: number): string => {
      if (begins === 0) return `body of ${placeOf(line).file}`;
      const { file, line: at } = placeOf(begins);
      const text = lines[begins - 1] ?? '';
      const name = NAMES.map((pattern) => pattern.exec(text)?.[1]).find(Boolean) ?? 'function';
      return `${name} (${file}:${at})`;
    },
  };
}

function placesOf(
  lines: readonly string[],
  files: ReadonlyMap<string, readonly string[]>,
): (Place | undefined)[] {
  const places: (Place | undefined)[] = [];
  const runAt = (at: number, text: readonly string[], from: number) => {
    let length = 0;
    while (at + length < lines.length && lines[at + length] === text[from + length]) length++;
    return length;
  };
  for (let at = 0; at < lines.length; ) {
    let best = { length: 0, file: JOINED, from: at };
    for (const [file, text] of files) {
      for (
        let from = text.indexOf(lines[at] ?? '');
        from >= 0;
        from = text.indexOf(lines[at] ?? '', from + 1)
      ) {
        const length = runAt(at, text, from);
        if (length > best.length) best = { length, file, from };
      }
    }
    const { length, file, from } = best;
    if (length < RUN_MIN) {
      places.push(undefined);
      at++;
      continue;
    }
    for (let i = 0; i < length; i++) places.push({ file, line: from + i + 1 });
    at += length;
  }
  return places;
}
