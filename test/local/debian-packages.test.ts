/**
 * Programs brought from Debian packages without being installed. The packages and the source they come from
 * are made here, so that apt-get and dpkg do their real work and no network is asked.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { fetchDebianPackages } from '../../src/local/debian-packages.ts';
import { findPrograms, runCommand, searchFolders } from '../../src/local/machine.ts';
import { temporaryFolder } from './lifetime.ts';

vi.setConfig({ testTimeout: 120_000 });
afterEach(() => vi.unstubAllEnvs());

const programs = ['apt-get', 'dpkg', 'dpkg-deb'].map((name) => findPrograms(name, searchFolders(undefined)));
const isDebian = (await Promise.all(programs)).every((found) => found.length > 0);

/** A source of packages in `folder`, in which each has one file, and APT_CONFIG that knows no other source. */
async function makeSource(folder: string, packages: { name: string; depends?: string }[]): Promise<void> {
  const index: string[] = [];
  for (const { name, depends } of packages) {
    const tree = join(folder, name);
    await mkdir(join(tree, 'DEBIAN'), { recursive: true });
    await mkdir(join(tree, 'usr', 'share'), { recursive: true });
    await writeFile(join(tree, 'usr', 'share', name), `content of ${name}\n`);
    const control = [
      `Package: ${name}`,
      'Version: 1.0',
      'Architecture: all',
      'Maintainer: test <test@example.com>',
      'Description: made for a test',
      ...(depends ? [`Depends: ${depends}`] : []),
    ].join('\n');
    await writeFile(join(tree, 'DEBIAN', 'control'), `${control}\n`);
    const file = join(folder, `${name}.deb`);
    await runCommand('dpkg-deb', ['--root-owner-group', '--build', tree, file], { timeoutMs: 30_000 });
    const bytes = await readFile(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    index.push(`${control}\nFilename: ./${name}.deb\nSize: ${bytes.length}\nSHA256: ${sha256}\n`);
  }
  await writeFile(join(folder, 'Packages'), index.join('\n'));
  const list = join(folder, 'sources.list');
  // The second source cannot be reached, as one of a newcomer's machine may not be.
  await writeFile(list, `deb [trusted=yes] copy:${folder} ./\ndeb [trusted=yes] copy:${folder}/nowhere ./\n`);
  const config = join(folder, 'apt.conf');
  await writeFile(config, `Dir::Etc::sourcelist "${list}";\nDir::Etc::sourceparts "/dev/null";\n`);
  vi.stubEnv('APT_CONFIG', config);
}

test.runIf(isDebian)('a package comes with what it depends on, and nothing is installed', async () => {
  const folder = await temporaryFolder();
  await makeSource(folder, [
    { name: 'holdfast-probe', depends: 'holdfast-probe-library' },
    { name: 'holdfast-probe-library' },
  ]);
  const heard: string[] = [];
  const cacheFolder = join(folder, 'cache');
  const request = {
    name: 'probe',
    packages: ['holdfast-probe'],
    cacheFolder,
    log: (line: string) => heard.push(line),
  };
  const tree = await fetchDebianPackages(request);

  expect((await readdir(join(tree, 'usr/share'))).sort()).toEqual([
    'holdfast-probe',
    'holdfast-probe-library',
  ]);
  expect(heard).toEqual([`fetching probe from Debian packages into ${cacheFolder} ...`]);
  await expect(readFile('/usr/share/holdfast-probe')).rejects.toThrow('ENOENT');

  // Once more, as after an upgrade of the system: the new tree takes the place of the old one.
  await writeFile(join(tree, 'stale'), '');
  await fetchDebianPackages(request);
  expect(await readdir(tree)).not.toContain('stale');
  expect(await readdir(cacheFolder)).toEqual(['debian-probe']);
});

test.runIf(isDebian)('a package that is not to be had is an error in the words of apt-get', async () => {
  const folder = await temporaryFolder();
  await makeSource(folder, [{ name: 'holdfast-probe' }]);
  const cacheFolder = join(folder, 'cache');
  const request = { name: 'probe', packages: ['holdfast-no-such'], cacheFolder, log: () => undefined };
  await expect(fetchDebianPackages(request)).rejects.toThrow(/Unable to locate package holdfast-no-such/);
  expect(await readdir(cacheFolder)).toEqual([]);
});
