/**
 * The rights of ops/redis-acl.conf are enough: every command of the engine, the worker with its audit, rebuild, import, sale,
 * export and reconcile run under them, and Redis denies none of their calls. They are also the least: without one of them
 * an engine does not open, or a program fails.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { type Decision, MOVEMENT_KINDS } from '../../src/domain/language.ts';
import { type HotInventory, openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { type Working, work } from '../../src/programs/work.ts';
import { outcome } from '../domain/sentences.ts';
import { until } from '../holdfast.ts';
import { endRedisServers, linkTo, type OwnRedis, ownFolder, ownRedis } from '../servers/own-redis.ts';
import { ledgerDatabase } from '../services.ts';
import { runProgram } from './run-program.ts';

const ACL = new URL('../../ops/redis-acl.conf', import.meta.url);

let server: OwnRedis;
let database: Awaited<ReturnType<typeof ledgerDatabase>>;
let admin: Awaited<ReturnType<typeof linkTo>>;
let env: Record<string, string>;
let working: Working;
let hot: HotInventory;
const urlAs = (user: string): string => server.url.replace('//', `//${user}:hush@`);

beforeAll(async () => {
  const acl = join(await ownFolder(), 'acl.conf');
  await writeFile(acl, (await readFile(ACL, 'utf8')).replaceAll('CHANGE-ME', 'hush'));
  server = await ownRedis([`include ${acl}`]);
  database = await ledgerDatabase();
  admin = await linkTo(server.url);
  env = { REDIS_URL: urlAs('holdfast'), DATABASE_URL: database.url, LOG_LEVEL: 'silent' };
  const config = readConfig(env, { needs: ['redis', 'database'] });
  working = await work(config, pino({ level: 'silent' }), new Registry());
  await working.ready(20_000);
  hot = await openHotInventory({ redisUrl: urlAs('holdfast') });
  await hot.sweep(0);
}, 60_000);
afterAll(async () => {
  await hot?.close();
  await working?.close();
  await endRedisServers();
  await database?.drop();
});

/** What Redis denied since the server started, with the reason. */
async function denied(): Promise<string[]> {
  const log = (await admin.call('ACL', 'LOG')) as unknown[][];
  return log.map((entry) => entry.join(' '));
}

const item = { sku: 'TEA', warehouse: 'east' };
/** A count lets the holds of its item last longer. */
const counted = { sku: 'SALT', warehouse: 'east' };
const from = { sku: 'TEA', from: 'east', to: 'west' };
const lines = (quantity: number) => [{ sku: 'TEA', quantity }];

/** Every command of the engine, in an order in which each is done. */
const COMMANDS: readonly (() => Promise<Decision<unknown>>)[] = [
  () => hot.receive({ ...item, movementId: 'M-0', quantity: 500 }),
  () => hot.setSafetyStock({ ...item, quantity: 2 }),
  () => hot.reserve({ orderId: 'A', lines: lines(2), customerId: 'C' }),
  () => hot.extend({ orderId: 'A', holdSeconds: 3_600 }),
  () => hot.release({ orderId: 'A', lines: lines(1), releaseId: 'R' }),
  () => hot.confirm({ orderId: 'A' }),
  ...MOVEMENT_KINDS.map(
    (kind) => () =>
      hot.move(kind, {
        ...item,
        movementId: `M-${kind}`,
        quantity: 1,
        reason: 'r',
        expectedVersion: 1,
      }),
  ),
  () => hot.reserve({ orderId: 'B', lines: lines(1), holdSeconds: 1 }),
  () => hot.reservation('A'),
  () => hot.item('TEA'),
  () => hot.dispatchTransfer({ ...from, transferId: 'T-1', quantity: 2 }),
  () => hot.receiveTransfer({ transferId: 'T-1', received: 1 }),
  () => hot.cancelTransfer({ transferId: 'T-1' }),
  () => hot.transfer('T-1'),
  () =>
    hot.scheduleSale({
      saleId: 'S',
      sku: 'TEA',
      quantity: 5,
      opensAtMs: Date.now(),
      closesAtMs: Date.now() + 600_000,
    }),
  () => hot.reserve({ orderId: 'F', lines: lines(1), saleId: 'S', customerId: 'C' }),
  () => hot.sale('S'),
  () => hot.closeSale({ saleId: 'S' }),
  () => hot.receive({ ...counted, movementId: 'M-00', quantity: 5 }),
  () => hot.startStocktake({ ...counted, stocktakeId: 'K-1' }),
  () => hot.completeStocktake({ ...counted, stocktakeId: 'K-1', counted: 4 }),
  () => hot.startStocktake({ ...counted, stocktakeId: 'K-2' }),
  () => hot.cancelStocktake({ ...counted, stocktakeId: 'K-2' }),
  () => hot.stocktake('K-1'),
];

