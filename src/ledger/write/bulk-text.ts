/**
 * Text forms of many rows in one statement: COPY's format for rows that are only added, array literals for the rest.
 * Promises: any text arrives unchanged, whoever wrote it. Refuses to know: what the columns mean.
 */
import { finished } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** Absent values are NULL. */
export type Cell = string | number | undefined;

const NEEDS_ESCAPE_IN_COPY = /[\\\t\n\r]/;
const ESCAPES_IN_COPY: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** One cell of COPY's text format. Every text goes through here: an id may be `\N`, a reason may have any character. */
export function copyCell(cell: Cell): string | number {
  if (cell === undefined) return '\\N';
  if (typeof cell === 'number' || !NEEDS_ESCAPE_IN_COPY.test(cell)) return cell;
  return cell.replace(/[\\\t\n\r]/g, (character) => ESCAPES_IN_COPY[character] ?? character);
}

/** One row of COPY's text format. */
export function copyRow(cells: readonly Cell[]): string {
  return `${cells.map(copyCell).join('\t')}\n`;
}

// The events of a chunk happened within a second or two, and so do the ends of its holds: only the last digits differ.
const SECONDS_REMEMBERED_MAX = 64;
const seconds = new Map<number, string>();

/** A time, in milliseconds since 1970, as Postgres reads it. */
export function instantText(ms: number): string {
  const second = Math.floor(ms / 1_000);
  let text = seconds.get(second);
  if (text === undefined) {
    if (seconds.size >= SECONDS_REMEMBERED_MAX) seconds.clear();
    text = new Date(second * 1_000).toISOString().slice(0, -4);
    seconds.set(second, text);
  }
  const rest = ms - second * 1_000;
  return `${text}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`;
}

/** Rows between two turns of the event loop: half a millisecond. */
const STEP_ROWS = 512;

/**
 * Many rows as one text, in steps between which the event loop runs: the chunk before is being committed meanwhile, and
 * its next statement must not wait.
 */
export async function textInSteps<R>(rows: readonly R[], rowText: (row: R) => string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let start = 0; start < rows.length; start += STEP_ROWS) {
    if (start > 0) await setImmediate();
    let text = '';
    for (let i = start; i < Math.min(rows.length, start + STEP_ROWS); i++) text += rowText(rows[i] as R);
    parts.push(Buffer.from(text));
  }
  return Buffer.concat(parts);
}

/** An array literal, `{1,2,NULL}`. */
export function numberArray(values: readonly (number | undefined)[]): string {
  let text = '{';
  for (let i = 0; i < values.length; i++) text += `${i > 0 ? ',' : ''}${values[i] ?? 'NULL'}`;
  return `${text}}`;
}

/** An array literal, `{"a","b",NULL}`: quoted, because the word NULL is a valid id. */
export function textArray(values: readonly (string | undefined)[]): string {
  let text = '{';
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (i > 0) text += ',';
    text +=
      value === undefined ? 'NULL' : `"${/["\\]/.test(value) ? value.replace(/["\\]/g, '\\$&') : value}"`;
  }
  return `${text}}`;
}

/** An array literal of seconds since 1970, for `to_timestamp`, from milliseconds. */
export function secondsArray(instantsMs: readonly (number | undefined)[]): string {
  return numberArray(instantsMs.map((ms) => (ms === undefined ? undefined : ms / 1_000)));
}

/**
 * Runs `COPY ... FROM STDIN` with these rows (a chunk is below 1 MB). The connection is for this alone until it settles.
 * @returns how many rows went in @throws the error of Postgres
 */
export async function copyIn(client: pg.ClientBase, statement: string, rows: Buffer): Promise<number> {
  const copy = client.query(copyFrom(statement));
  copy.end(rows);
  await finished(copy);
  return copy.rowCount;
}
