/**
 * What all processes of Holdfast share: the log, their metrics, error messages at start, and whether a module is the program
 * that was called or imported by another.
 */
import { realpathSync } from 'node:fs';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Logger, pino } from 'pino';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { type Config, WrongConfiguration } from '../config.ts';
import { Fault } from '../hotpath/fault.ts';
import { WrongRedisSettings } from '../hotpath/redis-check.ts';
import { SchemaOutdated, WrongPostgresSettings } from '../ledger/errors.ts';
import { type LogOutput, openLogOutput } from './log-output.ts';

/** Fields that are never logged, at any depth up to two. */
const REDACTED = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'secrets',
  'redisUrl',
  'databaseUrl',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Of this process, once it has a log: standard output is one for all of it. */
let output: LogOutput | undefined;

/** The log of a process: JSON lines, or readable lines where the output is a terminal. @param role its name */
export async function openLog(config: Pick<Config, 'logLevel'>, role: string): Promise<Logger> {
  const options = {
    name: role,
    level: config.logLevel,
    redact: REDACTED,
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  // To name process.stdout makes a pipe one that never blocks; the output then learns that it is full.
  const { isTTY } = process.stdout;
  output = openLogOutput(1, (dropped) =>
    log.warn({ dropped }, 'the log could not be written: lines were dropped; it works again'),
  );
  let log: Logger;
  if (!isTTY) log = pino(options, output);
  else {
    const { default: pretty } = await import('pino-pretty');
    log = pino(options, pretty({ ignore: 'pid,hostname,name', destination: streamTo(output) }));
  }
  return log;
}

/** pino-pretty pipes its lines, so it needs a stream. */
function streamTo(to: LogOutput): Writable {
  return new Writable({
    decodeStrings: false,
    write: (line, _encoding, done) => {
      to.write(String(line));
      done();
    },
  });
}

/** A registry with the metrics that every process has. */
export function openRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Counter({
    name: 'holdfast_log_lines_dropped_total',
    help: 'Lines of the log that could not be written.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(output?.dropped ?? 0);
    },
  });
  return registry;
}

/** The message of an error that an operator can fix; any other error as it is, so that its stack is shown. */
export function formatStartupError(error: unknown): unknown {
  const isWrongSetting =
    error instanceof WrongConfiguration ||
    error instanceof WrongRedisSettings ||
    error instanceof WrongPostgresSettings ||
    error instanceof SchemaOutdated;
  if (isWrongSetting) return error.message;
  if (error instanceof Fault) return `Holdfast cannot start: ${error.message}`;
  if (error instanceof Error && 'code' in error) return `Holdfast cannot start: ${error.message}`;
  return error;
}

/** A program that failed to start ends after this time, whatever is still open. */
const END_MS_MAX = 5_000;

/**
 * Runs `main` where this module is the program that was called. Where it fails, the message is printed, and the process ends
 * with the exit code 1. @param moduleUrl `import.meta.url` of the module
 */
export function runAsProgram(moduleUrl: string, main: () => Promise<void>): void {
  if (!process.argv[1] || realpathSync(process.argv[1]) !== fileURLToPath(moduleUrl)) return;
  main().catch((error: unknown) => {
    console.error(formatStartupError(error));
    process.exitCode = 1;
    setTimeout(() => process.exit(1), END_MS_MAX).unref();
  });
}
