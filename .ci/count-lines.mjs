/**
 * `npm run lines [-- COMMIT ...]`: lines of code of src/ and lua/, without comments and blank lines, of the working tree
 * and of other commits. A line counts where anything but white space is left once comments are taken out.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const ROOMS = ['src', 'lua'];
const ENDINGS = /\.(ts|mjs|lua)$/;

/** A string, template or pattern stays; a comment goes. Tried in this order at every place of the text. */
const TYPESCRIPT =
  /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
const LUA = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|--\[\[[\s\S]*?\]\]|--[^\n]*/g;

function linesOfCode(name, text) {
  const comments = name.endsWith('.lua') ? LUA : TYPESCRIPT;
  const code = text.replace(comments, (_all, string) => string ?? '');
  return code.split('\n').filter((line) => line.trim() !== '').length;
}

/** [path, text] of every file in the working tree. */
function filesHere() {
  return ROOMS.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => ENDINGS.test(name))
      .map((name) => [`${room}/${name}`, readFileSync(join(root, room, name), 'utf8')]),
  );
}

function git(...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

/** The same of a commit. */
function filesAt(commit) {
  const names = git('ls-tree', '-r', '--name-only', commit, ...ROOMS).split('\n');
  return names.filter((name) => ENDINGS.test(name)).map((name) => [name, git('show', `${commit}:${name}`)]);
}

/** Lines by room: `lua`, `src/domain`, `src` for files beside the rooms, and all. */
function count(files) {
  const sums = new Map();
  for (const [path, text] of files) {
    const parts = path.split('/');
    const room = parts[0] === 'lua' ? 'lua' : parts.slice(0, parts.length > 2 ? 2 : 1).join('/');
    const lines = linesOfCode(path, text);
    for (const name of [room, 'all']) sums.set(name, (sums.get(name) ?? 0) + lines);
  }
  return sums;
}

const commits = process.argv.slice(2);
const counts = [['now', count(filesHere())], ...commits.map((commit) => [commit, count(filesAt(commit))])];
const rooms = [...new Set(counts.flatMap(([, sums]) => [...sums.keys()]))]
  .filter((name) => name !== 'all')
  .sort();
const cell = (text) => String(text).padStart(12);
console.log(`${'room'.padEnd(14)}${counts.map(([name]) => cell(name)).join('')}`);
for (const room of [...rooms, 'all']) {
  console.log(`${room.padEnd(14)}${counts.map(([, sums]) => cell(sums.get(room) ?? 0)).join('')}`);
}
