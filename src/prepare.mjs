/**
 * Makes a fresh clone ready to run: packages installed, TypeScript built, and with `--test` the Lua linter at
 * hand. Promises one line for each step that takes time, the whole story when a step fails, and silence and
 * haste when nothing is to be done. Plain JavaScript without dependencies: it is what brings those.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MIN = [20, 19];
const INSTALL_MAX_MS = 15 * 60_000;
const BUILD_MAX_MS = 5 * 60_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

checkNode();
if (!isInstalled()) {
  // Engine warnings and notices of scripts concern us, not who just wants to see it run; errors stay.
  const settings = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  step('installing packages (npm ci)', [...npm, 'ci', ...settings], INSTALL_MAX_MS);
}
build();
if (process.argv.includes('--test')) {
  const { findLuacheck } = await import('../.ci/lint-lua.mjs');
  await findLuacheck(console.log);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [majorMin = 0, minorMin = 0] = NODE_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  fail(
    `Holdfast needs Node ${NODE_MIN.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).`,
  );
}

/**
 * Is every package of package-lock.json there in its version? npm writes what it installed into
 * node_modules/.package-lock.json when it is through, so this is true of `npm install` by hand as well and
 * false of an installation that was broken off; file times, which git changes at will, are not asked.
 */
function isInstalled() {
  const wanted = packagesOf('package-lock.json');
  const present = packagesOf('node_modules/.package-lock.json');
  // Optional ones are for other platforms when they are missing.
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' || (present[path] ? present[path].version === entry.version : entry.optional),
  );
}

function packagesOf(lock) {
  try {
    return JSON.parse(readFileSync(join(root, lock), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

/** Runs the compiler when any source differs from what was built last, by path, time and size. */
function build() {
  const stamp = join(root, 'dist', '.built');
  const now = ['package-lock.json', 'tsconfig.json', ...sources('src')].map((path) => {
    const { mtimeMs, size } = statSync(join(root, path));
    return `${path} ${mtimeMs} ${size}`;
  });
  const before = readIfThere(stamp).split('\n');
  if (before.join('\n') === now.join('\n')) return;

  // The compiler never deletes: what a removed source left behind would still be imported.
  const names = new Set(now.map((line) => line.split(' ')[0]));
  const gone = before.some((line) => line !== '' && !names.has(line.split(' ')[0]));
  if (gone) rmSync(join(root, 'dist'), { recursive: true, force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  step(
    'building (tsc)',
    [process.execPath, compiler, '-p', 'tsconfig.json', '--noEmitOnError'],
    BUILD_MAX_MS,
  );
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, now.join('\n'));
}

function sources(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Runs one command quietly; all it said is shown only when it fails. */
function step(title, [file, ...args], timeout) {
  console.log(`${title} ...`);
  const done = spawnSync(file, args, { cwd: root, timeout, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (done.status === 0) return;
  const cause =
    done.error?.code === 'ETIMEDOUT' ? `did not finish within ${timeout / 60_000} minutes` : 'failed';
  fail(`${title} ${cause}:\n${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`);
}

function fail(words) {
  console.error(words.trimEnd());
  process.exit(1);
}
