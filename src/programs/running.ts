/**
 * Where the Holdfast of a data folder runs: written by `npm start`, read by the demonstrations and by `reconcile`.
 * Promises: only its owner can read it, for it holds addresses with passwords; a dead process is not taken for a live one.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Running {
  readonly pid: number;
  /** Of the HTTP API. */
  readonly url: string;
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly prefix: string;
}

const fileOf = (dataFolder: string) => join(dataFolder, 'running.json');

export async function writeRunning(dataFolder: string, running: Running): Promise<void> {
  await mkdir(dataFolder, { recursive: true });
  await writeFile(fileOf(dataFolder), `${JSON.stringify(running, undefined, 2)}\n`, { mode: 0o600 });
}

export async function forgetRunning(dataFolder: string): Promise<void> {
  await rm(fileOf(dataFolder), { force: true });
}

/** Undefined where none runs. */
export async function findRunning(dataFolder: string): Promise<Running | undefined> {
  let running: Running;
  try {
    running = JSON.parse(await readFile(fileOf(dataFolder), 'utf8')) as Running;
    process.kill(running.pid, 0);
  } catch {
    return undefined;
  }
  return running;
}
