/**
 * The text that Redis runs, as a review sees it change, and the room that is left in it. Update the golden files with:
 * `npx vitest run --config test/vitest.config.ts test/golden -u`
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRedis } from '../../src/hotpath/connection.ts';
import { loadProgram } from '../../src/hotpath/program.ts';
import { testRedisUrl } from '../services.ts';

const { text } = loadProgram();

describe('golden files', () => {
  test('the program is test/golden/program.lua; if the change is meant, run vitest with test/golden -u', async () => {
    await expect(text).toMatchFileSnapshot('program.lua');
  });

  test('its other forms differ from it in the lines of test/golden/variants.txt', async () => {
    const variants = {
      'out of memory': loadProgram().withoutMemory.text,
      'with MSETEX': loadProgram({ msetex: true }).text,
      'with MSETEX, out of memory': loadProgram({ msetex: true }).withoutMemory.text,
      'without fast paths, in tests': loadProgram({ fastPaths: false }).text,
    };
    const lines = text.split('\n');
    const differences = Object.entries(variants).flatMap(([name, variant]) => {
      const others = variant.split('\n');
      expect(others).toHaveLength(lines.length);
      return [`${name}:`, ...others.filter((line, i) => line !== lines[i]).map((line) => `  ${line}`)];
    });
    await expect(`${differences.join('\n')}\n`).toMatchFileSnapshot('variants.txt');
  });
});

describe("Lua's limits of 200 locals and 60 outer variables of a function leave room", () => {
  const redis = connectRedis(testRedisUrl());
  beforeAll(() => redis.connect());
  afterAll(() => redis.disconnect());
  const names = (count: number) => Array.from({ length: count }, (_, i) => `room_${i}`).join(', ');
  const compiles = (program: string): Promise<boolean> =>
    redis.script('LOAD', program).then(
      () => true,
      (error: Error) => {
        expect(error.message).toMatch(/more than (200 local|60 upvalues)/);
        return false;
      },
    );

  test('for 60 more locals of the program, beside all that it has at its end', async () => {
    const locals = (count: number) =>
      text.replace(/return answers\n$/, `local ${names(count)}\nreturn answers\n`);
    expect(await compiles(locals(60))).toBe(true);
    expect(await compiles(locals(200))).toBe(false);
  });

  test('for 10 more names that files loaded on first use take from outside', async () => {
    const outer = (count: number) =>
      text.replace(
        'load_group = function(group)\n',
        `local ${names(count)}\nload_group = function(group)\nlocal _ = { ${names(count)} }\n`,
      );
    expect(await compiles(outer(10))).toBe(true);
    expect(await compiles(outer(60))).toBe(false);
  });
});
