/**
 * The built code (dist/) of a checkout: of this one, as `npm run bench` has just built it, or of another one. Built code,
 * because tsx wraps every named function, which would be measured too; types come from the sources.
 */
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const HERE = new URL('../..', import.meta.url).pathname;

/**
 * The path of a built file, wherever in its room it is: files have moved between folders of a room since some releases.
 * @param folder of the checkout
 * @param room a folder of dist/; '' for dist/ itself
 * @throws where there is none: the checkout is not built, or too different
 */
export function builtFile(folder: string, room: string, name: string): string {
  const top = resolve(folder, 'dist', room);
  const found = existsSync(top)
    ? readdirSync(top, { recursive: true, encoding: 'utf8' }).find(
        (path) => path === `${name}.js` || path.endsWith(`/${name}.js`),
      )
    : undefined;
  if (found === undefined)
    throw new Error(`${top} has no ${name}.js; run "npm ci && npm run build" in ${folder}`);
  return resolve(top, found);
}

/** A module of a room of the built checkout. @throws as {@link builtFile} */
export async function builtModule(folder: string, room: string, name: string): Promise<unknown> {
  return import(pathToFileURL(builtFile(folder, room, name)).href);
}

const load = (room: string, name: string) => builtModule(HERE, room, name);
type HotPath = typeof import('../../src/hotpath/hot-inventory.ts');
type Partition = typeof import('../../src/hotpath/partition.ts');

export const { connectRedis, openHotInventory } = (await load('hotpath', 'hot-inventory')) as HotPath;
export const { openPartition, readControl } = (await load('hotpath', 'partition')) as Partition;
export const { startExpirySweep } = (await load(
  'worker',
  'expiry',
)) as typeof import('../../src/worker/expiry.ts');
export const { startWriteBehind } = (await load(
  'worker',
  'write-behind',
)) as typeof import('../../src/worker/carry/write-behind.ts');
export const { openLedger } = (await load('ledger', 'ledger')) as typeof import('../../src/ledger/ledger.ts');
export const { buildServer } = (await load('http', 'server')) as typeof import('../../src/http/server.ts');
