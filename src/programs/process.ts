/**
 * What all processes of Holdfast share: the log, error messages at start, and whether a module is the program that was
 * called or imported by another.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Logger, pino } from 'pino';
import { type Config, WrongConfiguration } from '../config.ts';
import { Fault } from '../hotpath/fault.ts';
import { WrongRedisSettings } from '../hotpath/redis-check.ts';
import { SchemaOutdated, WrongPostgresSettings } from '../ledger/errors.ts';

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

/** The log of a process: JSON lines, or readable lines where the output is a terminal. @param role its name */
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

/**
 * Runs `main` where this module is the program that was called. Where it fails, the message is printed and the exit code
 * is 1. @param moduleUrl `import.meta.url` of the module
 */
export function runAsProgram(moduleUrl: string, main: () => Promise<void>): void {
  if (!process.argv[1] || realpathSync(process.argv[1]) !== fileURLToPath(moduleUrl)) return;
  main().catch((error: unknown) => {
    console.error(formatStartupError(error));
    process.exitCode = 1;
  });
}
