/**
 * Downloads programs from Debian packages without installing them: apt-get resolves and downloads, dpkg unpacks into the
 * cache folder. Works for any user, changes nothing on the system, never starts or enables a service.
 * Knows nothing of what is in the packages.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, findPrograms, runCommand, type Search, searchFolders } from './machine.ts';

const UPDATE_MAX_MS = 120_000;
const DOWNLOAD_MAX_MS = 300_000;
const UNPACK_MAX_MS = 60_000;

/** Which packages to download, and where to. */
export interface PackageRequest extends Search {
  /** Name of the folder in the cache, also shown in the log line. */
  name: string;
  packages: string[];
  cacheFolder: string;
  log: (line: string) => void;
}

/** The folder where {@link fetchDebianPackages} unpacks to. */
export const unpackedFolder = (request: Pick<PackageRequest, 'name' | 'cacheFolder'>): string =>
  join(request.cacheFolder, `debian-${request.name}`);

/**
 * Downloads the packages with every dependency that this system lacks, and unpacks them into one folder, which replaces
 * an earlier one atomically.
 * @returns the folder
 * @throws where apt-get or dpkg is missing, the network is down, or a time limit passes; the message says which
 */
export async function fetchDebianPackages(request: PackageRequest): Promise<string> {
  const folders = searchFolders(request.searchPath);
  const [aptGet] = await findPrograms('apt-get', folders);
  const [dpkg] = await findPrograms('dpkg', folders);
  if (!aptGet || !dpkg) throw new Error('this system has no apt-get');

  request.log(`fetching ${request.name} from Debian packages into ${request.cacheFolder} ...`);
  await mkdir(request.cacheFolder, { recursive: true });
  const work = await mkdtemp(join(request.cacheFolder, 'fetching-'));
  try {
    const archives = await download(aptGet, request.packages, work);
    const tree = join(work, 'tree');
    await mkdir(tree);
    for (const archive of archives)
      await runCommand(dpkg, ['-x', archive, tree], { timeoutMs: UNPACK_MAX_MS });
    const target = unpackedFolder(request);
    await rename(target, join(work, 'replaced')).catch(() => undefined);
    // Another process may have downloaded the same in the meantime; its folder is as good as ours.
    await rename(tree, target).catch(async (error) => {
      if (!(await exists(target))) throw error;
    });
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Runs apt-get with private lists and archives, so that it needs no privileges, but with the system's list of installed
 * packages, so that it downloads only what is missing.
 * @returns paths of the downloaded files
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
    // As root, apt would download as a user that cannot write here.
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    // Without it an unreachable source is no error, and nothing would explain the failure that follows.
    'APT::Update::Error-Mode=any',
    'Acquire::Retries=2',
    'Acquire::http::Timeout=20',
  ].flatMap((setting) => ['-o', setting]);

  // An unreachable source must not fail the download when the other sources have the packages.
  const updateFailure = await runCommand(aptGet, ['-q', ...settings, 'update'], {
    timeoutMs: UPDATE_MAX_MS,
  }).then(
    () => '',
    (error: Error) => `\n${error.message}`,
  );
  // --reinstall also downloads what is installed but not usable (another version, not on the search path).
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

/** LD_LIBRARY_PATH for programs of an unpacked folder: Debian has a library folder for each architecture. */
export async function libraryPath(tree: string): Promise<string> {
  const found: string[] = [];
  for (const folder of ['usr/lib', 'lib']) {
    const names = await readdir(join(tree, folder)).catch(() => []);
    found.push(...names.filter((name) => name.includes('-linux-')).map((name) => join(tree, folder, name)));
  }
  return found.join(':');
}
