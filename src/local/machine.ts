/**
 * What this machine offers: programs, a cache folder, the current user. The only file of this room that reads the
 * environment (PATH, XDG_CACHE_HOME). It knows nothing of Redis, Postgres or packages.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { access, constants, mkdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { LocalStoreProblem } from './problem.ts';

/** Where to search for programs, and where to keep downloaded ones. */
export interface Search {
  /** Folders to search, in the format of PATH. Default: PATH and the distribution's own folders. */
  searchPath?: string;
  /** Folder for downloaded programs. Default: `$XDG_CACHE_HOME/holdfast` or `~/.cache/holdfast`. */
  cacheFolder?: string;
}

/** A program that can be spawned. */
export interface Program {
  file: string;
  env: Record<string, string>;
  /** One line for people: which program it is and how it was found. */
  route: string;
}

/** The user and group that a child process runs as. */
export interface Account {
  uid: number;
  gid: number;
}

/** Whether this process runs as root. Postgres refuses to run as root. */
export const isRoot = (): boolean => process.getuid?.() === 0;

/** The folders of `searchPath`, or of PATH. */
export function searchFolders(searchPath: string | undefined): string[] {
  return (searchPath ?? process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** Every executable file called `name` in `folders`, in the order of the folders. */
export async function findPrograms(name: string, folders: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const file = join(folder, name);
    const runs = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) found.push(file);
  }
  return found;
}

/** Whether there is a file or folder at `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * The cache folder, which survives this run and this checkout.
 * @param fallback used where the user has no writable home, as in many containers
 */
export async function findCacheFolder(search: Search, fallback: string): Promise<string> {
  if (search.cacheFolder !== undefined) return search.cacheFolder;
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'holdfast');
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return folder;
  } catch {
    return join(fallback, 'cache');
  }
}

/**
 * The account of `nobody`, for servers that refuse to run as root.
 * @throws {LocalStoreProblem} where the machine has no such user (Postgres needs a user with a name)
 */
export async function findNobody(): Promise<Account> {
  const line = (await readFile('/etc/passwd', 'utf8')).match(/^nobody:[^:]*:(\d+):(\d+):/m);
  if (!line)
    throw new LocalStoreProblem(
      'Postgres refuses to run as root, and this machine has no user `nobody` to run it as.',
    );
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

/** Whether any user can reach `path`: it and every folder above it must be open to others. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** How to run a command: time limit, environment, folder, account. */
export interface CommandSetting {
  timeoutMs: number;
  env?: Record<string, string>;
  cwd?: string;
  account?: Account | undefined;
}

/**
 * Runs a command to its end.
 * @returns its standard output
 * @throws where it fails or takes longer than `timeoutMs`; the message has the end of its output
 */
export function runCommand(file: string, args: string[], setting: CommandSetting): Promise<string> {
  const { timeoutMs, env, cwd, account } = setting;
  return new Promise((resolve, reject) => {
    const finish = (error: ExecFileException | null, stdout: string, stderr: string) => {
      if (!error) return resolve(stdout);
      const cause = error.killed ? `did not finish within ${timeoutMs / 1000} s` : 'failed';
      const lastLines = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n') || error.message;
      reject(new Error(`${file} ${cause}:\n${lastLines}`, { cause: error }));
    };
    execFile(
      file,
      args,
      {
        timeout: timeoutMs,
        maxBuffer: 64 * 1024 * 1024,
        env: { ...process.env, LC_ALL: 'C', ...env },
        ...(cwd === undefined ? {} : { cwd }),
        ...account,
      },
      finish,
    );
  });
}
