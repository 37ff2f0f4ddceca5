/**
 * What a server of ours keeps in its folder: the port it was given once, its log, and the claim of the one
 * process that may use the folder. Knows nothing of what the server serves.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

// Below Linux' range for outgoing connections (32768 and up), so that no passing client holds our port when
// the server comes back for it.
const PORT_MIN = 15_000;
const PORT_MAX = 32_000;
const PORT_TRIES_MAX = 50;
const LOG_TAIL_LINES_MAX = 20;

/**
 * Claims `folder` for this process and answers the function that gives it back.
 *
 * The claim is a listening socket in Linux' abstract namespace: the kernel takes it back however the process
 * ends, so a killed run leaves no stale lock, which a file with a process id would. Other systems have no
 * such namespace and go without a claim.
 * @throws when another live process (or this one) holds the folder.
 */
export function claimFolder(folder: string): Promise<() => void> {
  const name = `\0holdfast-${shortHash(folder)}`;
  return new Promise((resolve, reject) => {
    const claim = createServer((stranger) => stranger.destroy());
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

/** Ten hexadecimal digits that stand for `text` in names of limited length. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

/**
 * A free port of the loopback interface: the wished one, else the one kept in `folder`, else any. What was
 * chosen is kept, so that addresses noted down yesterday work today.
 */
export async function choosePort(
  folder: string,
  wished: number | undefined,
  log: (line: string) => void,
): Promise<number> {
  const keptIn = join(folder, 'port');
  const kept = Number(await readFile(keptIn, 'utf8').catch(() => ''));
  const known = [wished ?? 0, kept].filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
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

/** Nothing listens there, and we may. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** A new log file; the one before is kept under `.1`, so two runs can be compared and disks do not fill. */
export async function freshLog(folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}.log`);
  await rename(file, `${file}.1`).catch(() => undefined);
  return file;
}

/** The last lines of a log, for an error that must explain itself. */
export async function logTail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES_MAX).join('\n');
}
