/**
 * What every process of Holdfast has in common: a log, words for what went wrong at start, and knowing whether it is the
 * program that was called or a part of another.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Logger, pino } from 'pino';
import { type Config, WrongConfiguration } from '../config.ts';
import { Fault } from '../hotpath/fault.ts';
import { WrongRedisSettings } from '../hotpath/redis-check.ts';
import { SchemaOutdated, WrongPostgresSettings } from '../ledger/errors.ts';

/** What must never stand in a log line, wherever somebody puts it. */
const REDACTED = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'secrets',
  'redisUrl',
  'databaseUrl',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** A log for one process: JSON lines, or lines for people where the output is a terminal. */
export async function openLog(config: Pick<Config, 'logLevel'>, role: string): Promise<Logger> {
  const options = {
    name: role,
    level: config.logLevel,
    redact: REDACTED,
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (!process.stdout.isTTY) return pino(options);
  const { default: pretty } = await import('pino-pretty');
  return pino(options, pretty({ sync: true, ignore: 'pid,hostname,name' }));
}

/** What an operator can put right is said in words; everything else is a defect and comes with its stack. */
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

/** Runs `main` where this module is the program that was called; a failure is told in words and ends with code 1. */
export function runAsProgram(moduleUrl: string, main: () => Promise<void>): void {
  if (!process.argv[1] || realpathSync(process.argv[1]) !== fileURLToPath(moduleUrl)) return;
  main().catch((error: unknown) => {
    console.error(formatStartupError(error));
    process.exitCode = 1;
  });
}
