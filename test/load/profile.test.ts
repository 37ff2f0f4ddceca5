/** The profiles: shares of the time that was busy, and counts of Lua that do not depend on the machine. */
import { describe, expect, test } from 'vitest';
import { roomOf, sharesOf } from '../../loadtest/profile/http.ts';
import { apart, functionName } from '../../loadtest/profile/lua.ts';
import { type Checkout, FULL, kinds } from '../../loadtest/profile/lua-batches.ts';
import { countLua, findLua, toLua } from '../../loadtest/profile/lua-count.ts';
import { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { loadProgram } from '../../src/hotpath/program.ts';

test('of Node, samples count within the window; idle time is apart; all shares add up to the busy time', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 6 });
  const nodes = ['(root)', '(idle)', 'send', 'writev'].map((name, i) => ({
    id: i + 1,
    callFrame: frame(name, name === 'send' ? 'node:net' : ''),
  }));
  const profile = {
    startTime: 1_000,
    nodes,
    samples: [3, 2, 3, 4, 4, 3],
    timeDeltas: [0, 5_000, 9_000, 1_000, 1_500, 500],
  };
  const { byRoom, byFunction, busyMs, idleMs } = sharesOf(profile, { fromUs: 6_000, toUs: 18_000 });
  expect({ busyMs, idleMs }).toEqual({ busyMs: 3, idleMs: 9 });
  expect([...byFunction]).toEqual([
    ['send (node:net:7)', 1],
    ['writev', 2],
  ]);
  expect([...byRoom.values()].reduce((a, b) => a + b)).toBe(busyMs);
});

test.each([
  ['dist/hotpath/batcher.js', 'take', 'src/hotpath'],
  ['node:_http_server', 'resOnFinish', 'node: http'],
  ['node:internal/streams/writable', 'end', 'node: sockets, streams, timers'],
  ['node_modules/fastify/lib/reply.js', 'send', 'fastify and its packages'],
  ['node_modules/ioredis/built/Redis.js', 'sendCommand', 'ioredis'],
  ['', 'validate10', 'validation'],
  ['', '(garbage collector)', 'garbage collection'],
  ['', 'writev', 'system calls, V8 itself'],
])('%s %s belongs to %s', (path, name, room) => {
  expect(roomOf(path, name)).toBe(room);
});

describe('the Lua program', () => {
  const { text } = loadProgram();
  const checkout: Checkout = { HotInventory, partitionKeys };

  test('a function has the name by which it is called', () => {
    const lines = ['local function reserve(command)', 'parsers["confirm"] = function(text)', 'return 1'];
    expect([0, 1, 2, 3].map((begins) => functionName(lines, begins))).toEqual([
      'the program itself',
      'reserve (line 1)',
      'parsers["confirm"] (line 2)',
      'function (line 3)',
    ]);
  });

  test('two batches separate what grows with the orders from what does not', () => {
    const sums = (value: number) => new Map([['x', value]]);
    const { perOrder, fixed } = apart(sums(100 + 3 * FULL), sums(103));
    expect([perOrder.get('x'), fixed.get('x')]).toEqual([3, 100]);
  });

  test('text reaches Lua unchanged', () => {
    expect(toLua({ a: ['"\\\n', 1] })).toBe('{["a"]={"\\034\\092\\010",1}}');
  });

  test('two runs count the same, and a program that refuses an order is not counted', async ({ skip }) => {
    if ((await findLua()) === undefined) skip('no Lua 5.1 here');
    const [reserve] = await kinds(2, checkout);
    if (!reserve) throw new Error('nothing to count');
    const count = () => countLua(text, [reserve.full, reserve.single]);
    const first = await count();
    expect(await count()).toEqual(first);
    const instructions = (name: string) =>
      (first.get(name) ?? []).reduce((sum, one) => sum + (one.kind === 'line' ? one.instructions : 0), 0);
    expect(instructions(reserve.full.name) - instructions(reserve.single.name)).toBeGreaterThan(FULL);
    await expect(countLua(text, [{ ...reserve.single, store: {} }])).rejects.toThrow('NOT_READY forgotten');
  });
});
