/**
 * Brings programs from the distribution's packages without installing them: resolved and downloaded by
 * apt-get, unpacked by dpkg into a folder of ours. Works for any user, changes nothing of the system, and so
 * can never start or enable a service. Knows nothing of what is in the packages.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, findPrograms, runCommand, type Search, searchFolders } from './machine.ts';

const UPDATE_MAX_MS = 120_000;
const DOWNLOAD_MAX_MS = 300_000;
const UNPACK_MAX_MS = 60_000;

/** Which packages, and where they go. */
export interface PackageWish extends Search {
  /** Names the folder in the cache and the line that is logged. */
  name: string;
  packages: string[];
  cacheFolder: string;
  log: (line: string) => void;
}

/** Where `fetchDebianPackages` puts, or has put, what was wished for. */
export const unpackedFolder = (wish: Pick<PackageWish, 'name' | 'cacheFolder'>): string =>
  join(wish.cacheFolder, `debian-${wish.name}`);

/**
 * Downloads the packages with every dependency that this system lacks, and unpacks them into one tree, which
 * replaces an earlier one in a single step.
 * @throws when apt-get or dpkg is missing, the network is away, or a time limit passes; says which.
 */
export async function fetchDebianPackages(wish: PackageWish): Promise<string> {
  const folders = searchFolders(wish.searchPath);
  const [aptGet] = await findPrograms('apt-get', folders);
  const [dpkg] = await findPrograms('dpkg', folders);
  if (!aptGet || !dpkg) throw new Error('this system has no apt-get');

  wish.log(`fetching ${wish.name} from Debian packages into ${wish.cacheFolder} ...`);
  await mkdir(wish.cacheFolder, { recursive: true });
  const work = await mkdtemp(join(wish.cacheFolder, 'fetching-'));
  try {
    const archives = await download(aptGet, wish.packages, work);
    const tree = join(work, 'tree');
    await mkdir(tree);
    for (const archive of archives)
      await runCommand(dpkg, ['-x', archive, tree], { timeoutMs: UNPACK_MAX_MS });
    const target = unpackedFolder(wish);
    await rename(target, join(work, 'replaced')).catch(() => undefined);
    // Another process may have fetched the same meanwhile; then its tree stands, and it is as good as ours.
    await rename(tree, target).catch(async (error) => {
      if (!(await exists(target))) throw error;
    });
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * apt-get with lists and archives of its own, so that it needs no rights, but with the system's list of
 * installed packages, so that it resolves exactly what is missing here. Answers the downloaded files.
 */
async function download(aptGet: string, packages: string[], work: string): Promise<string[]> {
  const archives = join(work, 'archives');
  await mkdir(join(work, 'lists', 'partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  const settings = [
    `Dir::State=${work}`,
    `Dir::State::status=/var/lib/dpkg/status`,
    `Dir::Cache=${work}`,
    `Dir::Cache::archives=${archives}`,
    'Debug::NoLocking=1',
    // As root, apt would download as a user who cannot write here.
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    // Else a source that could not be reached is no failure, and nothing would be there to explain the next one.
    'APT::Update::Error-Mode=any',
    'Acquire::Retries=2',
    'Acquire::http::Timeout=20',
  ].flatMap((setting) => ['-o', setting]);

  // A source that cannot be reached must not be in the way when the others have what is wished for.
  const updateFailure = await runCommand(aptGet, ['-q', ...settings, 'update'], {
    timeoutMs: UPDATE_MAX_MS,
  }).then(
    () => '',
    (error: Error) => `\n${error.message}`,
  );
  // --reinstall: what is installed but not usable (another version, not on the search path) is fetched too.
  const install = ['install', '--yes', '--download-only', '--reinstall', '--no-install-recommends'];
  await runCommand(aptGet, ['-q', ...settings, ...install, ...packages], {
    timeoutMs: DOWNLOAD_MAX_MS,
  }).catch((error: Error) => {
    throw new Error(`${error.message}${updateFailure}`, { cause: error });
  });
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  if (names.length === 0)
    throw new Error(`apt-get downloaded nothing for ${packages.join(' ')}${updateFailure}`);
  return names.map((name) => join(archives, name));
}

/** LD_LIBRARY_PATH for programs of an unpacked tree: Debian keeps libraries in a folder for each architecture. */
export async function libraryPath(tree: string): Promise<string> {
  const found: string[] = [];
  for (const folder of ['usr/lib', 'lib']) {
    const names = await readdir(join(tree, folder)).catch(() => []);
    found.push(...names.filter((name) => name.includes('-linux-')).map((name) => join(tree, folder, name)));
  }
  return found.join(':');
}
