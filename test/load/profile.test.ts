/** The profiles: ways of calls folded, rooms, the picture, and counts of Lua that do not depend on the day. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { drawFlame } from '../../loadtest/profile/flame.ts';
import { apart, stacksOf } from '../../loadtest/profile/lua.ts';
import { FULL, kinds } from '../../loadtest/profile/lua-batches.ts';
import { countLua, hasLua, NO_LUA, toLua } from '../../loadtest/profile/lua-count.ts';
import { linesOf } from '../../loadtest/profile/lua-lines.ts';
import { roomOfFunction, stacksOfPerf } from '../../loadtest/profile/perf.ts';
import { roomOfScript } from '../../loadtest/profile/rooms.ts';
import { readSettings, USAGE } from '../../loadtest/profile/settings.ts';
import { byFunction, byRoom, fold, type Stack, weightOf } from '../../loadtest/profile/stacks.ts';
import { stacksOfV8 } from '../../loadtest/profile/v8.ts';
import { LUA_FILES, LUA_FOLDER, loadProgram } from '../../src/hotpath/program.ts';

const stack = (weight: number, ...names: string[]): Stack => ({
  weight,
  frames: names.map((name) => ({ name, room: name.slice(0, 1) })),
});

describe('ways of calls', () => {
  test('equal ones are one, and nothing is lost', () => {
    const stacks = fold([stack(1, 'a1', 'b1'), stack(2, 'a1', 'b1'), stack(4, 'a1')]);
    expect(stacks).toHaveLength(2);
    expect(weightOf(stacks)).toBe(7);
  });

  test('a function that calls itself is as wide as its outermost call', () => {
    const [first] = byFunction([stack(3, 'a1', 'b1', 'a1'), stack(2, 'b1')]);
    expect(first).toEqual({ name: 'a1', room: 'a', self: 3, whole: 3 });
    expect(byFunction([stack(3, 'a1', 'b1', 'a1'), stack(2, 'b1')])[1]).toMatchObject({ self: 2, whole: 5 });
  });

  test('a room has what was spent in itself', () => {
    expect(byRoom([stack(1, 'a1', 'b1'), stack(5, 'a2'), stack(2, 'b2')])).toEqual([
      { room: 'a', weight: 5 },
      { room: 'b', weight: 3 },
    ]);
  });
});

describe('the picture', () => {
  const flame = (stacks: readonly Stack[]) => drawFlame({ title: 'x < y', unit: 'ms', stacks });

  test('words cannot break out of it', () => {
    const svg = flame([{ weight: 1, frames: [{ name: '"<script>&', room: "r'>" }] }]);
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain("r'>");
    expect(svg).toContain('&#60;script&#62;&#38;');
    expect(svg).toContain('x &#60; y');
  });

  test('a box is as wide as its share, stands on its caller, and one too narrow to see is left out', () => {
    const svg = flame([stack(75, 'a1', 'b1'), stack(25, 'a2'), stack(0.001, 'a3')]);
    const box = (name: string) =>
      new RegExp(`<title>${name} .*?</title><rect x="([\\d.]+)" y="(\\d+)" width="([\\d.]+)"`).exec(svg);
    const [all, first, above, second] = ['all', 'a1', 'b1', 'a2'].map((name) =>
      box(name)?.slice(1).map(Number),
    );
    expect(first?.[2]).toBeCloseTo(0.75 * (all?.[2] ?? 0), 0);
    expect(above?.[2]).toBe(first?.[2]);
    expect(above?.[1]).toBeLessThan(first?.[1] ?? 0);
    expect(second?.[0]).toBeCloseTo((first?.[0] ?? 0) + (first?.[2] ?? 0), 0);
    expect(box('a3')).toBeNull();
  });

  test('nothing makes an empty one', () => {
    expect(flame([])).not.toMatch(/NaN|Infinity/);
  });
});

test('of Node, idle time is no work, and a native function has a room', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 6, columnNumber: 0 });
  const stacks = stacksOfV8({
    nodes: [
      { id: 1, callFrame: frame('(root)'), children: [2, 3] },
      { id: 2, callFrame: frame('(idle)') },
      { id: 3, callFrame: frame('send', 'node:net'), children: [4] },
      { id: 4, callFrame: frame('writev') },
    ],
    samples: [2, 3, 4, 4],
    timeDeltas: [9_000, 1_000, 1_500, 500],
  });
  expect(weightOf(stacks)).toBe(3);
  expect(byFunction(stacks).map(({ name, self }) => [name, self])).toEqual([
    ['writev', 2],
    ['send (node:net:7)', 1],
  ]);
});

test.each([
  ['src/hotpath/batcher.ts', 'take', 'src/hotpath'],
  ['node:_http_server', 'resOnFinish', 'node: http'],
  ['node:internal/streams/writable', 'end', 'node: net and streams'],
  ['fastify/lib/reply.js', 'send', 'fastify'],
  ['ioredis/built/Redis.js', 'sendCommand', 'ioredis'],
  ['', 'validate10', 'validation'],
  ['', '(garbage collector)', 'garbage collection'],
  ['loadtest/bench/callers.ts', 'run', 'load generator'],
  ['left-pad/index.js', 'pad', 'left-pad'],
])('%s %s belongs to %s', (path, name, room) => {
  expect(roomOfScript(path, name)).toBe(room);
});

test('of Redis, one thread counts, innermost first, and what has no name shares a room', () => {
  const script = `redis-server\n\t  1f memcpy (/lib/libc.so)\n\t  2f luaS_newlstr (/bin/redis)\n\t  3f main (/bin/redis)\n
redis-server\n\tffff tcp_sendmsg ([kernel.kallsyms])\n\tffff ksys_write ([kernel.kallsyms])\n\t 3f main (/bin/redis)\n
bio_aof\n\t  3f main (/bin/redis)\n`;
  const stacks = stacksOfPerf(script, 2, 'redis-server');
  expect(weightOf(stacks)).toBe(4);
  expect(stacks[0]?.frames.map(({ name }) => name)).toEqual(['main', 'luaS_newlstr', 'memcpy']);
  expect(byRoom(stacks).map(({ room }) => room)).toEqual(['Lua: strings (interning)', 'kernel: network']);
  expect(roomOfFunction('[unknown]', 'Lua: tables')).toBe('Lua: without names');
  expect(roomOfFunction('[unknown]', 'network')).toBe('network');
});

describe('what the program is made of', () => {
  const files = new Map(
    LUA_FILES.map((name) => [`${name}.lua`, readFileSync(new URL(`${name}.lua`, LUA_FOLDER), 'utf8')]),
  );
  const { text } = loadProgram();
  const lines = linesOf(text, files);

  test('a line of the joined program is found in its file', () => {
    const joined = text.split('\n');
    for (const [i, line] of joined.entries()) {
      const place = lines.placeOf(i + 1);
      const file = files.get(place.file);
      if (file !== undefined) expect(file.split('\n')[place.line - 1]).toBe(line);
    }
    for (const file of files.keys()) {
      expect(joined.some((_, i) => lines.placeOf(i + 1).file === file)).toBe(true);
    }
  });

  test('a function has the name it is called by', () => {
    const begins = text.split('\n').findIndex((line) => line.startsWith('local function reserve(')) + 1;
    expect(lines.frameOf(begins, begins)).toMatchObject({ room: 'reserve.lua' });
    expect(lines.frameOf(begins, begins).name).toMatch(/^reserve \(reserve\.lua:\d+\)$/);
    expect(lines.frameOf(0, text.split('\n').length - 1).room).toBe('batch.lua');
  });

  test('what grows with the orders stands apart from what does not', () => {
    const figure = (value: number) => new Map([['x', value]]);
    const { perOrder, fixed } = apart(figure(100 + 3 * FULL), figure(103));
    expect([perOrder.get('x'), fixed.get('x')]).toEqual([3, 100]);
  });

  test('texts come through as they are', () => {
    expect(toLua({ a: ['"\\\n', 1] })).toBe('{["a"]={"\\034\\092\\010",1}}');
  });

  test('two runs count the same', async ({ skip }) => {
    if (!(await hasLua())) skip(NO_LUA);
    const counted = async () => {
      const [reserve] = await kinds(2);
      if (!reserve) throw new Error('nothing to count');
      return countLua(text, [reserve.full, reserve.single]);
    };
    const [first, second] = [await counted(), await counted()];
    const [full, single] = [...first].map(([name, counts]) => weightOf(stacksOf(name, counts, lines)));
    expect([...second].map(([name, counts]) => weightOf(stacksOf(name, counts, lines)))).toEqual([
      full,
      single,
    ]);
    expect((full ?? 0) - (single ?? 0)).toBeGreaterThan(FULL);
  });

  test('a program that says no is not counted', async ({ skip }) => {
    if (!(await hasLua())) skip(NO_LUA);
    const [reserve] = await kinds(1);
    const scenario = { ...(reserve as NonNullable<typeof reserve>).single, store: {} };
    await expect(countLua(text, [scenario])).rejects.toThrow('NOT_READY forgotten');
  });
});

test('the command says what it can do', () => {
  expect(readSettings(['lua'])).toMatchObject({
    subject: 'lua',
    seconds: 10,
    out: '.holdfast/profile/lua.svg',
  });
  expect(readSettings(['engine', '--skus', '1000'])).toMatchObject({ skus: 1_000 });
  for (const wrong of [[], ['worker'], ['lua', '--seconds', '0'], ['http', '--fast'], ['http', 'lua']]) {
    expect(() => readSettings(wrong)).toThrow();
  }
  expect(USAGE).toContain('--skus');
});
