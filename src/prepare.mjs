/**
 * Makes a clone ready to run: installs packages, builds TypeScript, and with `--test` fetches the Lua linter.
 * Promises: one line for each step that takes time, the full output where a step fails; quick and silent where nothing is
 * to be done. It never touches an installation without development packages, nor one without sources, and never leaves
 * node_modules in part: new packages are installed beside it and take its place when they are complete. Plain JavaScript without
 * dependencies, because it installs them.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MIN = [20, 19];
const INSTALL_MAX_MS = 15 * 60_000;
const BUILD_MAX_MS = 5 * 60_000;
/** Where packages are installed before they take the place of the others; followed by the process that does it. */
const STAGING = '.install-';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const hasBuilt = existsSync(join(root, 'dist', 'programs'));

/** What went wrong, in words for whoever called. */
class Unprepared extends Error {}

try {
  await prepare();
} catch (error) {
  if (!(error instanceof Unprepared)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function prepare() {
  checkNode();
  if (!existsSync(join(root, 'src', 'programs'))) {
    if (!hasBuilt)
      throw new Unprepared(`There is nothing to run in ${root}: neither src/programs/ nor dist/.`);
    return;
  }
  if (isProduction()) {
    if (hasBuilt) return;
    throw new Unprepared(
      `${root} has no development packages, so nothing can be built here, and dist/ is not there.\n` +
        'Build it where they are (npm ci && npm run build) and copy dist/ here, or install them here: npm ci',
    );
  }
  if (!isInstalled()) install();
  build();
  if (process.argv.includes('--test')) {
    const { findLuacheck } = await import('../.ci/lint-lua.mjs');
    await findLuacheck(console.log);
  }
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [majorMin = 0, minorMin = 0] = NODE_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  throw new Unprepared(
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

/** Whether packages were installed with `--omit=dev`: some are there, and none for development. */
function isProduction() {
  const present = Object.keys(packagesOf('node_modules/.package-lock.json'));
  const wanted = packagesOf('package-lock.json');
  const isDev = (path) => wanted[path]?.dev === true;
  return present.length > 0 && !present.some(isDev) && Object.keys(wanted).some(isDev);
}

/** `npm ci` empties node_modules before it asks the registry, so it works in a folder of its own. */
function install() {
  for (const name of readdirSync(root)) {
    const pid = name.startsWith(STAGING) ? Number(name.slice(STAGING.length)) : Number.NaN;
    if (Number.isInteger(pid) && !isRunning(pid)) rmSync(join(root, name), { recursive: true });
  }
  const staging = join(root, `${STAGING}${process.pid}`);
  mkdirSync(staging);
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    if (existsSync(join(root, name))) copyFileSync(join(root, name), join(staging, name));
  // Engine warnings and notices of scripts do not concern a first-time user; errors stay.
  const settings = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const advice = hasBuilt
    ? 'What was built last can be run as it is: node dist/programs/<name>.js'
    : 'Run it again when the registry answers.';
  try {
    step('installing packages (npm ci)', [...npm, 'ci', ...settings], INSTALL_MAX_MS, {
      folder: staging,
      advice: `Nothing was changed in ${join(root, 'node_modules')}. ${advice}`,
    });
    replace(join(root, 'node_modules'), join(staging, 'node_modules'), join(staging, 'replaced'));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Puts one folder in the place of another; where that fails, the other one is back. */
function replace(place, by, aside) {
  const isThere = existsSync(place);
  if (isThere) renameSync(place, aside);
  try {
    renameSync(by, place);
  } catch (error) {
    if (isThere) renameSync(aside, place);
    throw error;
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
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
function step(title, [file, ...args], timeout, { folder = root, advice = '' } = {}) {
  console.log(`${title} ...`);
  const maxBuffer = 64 * 1024 * 1024;
  const done = spawnSync(file, args, { cwd: folder, timeout, encoding: 'utf8', maxBuffer });
  if (done.status === 0) return;
  const cause =
    done.error?.code === 'ETIMEDOUT' ? `did not finish within ${timeout / 60_000} minutes` : 'failed';
  const output = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`.trimEnd();
  throw new Unprepared(`${title} ${cause}:\n${output}\n${advice}`.trimEnd());
}
