/**
 * What a test of this room starts and makes is gone when it ends, also when it fails half way.
 */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runCommand } from '../../src/local/machine.ts';
import type { LocalServer } from '../../src/local/server-process.ts';
import { folderOfStores } from '../stores.ts';

/** The server, which is stopped when the test ends if it has not been before. */
export async function untilTestEnds(starting: Promise<LocalServer>): Promise<LocalServer> {
  const server = await starting;
  onTestFinished(() => server.stop());
  return server;
}

/** A new empty folder for one test; open to other users, for root's Postgres runs as `nobody`. */
export async function temporaryFolder(mode = 0o755): Promise<string> {
  const folder = await makeFolder(mode);
  onTestFinished(() => removeFolder(folder));
  return folder;
}

/** A disk of its own for one test, in memory. Undefined, after a line that says so, where this user may not mount one. */
export async function smallDisk(megabytes: number): Promise<string | undefined> {
  const folder = await makeFolder();
  const mount = ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder];
  try {
    await runCommand('mount', mount, { timeoutMs: 10_000 });
  } catch {
    await removeFolder(folder);
    console.log('skipped: this user may not mount a small disk');
    return undefined;
  }
  onTestFinished(async () => {
    await runCommand('umount', ['-l', folder], { timeoutMs: 10_000 });
    await removeFolder(folder);
  });
  return folder;
}

/** The same for several tests: who makes it removes it. */
export async function makeFolder(mode = 0o755): Promise<string> {
  const folder = await mkdtemp(join(await folderOfStores(), 'holdfast-test-'));
  await chmod(folder, mode);
  return folder;
}

/** Removes the folder and the cluster that had to be put elsewhere. */
export async function removeFolder(folder: string): Promise<void> {
  const movedTo = await readFile(join(folder, 'postgres', 'moved-to'), 'utf8').catch(() => '');
  if (movedTo !== '') await rm(movedTo.trim(), { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
}
