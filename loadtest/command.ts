/**
 * What `npm run bench`, `npm run load` and `npm run profile` share: options, errors for the person at the keyboard, and
 * Ctrl-C. Promises: a wrong option is named together with what would be right.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A mistake on the command line or something this machine lacks: shown without a stack trace. */
export class WrongOption extends Error {}
export class Unavailable extends Error {}

/** What a shell reports of a program that was ended by Ctrl-C. */
const INTERRUPTED = 130;
const HELP = { help: { type: 'boolean', short: 'h' } } as const;

/** @throws {WrongOption} where an option is unknown or lacks its value */
export function parseOptions<const T extends NonNullable<ParseArgsConfig['options']>>(
  argv: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options: { ...options, ...HELP } });
  } catch (error) {
    throw new WrongOption(error instanceof Error ? error.message : String(error));
  }
}

/** @throws {WrongOption} unless the text is a whole number from `min` to `max` */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new WrongOption(`${name} ${text}: give a whole number from ${min} to ${max}`);
  }
  return value;
}

/** @throws {WrongOption} unless the text is one of `known` */
export function oneOf<T extends string>(what: string, text: string, known: readonly T[]): T {
  const found = known.find((name) => name === text.trim());
  if (!found) throw new WrongOption(`no ${what} ${JSON.stringify(text)}; there are ${known.join(', ')}`);
  return found;
}

/** Runs a command to its exit code; `failure` is the code where it throws. */
export function runMain(usage: string, failure: number, main: () => Promise<number>): void {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      if (error instanceof WrongOption) console.error(`${error.message}\n\n${usage}`);
      else console.error(error instanceof Unavailable ? error.message : error);
      process.exitCode = failure;
    },
  );
}

/** Closes what was opened at the first Ctrl-C; a second one ends at once. */
export function closeOnSignals(close: () => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.error('\nstopping');
      void close().finally(() => process.exit(INTERRUPTED));
    });
  }
}
