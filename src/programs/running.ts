/**
 * The addresses of the Holdfast that runs on a data folder: written by `npm start`, read by the command line tools.
 * Promises: only the owner can read the file, because it has passwords; a file of an ended process counts as none.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The addresses of a running Holdfast. */
export interface Running {
  readonly pid: number;
  /** Of the HTTP API. */
  readonly url: string;
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly prefix: string;
}

const fileOf = (dataFolder: string) => join(dataFolder, 'running.json');

/** Saves the addresses in the data folder. */
export async function writeRunning(dataFolder: string, running: Running): Promise<void> {
  await mkdir(dataFolder, { recursive: true });
  await writeFile(fileOf(dataFolder), `${JSON.stringify(running, undefined, 2)}\n`, { mode: 0o600 });
}

/** Deletes what {@link writeRunning} has saved. */
export async function forgetRunning(dataFolder: string): Promise<void> {
  await rm(fileOf(dataFolder), { force: true });
}

/** The Holdfast that runs on this data folder; undefined where none does. */
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
