/**
 * Goal: what runs before a program never costs an installation: one without development packages, or without sources, is left
 * as it is, and new packages take the place of the old ones only when they are complete. Method: small installations in
 * folders of their own, and a registry that does not answer.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../local/lifetime.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
vi.setConfig({ testTimeout: 180_000 });

type Packages = Record<string, { version?: string; dev?: boolean; resolved?: string }>;

/** Packages as package-lock.json has them. */
const lockOf = (packages: Packages) =>
  JSON.stringify({ name: 'holdfast', version: '0.1.0', lockfileVersion: 3, requires: true, packages });
const packagesIn = (path: string) =>
  (JSON.parse(readFileSync(path, 'utf8')) as { packages: Packages }).packages;

/** Runs a command where no registry answers. */
function runOffline(folder: string, file: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(file, args, {
    cwd: folder,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      npm_config_registry: 'http://127.0.0.1:1/',
      npm_config_fetch_retries: '0',
      npm_config_cache: join(folder, 'cache'),
    },
  });
  return { status, said: `${stdout}${stderr}` };
}

/** The installation of this checkout as another one has it: the packages are those of `kept`. */
async function installation(kept: (name: string, isDev: boolean) => boolean): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'lua', 'dist'])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  mkdirSync(join(folder, 'src/programs'), { recursive: true });
  cpSync(join(ROOT, 'src/prepare.mjs'), join(folder, 'src/prepare.mjs'));
  const all = packagesIn(join(ROOT, 'package-lock.json'));
  const present = Object.entries(all).filter(
    ([path, { dev = false }]) => path !== '' && kept(path.replace('node_modules/', ''), dev),
  );
  mkdirSync(join(folder, 'node_modules'));
  writeFileSync(join(folder, 'node_modules/.package-lock.json'), lockOf(Object.fromEntries(present)));
  for (const [path] of present) {
    const isTop = path.lastIndexOf('node_modules/') === 0;
    if (!isTop || !existsSync(join(ROOT, path))) continue;
    mkdirSync(join(folder, path, '..'), { recursive: true });
    symlinkSync(join(ROOT, path), join(folder, path));
  }
  return folder;
}

test('without development packages npm run works on what is built, and node_modules stays', async () => {
  const folder = await installation((_, isDev) => !isDev);
  const before = readdirSync(join(folder, 'node_modules'));
  expect(before).toContain('fastify');
  expect(before).not.toContain('vitest');
  const { status, said } = runOffline(folder, 'npm', ['run', 'reconcile', '--', '--help']);
  expect(said).toContain('npm run reconcile -- [options]');
  expect(status).toBe(0);
  expect(readdirSync(join(folder, 'node_modules'))).toEqual(before);
});

test('in an image, without sources, npm run works on what is built', async () => {
  const folder = await installation((_, isDev) => !isDev);
  execFileSync('rm', ['-r', join(folder, 'src/programs')]);
  expect(runOffline(folder, 'npm', ['run', 'reconcile', '--', '--help']).status).toBe(0);
});

test('without development packages and without a build it says what to do', async () => {
  const folder = await installation((_, isDev) => !isDev);
  execFileSync('rm', ['-r', join(folder, 'dist')]);
  const { status, said } = runOffline(folder, 'node', ['src/prepare.mjs']);
  expect(status).toBe(1);
  expect(said).toContain('npm ci && npm run build');
  expect(said).not.toMatch(/^ {4}at /m);
});

test('an incomplete installation is left as it is where the registry does not answer', async () => {
  const folder = await installation((name) => name !== 'zod');
  const before = readdirSync(join(folder, 'node_modules'));
  const { status, said } = runOffline(folder, 'node', ['src/prepare.mjs']);
  expect(status).toBe(1);
  expect(said).toContain('Nothing was changed');
  expect(said).toContain('node dist/programs/');
  expect(said).not.toMatch(/^ {4}at /m);
  expect(readdirSync(join(folder, 'node_modules'))).toEqual(before);
  expect(readdirSync(folder).filter((name) => name.startsWith('.install-'))).toEqual([]);
});

test('where the new packages are complete they take the place of the old ones', async () => {
  const folder = await temporaryFolder();
  const archive = join(folder, 'dep.tgz');
  mkdirSync(join(folder, 'package'));
  writeFileSync(join(folder, 'package/package.json'), JSON.stringify({ name: 'dep', version: '2.0.0' }));
  execFileSync('tar', ['czf', archive, '-C', folder, 'package']);
  mkdirSync(join(folder, 'src/programs'), { recursive: true });
  cpSync(join(ROOT, 'src/prepare.mjs'), join(folder, 'src/prepare.mjs'));
  const manifest = {
    name: 'holdfast',
    version: '0.1.0',
    type: 'module',
    devDependencies: { dep: `file:${archive}` },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'tsconfig.json'), '{}');
  const dep = { version: '2.0.0', resolved: `file:${archive}`, dev: true };
  writeFileSync(join(folder, 'package-lock.json'), lockOf({ '': manifest, 'node_modules/dep': dep }));
  mkdirSync(join(folder, 'node_modules/dep'), { recursive: true });
  writeFileSync(
    join(folder, 'node_modules/.package-lock.json'),
    lockOf({ 'node_modules/dep': { ...dep, version: '1.0.0' } }),
  );
  // There is no compiler among the packages, so the build fails; what was installed stays.
  expect(runOffline(folder, 'node', ['src/prepare.mjs']).said).toContain('building (tsc)');
  expect(packagesIn(join(folder, 'node_modules/.package-lock.json'))['node_modules/dep']?.version).toBe(
    '2.0.0',
  );
  expect(existsSync(join(folder, 'node_modules/dep/package.json'))).toBe(true);
  expect(readdirSync(folder).filter((name) => name.startsWith('.install-'))).toEqual([]);
});