test('every command of the engine is done under the shipped rights, holds return, warehouses are written', async () => {
  for (const command of COMMANDS)
    expect(await command().then(outcome), String(command)).toMatch(/done|replayed|version-conflict/);
  await until(async () => JSON.stringify(await hot.reservation('B')).includes('EXPIRED'));
  const late = await hot.confirm({ orderId: 'B', reacquire: true });
  expect(outcome(late)).toBe('done');
  await hot.places.put({ id: 'east', name: 'East' });
  await hot.quarantine('NONE', 'east');
  await until(async () => working.writeBehind.status().lagEvents === 0);
  expect(await denied()).toEqual([]);
}, 60_000);

test.each([
  ['import', ['stock', '-', '--name', 'opening'], 'holdfast'],
  ['export', ['holds', '--format', 'ndjson'], 'holdfast'],
  ['reconcile', ['--json'], 'holdfast-reader'],
  ['rebuild', [], 'holdfast'],
] as const)(
  '%s runs under them',
  async (program, args, user) => {
    const file = join(server.folder, 'stock.csv');
    await writeFile(file, 'sku,warehouse,quantity\nRICE,east,5\n');
    const given = args.map((arg) => (arg === '-' ? file : arg));
    const run = runProgram(program, { ...env, REDIS_URL: urlAs(user) }, given);
    expect(await run.ended, run.said()).toBe(0);
    expect(await denied()).toEqual([]);
  },
  60_000,
);

test('the reader may write nothing, and nobody may touch the keys of others or the server', async () => {
  const reader = await linkTo(urlAs('holdfast-reader'));
  const writer = await linkTo(urlAs('holdfast'));
  await expect(reader.set(hot.keys.control, 'x')).rejects.toThrow('NOPERM');
  await expect(reader.eval('return 1', 0)).rejects.toThrow('NOPERM');
  for (const call of [
    () => writer.get('shop{0}:control'),
    () => writer.flushall(),
    () => writer.config('SET', 'appendfsync', 'no'),
    () => writer.keys('*'),
    () => writer.call('SHUTDOWN'),
  ]) {
    await expect(call()).rejects.toThrow('NOPERM');
  }
});

test('without one of the rights of the program an engine says which file names them', async () => {
  const rules = /^user holdfast .*/m.exec(await readFile(ACL, 'utf8'))?.[0] ?? '';
  // Those of scripts; the others are needed by the worker and the tools.
  const ofTools = /^(select|wait|config\|get|watch|multi|exec|unlink|scan|xrange|xrevrange|evalsha)$/;
  const needed = [...rules.matchAll(/\+([a-z|]+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !ofTools.test(name));
  expect(needed.length).toBeGreaterThan(15);
  for (const name of needed) {
    const words = rules.replace('user holdfast', '').replace('>CHANGE-ME', '>hush').trim().split(' ');
    await admin.call('ACL', 'SETUSER', 'narrow', 'reset', ...words, `-${name}`);
    const error = await openHotInventory({ redisUrl: urlAs('narrow') }).then(
      () => new Error(`it opened without ${name}`),
      (thrown: Error) => thrown,
    );
    expect(error.message, name).toMatch(/redis-acl\.conf|NOPERM/);
  }
}, 60_000);
