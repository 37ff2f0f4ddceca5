/** Counts of Lua instructions that do not depend on the machine. */
import { describe, expect, test } from 'vitest';
import { apart, functionName } from '../../loadtest/profile/lua.ts';
import { type Checkout, FULL, kinds } from '../../loadtest/profile/lua-batches.ts';
import { countLua, findLua, toLua } from '../../loadtest/profile/lua-count.ts';
import { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { loadProgram } from '../../src/hotpath/program.ts';

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
    const sorted = (counts: typeof first) =>
      [...counts].map(([name, all]) => [name, all.map((one) => JSON.stringify(one)).sort()]);
    expect(sorted(await count())).toEqual(sorted(first));
    const instructions = (name: string) =>
      (first.get(name) ?? []).reduce((sum, { kind, times }) => sum + (kind === 'function' ? times : 0), 0);
    expect(instructions(reserve.full.name) - instructions(reserve.single.name)).toBeGreaterThan(FULL);
    await expect(countLua(text, [{ ...reserve.single, store: {} }])).rejects.toThrow('NOT_READY forgotten');
  });
});
