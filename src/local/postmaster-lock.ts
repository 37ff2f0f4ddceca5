/**
 * The lock file of a Postgres cluster after a crash. Postgres takes any running process of the same user for a server that has
 * the cluster, by its number alone, and numbers are used again. Promises: only a lock is taken away that no server has.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalStoreProblem } from './problem.ts';
import { commandLine, processesIn } from './processes.ts';

const LOOK_MS = 100;
/** Backends of a Postgres that was killed notice it and end by themselves, unless a long statement keeps them. */
const LEAVING_MAX_MS = 10_000;

/**
 * Makes a stale lock of the cluster harmless, so that Postgres starts. Called where no server of ours runs on the cluster.
 * @throws {LocalStoreProblem} where processes of Postgres work on the cluster that this program did not start
 */
export async function clearStaleLock(cluster: string, log: (line: string) => void): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number.parseInt(text, 10);
  await awaitStrangers(cluster, pid);
  if (!Number.isInteger(pid)) {
    log(`${file} is damaged, as by a full disk, and no Postgres runs: it is removed`);
    await rm(file, { force: true });
    return;
  }
  const line = await commandLine(pid);
  // Where the system does not tell in which folder a process works, Postgres decides.
  if (line === '' || (process.platform !== 'linux' && line.includes('postgres'))) return;
  log(`${file} names process ${pid}, which is another program (a crash left it behind): it is ignored`);
  // Postgres never takes its own parent for a server, and still looks for memory that old backends share.
  await writeFile(file, text.replace(/^\d+/, String(process.pid)));
}

/** Postgres processes work in their cluster; waits for those that are ending, not for a server with its postmaster `pid`. */
async function awaitStrangers(cluster: string, pid: number): Promise<void> {
  const began = performance.now();
  let strangers = await processesIn(cluster);
  while (strangers.length > 0 && !strangers.includes(pid) && performance.now() - began < LEAVING_MAX_MS) {
    await sleep(LOOK_MS);
    strangers = await processesIn(cluster);
  }
  if (strangers.length === 0) return;
  const ending = strangers.includes(pid) ? [pid] : strangers;
  throw new LocalStoreProblem(
    `Postgres runs on ${cluster}, not started by npm start (process ${ending.join(', ')}): ` +
      `stop it (kill -INT ${ending.join(' ')}), then start again.`,
  );
}
