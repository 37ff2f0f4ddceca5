/**
 * Shows how far a long run is: a moving bar on a terminal, otherwise a line every few seconds for a log.
 * Promises: it never slows what it shows, and leaves an empty line at the end.
 */
import type { WriteStream } from 'node:tty';

export interface Shown {
  readonly rows: number;
  /** 0 to 1; undefined where the whole is unknown. */
  readonly part: number | undefined;
  /** What it is doing or waiting for; undefined while rows go by. */
  readonly note: string | undefined;
}

const BAR_MS = 200;
const LINE_MS = 5_000;
const BAR_LETTERS = 24;
/** Of a terminal that does not say how wide it is. */
const COLUMNS_DEFAULT = 80;

/** Shows what `look` answers until the returned function is called. */
export function showProgress(
  stream: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>,
  look: () => Shown,
): () => void {
  const startedMs = performance.now();
  const timer = setInterval(
    () => {
      const line = progressLine(look(), (performance.now() - startedMs) / 1_000);
      if (stream.isTTY) stream.write(`\r\u001b[2K${line.slice(0, (stream.columns || COLUMNS_DEFAULT) - 1)}`);
      else stream.write(`${line}\n`);
    },
    stream.isTTY ? BAR_MS : LINE_MS,
  );
  return () => {
    clearInterval(timer);
    if (stream.isTTY) stream.write('\r\u001b[2K');
  };
}

function progressLine({ rows, part, note }: Shown, seconds: number): string {
  const perSecond = Math.round(rows / seconds);
  const words = [`${grouped(rows)} rows`, `${grouped(perSecond)} rows/s`];
  if (part !== undefined) {
    const filled = Math.round(part * BAR_LETTERS);
    const bar = '#'.repeat(filled).padEnd(BAR_LETTERS, '.');
    words.unshift(`[${bar}] ${Math.floor(part * 100)} %`);
    if (part > 0 && part < 1) words.push(`${Math.ceil((seconds / part) * (1 - part))} s left`);
  }
  if (note !== undefined) words.push(note);
  return words.join(' | ');
}

/** A number for people: 1,000,000. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
