/**
 * Runs luacheck on lua/. It is found on PATH, or brought from Debian packages into the cache without being
 * installed. Where neither is possible it says that the Lua lint is skipped and why, and lets the rest go on.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const CHECK_MAX_MS = 60_000;

/**
 * How to run luacheck on this machine: a program with its first arguments and environment; undefined, after
 * a line to `log`, when there is no way. Needs a build: the packages are fetched by src/local.
 */
export async function findLuacheck(log) {
  const { fetchDebianPackages, libraryPath, unpackedFolder } = await import(
    '../dist/local/debian-packages.js'
  );
  const { findCacheFolder, findPrograms, searchFolders } = await import('../dist/local/machine.js');
  const [installed] = await findPrograms('luacheck', searchFolders(undefined));
  if (installed) return { file: installed, args: [], env: {} };

  const cacheFolder = await findCacheFolder({}, '.holdfast');
  const packages = ['lua-check', 'lua-argparse', 'lua-filesystem', 'lua5.1'];
  const request = { name: 'luacheck', packages, cacheFolder, log };
  const inTree = async (tree) => {
    const libraries = (await libraryPath(tree)).split(':');
    return {
      file: join(tree, 'usr/bin/lua5.1'),
      args: [join(tree, 'usr/bin/luacheck')],
      env: {
        LUA_PATH: `${tree}/usr/share/lua/5.1/?.lua;${tree}/usr/share/lua/5.1/?/init.lua`,
        LUA_CPATH: libraries.map((folder) => `${folder}/lua/5.1/?.so`).join(';'),
        LD_LIBRARY_PATH: libraries.join(':'),
      },
    };
  };
  try {
    const kept = await inTree(unpackedFolder(request));
    if (run(kept, ['--version'], 'ignore').status === 0) return kept;
    const fetched = await inTree(await fetchDebianPackages(request));
    if (run(fetched, ['--version'], 'ignore').status === 0) return fetched;
    throw new Error('what was fetched does not run');
  } catch (error) {
    log(`Lua lint is skipped: no luacheck on PATH, and ${error.message}`);
    return undefined;
  }
}

function run({ file, args, env }, more, stdio, input) {
  const setting = { stdio, input, encoding: 'utf8', timeout: CHECK_MAX_MS, env: { ...process.env, ...env } };
  return spawnSync(file, [...args, ...more], setting);
}

/**
 * Redis runs the files of lua/ as one program, joined by src/hotpath/program.ts, and a file alone is full of
 * names it does not define. So the joined text is checked, and findings name the file and line they are in.
 */
async function lint(luacheck) {
  const { LUA_FILES, loadProgram } = await import('../dist/hotpath/program.js');
  const { text } = loadProgram();
  const origin = [];
  for (const name of LUA_FILES) {
    const file = readFileSync(`lua/${name}.lua`, 'utf8');
    const linesBefore = text.slice(0, text.indexOf(file)).split('\n').length;
    for (const line of file.split('\n').keys()) origin[linesBefore + line] = `lua/${name}.lua:${line + 1}`;
  }
  const check = ['--formatter', 'plain', '--codes', '-'];
  const done = run(luacheck, check, ['pipe', 'pipe', 'inherit'], text);
  const found = done.stdout.replace(/^stdin:(\d+)/gm, (_, line) => origin[line] ?? `program:${line}`);
  process.stdout.write(found);
  // The rest are scripts of their own.
  const alone = readdirSync('lua').filter(
    (file) => file.endsWith('.lua') && !LUA_FILES.includes(file.slice(0, -4)),
  );
  const others = run(
    luacheck,
    ['--formatter', 'plain', '--codes', ...alone.map((file) => `lua/${file}`)],
    'inherit',
  );
  return (done.status ?? 1) || (others.status ?? 1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.chdir(fileURLToPath(new URL('..', import.meta.url)));
  const luacheck = await findLuacheck(console.log);
  if (luacheck) process.exitCode = await lint(luacheck);
}
