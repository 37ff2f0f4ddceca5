/**
 * The folder of a local server: whether it can be used, its port, its log, and the lock of the one process that may use it.
 * Knows nothing of what the server does.
 */
import { createHash } from 'node:crypto';
import { access, constants, mkdir, readFile, realpath, rename, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { LocalStoreProblem } from './problem.ts';

// Below the range that Linux uses for outgoing connections (32768 and up), so that no client occupies the port while the
// server is stopped.
const PORT_MIN = 15_000;
const PORT_MAX = 32_000;
const PORT_TRIES_MAX = 50;
const LOG_TAIL_LINES_MAX = 20;
/** How to use another folder, at the end of messages. */
export const OTHER_FOLDER = 'name another data folder (HOLDFAST_DATA=/path npm start)';

/**
 * Makes the folder where it does not exist.
 * @returns its real path
 * @throws {LocalStoreProblem} where it cannot be made or written, or where its disk is full
 */
export async function openFolder(folder: string, spaceBytesMin: number): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw new LocalStoreProblem(await fullDisk(folder, spaceBytesMin));
    const means = WHY_UNUSABLE[code ?? ''] ?? (error as Error).message;
    throw new LocalStoreProblem(
      `The data folder ${folder} cannot be used: ${means}. Correct that, or ${OTHER_FOLDER}.`,
      { cause: error },
    );
  }
  const home = await realpath(folder);
  if (await isDiskFull(home, spaceBytesMin)) throw new LocalStoreProblem(await fullDisk(home, spaceBytesMin));
  return home;
}

const WHY_UNUSABLE: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its disk is mounted read-only',
  ENOTDIR: 'a file is in its place',
  EEXIST: 'a file is in its place',
};

/** Whether less than `spaceBytesMin` is left on the disk of `folder`. Where that cannot be asked, it counts as not full. */
export async function isDiskFull(folder: string, spaceBytesMin: number): Promise<boolean> {
  const left = await bytesLeft(folder);
  return left !== undefined && left < spaceBytesMin;
}

async function bytesLeft(folder: string): Promise<number | undefined> {
  const disk = await statfs(folder).catch(() => undefined);
  // A file system that does not count its blocks says 0 of 0.
  return disk && disk.blocks > 0 ? disk.bavail * disk.bsize : undefined;
}

async function fullDisk(folder: string, spaceBytesMin: number): Promise<string> {
  const megabytes = (bytes: number) => Math.floor(bytes / 1_000_000);
  return (
    `The disk of ${folder} is full (${megabytes((await bytesLeft(folder)) ?? 0)} MB left): ` +
    `make room for ${megabytes(spaceBytesMin)} MB, or ${OTHER_FOLDER}.`
  );
}

/**
 * Locks `folder` for this process.
 *
 * The lock is a listening socket in the abstract namespace of Linux. The kernel frees it however the process ends, so a
 * killed run leaves no stale lock, as a file with a process id would. Other systems have no such namespace and no lock.
 * @returns a function that unlocks
 * @throws where a running process (this one included) has the folder
 */
export function claimFolder(folder: string): Promise<() => void> {
  const name = `\0holdfast-${shortHash(folder)}`;
  return new Promise((resolve, reject) => {
    const claim = createServer((socket) => socket.destroy());
    claim.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return resolve(() => undefined);
      reject(
        new LocalStoreProblem(
          `${folder} is in use by another running Holdfast. Stop that one, or ${OTHER_FOLDER}.`,
        ),
      );
    });
    claim.listen(name, () => {
      claim.unref();
      resolve(() => void claim.close());
    });
  });
}

/** Ten hexadecimal digits of a hash of `text`, for names of limited length. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

/**
 * Chooses a free port of the loopback interface: the preferred one, else the one of the last start, else any. The choice is
 * saved in `folder`, so that the address stays the same from start to start.
 * @param log gets a line where a known port is taken
 * @throws where no free port is found
 */
export async function choosePort(
  folder: string,
  preferred: number | undefined,
  log: (line: string) => void,
): Promise<number> {
  const keptIn = join(folder, 'port');
  const kept = Number(await readFile(keptIn, 'utf8').catch(() => ''));
  const known = [preferred ?? 0, kept].filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const port = known[tries] ?? PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    if (await isFree(port)) {
      await writeFile(keptIn, `${port}\n`);
      return port;
    }
    if (tries < known.length)
      log(`port ${port} is taken by another program, which is left alone; choosing another`);
  }
  throw new LocalStoreProblem(`No free port found on 127.0.0.1 in ${PORT_TRIES_MAX} tries.`);
}

/** Whether this process can listen on the port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** A server's name and folder; its log is `<name>.log` in it. */
interface Logging {
  readonly name: string;
  readonly home: string;
}

/** The path for a new log file. The previous log is kept as `.1`, older ones are not, so that disks do not fill. */
export async function freshLog({ home, name }: Logging): Promise<string> {
  const file = join(home, `${name}.log`);
  await rename(file, `${file}.1`).catch(() => undefined);
  return file;
}

/** The last lines of a server's log. */
export async function logTail({ home, name }: Logging): Promise<string> {
  const text = await readFile(join(home, `${name}.log`), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES_MAX).join('\n');
}
