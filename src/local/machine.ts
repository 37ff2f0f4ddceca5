/**
 * What this machine offers: programs, a cache folder, the user we are. The only file of this room that
 * reads the environment (PATH, XDG_CACHE_HOME); it knows nothing of Redis, Postgres or packages.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { access, constants, mkdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Where to look for programs, and where to keep those that were fetched. */
export interface Search {
  /** Folders to look in, in the form of PATH; PATH and the distribution's own folders when absent. */
  searchPath?: string;
  /** Folder for fetched programs; `$XDG_CACHE_HOME/holdfast` or `~/.cache/holdfast` when absent. */
  cacheFolder?: string;
}

/** A program that can be spawned, with one line that says which it is and how it was found. */
export interface Program {
  file: string;
  env: Record<string, string>;
  route: string;
}

/** The user and group a child runs as. */
export interface Account {
  uid: number;
  gid: number;
}

/** True when this process runs as root, whom Postgres refuses to serve. */
export const isRoot = (): boolean => process.getuid?.() === 0;

/** The folders of `searchPath`, or of PATH. */
export function searchFolders(searchPath: string | undefined): string[] {
  return (searchPath ?? process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** Every executable file called `name` in `folders`, first found first. */
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

/** Is there anything at `path`? */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * The folder that outlives this run and this checkout. `fallback` is used where the user has no writable
 * home, as in many containers.
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
 * The account of `nobody`, for servers that refuse root.
 * @throws when the machine has no such user (Postgres wants its user to have a name).
 */
export async function findNobody(): Promise<Account> {
  const line = (await readFile('/etc/passwd', 'utf8')).match(/^nobody:[^:]*:(\d+):(\d+):/m);
  if (!line)
    throw new Error('Postgres refuses to run as root, and this machine has no user `nobody` to run it as.');
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

/** Can a user without rights of its own get to `path`? Every folder above it must be open to others, and itself. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** How one command is run: with what environment, as whom, where, and for how long at most. */
export interface CommandSetting {
  timeoutMs: number;
  env?: Record<string, string>;
  cwd?: string;
  account?: Account | undefined;
}

/**
 * Runs a command to its end and answers its standard output.
 * @throws Error with the command's own words when it fails or lasts longer than `timeoutMs`.
 */
export function runCommand(file: string, args: string[], setting: CommandSetting): Promise<string> {
  const { timeoutMs, env, cwd, account } = setting;
  return new Promise((resolve, reject) => {
    const finish = (error: ExecFileException | null, stdout: string, stderr: string) => {
      if (!error) return resolve(stdout);
      const cause = error.killed ? `did not finish within ${timeoutMs / 1000} s` : 'failed';
      const words = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n') || error.message;
      reject(new Error(`${file} ${cause}:\n${words}`, { cause: error }));
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
