/**
 * The folder of a local server: its port, its log, and the lock of the one process that may use the folder.
 * Knows nothing of what the server does.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

// Below the range that Linux uses for outgoing connections (32768 and up), so that no client occupies the port while the
// server is stopped.
const PORT_MIN = 15_000;
const PORT_MAX = 32_000;
const PORT_TRIES_MAX = 50;
const LOG_TAIL_LINES_MAX = 20;

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
        new Error(
          `${folder} is in use by another running Holdfast. Stop that one, or name another data folder.`,
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
  throw new Error(`No free port found on 127.0.0.1 in ${PORT_TRIES_MAX} tries.`);
}

/** Whether this process can listen on the port. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** The path for a new log file. The previous log is kept as `.1`, older ones are not, so that disks do not fill. */
export async function freshLog(folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}.log`);
  await rename(file, `${file}.1`).catch(() => undefined);
  return file;
}

/** The last lines of a log, for an error message. */
export async function logTail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES_MAX).join('\n');
}
