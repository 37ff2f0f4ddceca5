/**
 * Goal: cut connections, lost answers, a refused backlog and a killed process leave no row undone and none done twice.
 * Method: a wire that fails on purpose in front of Redis; a process that is killed; then the sums.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ImportProgress } from '../../src/bulk/importing.ts';
import { openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { type TestHoldfast, testHoldfast, until } from '../holdfast.ts';
import { givenProxy } from '../hotpath/fault-proxy.ts';
import { builtProgram, testRedisUrl } from '../services.ts';
import { fileWith, importText, ledgerTotals, stockCsv, unitsOf } from './importer.ts';

let holdfast: TestHoldfast;
beforeEach(async () => {
  holdfast = await testHoldfast();
});
afterEach(() => holdfast.close());

const prefixOf = () => holdfast.keys.control.slice(0, holdfast.keys.control.indexOf('{'));

test('BR-006: connections that are cut before and after Redis ran a batch cost no row and double none', async () => {
  const proxy = await givenProxy();
  const hot = await openHotInventory({ redisUrl: proxy.url, prefix: prefixOf() });
  let calls = 0;
  let cuts = 0;
  proxy.fate = ({ commands }) => {
    if (commands.length === 0 || ++calls % 3 !== 0) return 'pass';
    return ++cuts % 2 === 0 ? 'cut-before' : 'cut-after';
  };
  const rows = 1_500;
  const result = await importText(holdfast, stockCsv(rows, 100), { hot });
  await hot.close();
  expect(result.end).toBe('complete');
  const { done, replayed, refused, invalid } = result.outcomes.counts;
  expect({ all: done + replayed, refused, invalid }).toEqual({ all: rows, refused: 0, invalid: 0 });
  expect(cuts).toBeGreaterThan(3);
  expect(replayed).toBeGreaterThan(0); // answers were lost, and the rows were there
  expect(await ledgerTotals(holdfast)).toEqual({ items: rows, units: unitsOf(rows) });
  expect((await holdfast.audit()).verdict).toBe('agree');
});

test('a Redis that stays away ends the import in its time, with the account so far; the next run does the rest', async () => {
  const proxy = await givenProxy();
  const hot = await openHotInventory({ redisUrl: proxy.url, prefix: prefixOf() });
  const text = stockCsv(3_000, 100);
  let calls = 0;
  proxy.fate = ({ commands }) => (commands.length > 0 && ++calls > 5 ? 'cut-before' : 'pass');
  const result = await importText(holdfast, text, { hot, giveUpAfterMs: 500 });
  await hot.close();
  expect(result.end).toBe('failed');
  expect(String(result.error)).toMatch(/no progress for \d+ s/);
  const before = result.outcomes.counts.done;
  expect(before).toBeGreaterThan(0);
  const again = await importText(holdfast, text);
  expect(again.outcomes.counts.replayed).toBeGreaterThanOrEqual(before);
  expect(again.outcomes.counts.done + again.outcomes.counts.replayed).toBe(3_000);
  expect(await ledgerTotals(holdfast)).toEqual({ items: 3_000, units: unitsOf(3_000) });
});

test('D13: rows refused with ledger-backlog wait until the ledger has caught up', async () => {
  await holdfast.stopWorker();
  const limits = { backlogEventsMax: 1_000 };
  const engine = { redisUrl: testRedisUrl(), prefix: prefixOf(), keepsAcknowledgements: true };
  const hot = await openHotInventory({ ...engine, limits });
  const progress: ImportProgress = { outcomes: undefined, retry: undefined, ledgerBehind: undefined };
  // The import believes in a higher limit than the engine, as beside sales that use the backlog up.
  const result = importText(holdfast, stockCsv(2_000, 100), { hot, progress });
  await until(() => /ledger-backlog/.test(progress.retry?.trouble ?? ''));
  await holdfast.startWorker();
  expect(await result).toMatchObject({ end: 'complete', outcomes: { counts: { done: 2_000 } } });
  await hot.close();
  expect(await ledgerTotals(holdfast)).toEqual({ items: 2_000, units: unitsOf(2_000) });
});

test('BR-006: a process that is killed in the middle and run again has done every row once', async () => {
  const rows = 5_000;
  const path = await fileWith(stockCsv(rows, 100));
  const run = () =>
    spawn(process.execPath, [builtProgram('import'), 'stock', path, '--json'], {
      env: {
        PATH: process.env.PATH ?? '',
        REDIS_URL: testRedisUrl(),
        DATABASE_URL: holdfast.databaseUrl,
        HOLDFAST_PREFIX: prefixOf(),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const killed = run();
  await until(async () => (await holdfast.hot.sweep(0)).sequence > 3);
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  const again = run();
  let said = '';
  again.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(again, 'close');
  expect(code).toBe(0);
  const account = JSON.parse(said) as Record<string, number>;
  expect(account.replayed).toBeGreaterThan(0);
  expect(account.done).toBeGreaterThan(0);
  expect((account.done ?? 0) + (account.replayed ?? 0)).toBe(rows);
  expect(await ledgerTotals(holdfast)).toEqual({ items: rows, units: unitsOf(rows) });
  expect((await holdfast.audit()).verdict).toBe('agree');
});
