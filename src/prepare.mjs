/**
 * Makes a fresh clone ready to run: installs packages, builds TypeScript, and with `--test` fetches the Lua linter.
 * Promises: one line for each step that takes time, the full output where a step fails; quick and silent where nothing is
 * to be done. Plain JavaScript without dependencies, because it installs them.
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
  // Engine warnings and notices of scripts do not concern a first-time user; errors stay.
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
 * Whether every package of package-lock.json is installed in its version. npm writes node_modules/.package-lock.json at
 * the end of an installation, so this is also true after `npm install` by hand, and false after an aborted one. File times
 * do not count: git changes them.
 */
function isInstalled() {
  const wanted = packagesOf('package-lock.json');
  const present = packagesOf('node_modules/.package-lock.json');
  // A missing optional package is one for another platform.
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

/** Runs the compiler where any source differs from the last build by path, time or size. */
function build() {
  const stamp = join(root, 'dist', '.built');
  const now = ['package-lock.json', 'tsconfig.json', ...sources('src')].map((path) => {
    const { mtimeMs, size } = statSync(join(root, path));
    return `${path} ${mtimeMs} ${size}`;
  });
  const before = readIfThere(stamp).split('\n');
  if (before.join('\n') === now.join('\n')) return;

  // The compiler never deletes: the output of a removed source could still be imported.
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

/** Runs one command; its output is shown only where it fails. */
function step(title, [file, ...args], timeout) {
  console.log(`${title} ...`);
  const done = spawnSync(file, args, { cwd: root, timeout, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (done.status === 0) return;
  const cause =
    done.error?.code === 'ETIMEDOUT' ? `did not finish within ${timeout / 60_000} minutes` : 'failed';
  fail(`${title} ${cause}:\n${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`);
}

function fail(message) {
  console.error(message.trimEnd());
  process.exit(1);
}
