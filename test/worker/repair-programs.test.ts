/**
 * Goal: `npm run quarantine` and `npm run import-from-redis` as a person meets them: exit codes and words, of real processes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestHoldfast, testHoldfast } from '../holdfast.ts';
import { builtProgram, testRedisUrl } from '../services.ts';

let holdfast: TestHoldfast;
beforeAll(async () => {
  holdfast = await testHoldfast();
  await holdfast.hot.receive({ movementId: 'stock', sku: 'TEA', warehouse: 'TPE', quantity: 10 });
  await holdfast.working().writeBehind.drained();
});
afterAll(() => holdfast?.close());

async function run(program: 'quarantine' | 'import-from-redis', ...args: readonly string[]) {
  const { control } = holdfast.keys;
  const child = spawn(process.execPath, [builtProgram(program), ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      REDIS_URL: testRedisUrl(),
      DATABASE_URL: holdfast.databaseUrl,
      HOLDFAST_PREFIX: control.slice(0, control.indexOf('{')),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  return { code: code as number | null, out, err };
}

/** Six processes one after the other, on a busy machine. */
const PROCESSES_MS_MAX = 240_000;
const WORD = ['--actor', 'ann', '--reason', 'a test'];

describe('quarantine', () => {
  test(
    'closes an item, lists it, shows it, lifts it, and refuses it then',
    async () => {
      expect(await run('quarantine')).toMatchObject({ code: 0, out: 'no item is in quarantine\n' });
      expect(await run('quarantine', 'close', 'TEA', 'TPE', ...WORD)).toMatchObject({ code: 0, err: '' });
      const list = await run('quarantine', 'list', '--json');
      expect(JSON.parse(list.out)).toMatchObject([{ sku: 'TEA', warehouse: 'TPE', kind: 'closed-by-hand' }]);
      const shown = await run('quarantine', 'show', 'TEA', 'TPE');
      expect(shown.out).toContain('closed-by-hand: a test (ann)');
      expect(shown.out).toMatch(/^available +10 +10$/m);
      const lifted = await run('quarantine', 'lift', 'TEA', 'TPE', ...WORD);
      expect(lifted).toMatchObject({ code: 0, err: '' });
      expect(lifted.out).toContain('lifted: total 10 = 10 available + 0 reserved + 0 sold');
      const again = await run('quarantine', 'lift', 'TEA', 'TPE', ...WORD);
      expect(again).toMatchObject({
        code: 1,
        out: expect.stringContaining('REFUSED: TEA@TPE is not in quarantine'),
      });
    },
    PROCESSES_MS_MAX,
  );

  test.each([
    [['lift', 'TEA', 'TPE', '--actor', 'ann'], '--reason is missing'],
    [['lift', 'TEA', 'TPE', '--reason', 'x'], '--actor is missing'],
    [['lift', 'TEA', 'TPE', '--total', '5', ...WORD], 'name a side as well'],
    [['lift', 'TEA', 'TPE', '--to-ledger', '--to-hot-path', ...WORD], 'name one side'],
    [['lift', 'TEA'], 'npm run quarantine -- list'],
    [['list', '--colour'], 'npm run quarantine -- list'],
  ])('%j is a wrong call, which changes nothing and says what is missing', async (args, says) => {
    expect(await run('quarantine', ...args)).toMatchObject({ code: 2, err: expect.stringContaining(says) });
  });
});

describe('import-from-redis', () => {
  test('refuses where the worker can follow, and asks for a word', async () => {
    expect(await run('import-from-redis', ...WORD)).toMatchObject({
      code: 1,
      out: expect.stringContaining('REFUSED: the ledger can follow Redis'),
    });
    expect(await run('import-from-redis', '--actor', 'ann')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--reason is missing'),
    });
  });
});
