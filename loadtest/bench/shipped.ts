/**
 * The program as it ships: what `npm run bench` has built in dist/ before it runs. The sources through tsx would be
 * measured with a wrapper around every named function. Types come from the sources.
 */
const load = (path: string): Promise<unknown> => import(new URL(`../../dist/${path}`, import.meta.url).href);

export const { connectRedis, HotInventory, openHotInventory } = (await load(
  'hotpath/hot-inventory.js',
)) as typeof import('../../src/hotpath/hot-inventory.ts');
export const { clearPartition, openPartition, readControl } = (await load(
  'hotpath/partition.js',
)) as typeof import('../../src/hotpath/partition.ts');
export const { startExpirySweep } = (await load(
  'worker/expiry.js',
)) as typeof import('../../src/worker/expiry.ts');
export const { rebuild } = (await load(
  'worker/rebuild.js',
)) as typeof import('../../src/worker/recovery/rebuild.ts');
export const { startWriteBehind } = (await load(
  'worker/write-behind.js',
)) as typeof import('../../src/worker/carry/write-behind.ts');
export const { openLedger } = (await load('ledger/ledger.js')) as typeof import('../../src/ledger/ledger.ts');
export const { buildServer } = (await load('http/server.js')) as typeof import('../../src/http/server.ts');
