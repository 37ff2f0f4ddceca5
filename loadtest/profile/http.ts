/**
 * The API in a process of its own, 100 connections, every answer on disk: what a request costs the server. Promises: the
 * load is another process's, so all that is sampled is the server.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask, heard, startChild } from '../bench/child.ts';
import { namesOf } from '../bench/cost/seller.ts';
import { openEngine, receive, SKU } from '../bench/hot-sku.ts';
import { load } from '../bench/http-load.ts';
import type { Stores } from '../bench/stores.ts';
import { giveOwnCore } from './own-core.ts';
import type { Profile } from './profile.ts';
import type { Settings } from './settings.ts';
import { shareTables } from './tables.ts';
import { stacksOfV8, type V8Profile } from './v8.ts';

const CONNECTIONS = 100;
const WARM_UP_MS = 3_000;

export async function profileHttp(settings: Settings, stores: Stores): Promise<Profile> {
  const { seconds, skus = 1 } = settings;
  const names = namesOf(skus);
  const hot = await openEngine(stores);
  await Promise.all(names.filter((sku) => sku !== SKU).map((sku) => receive(hot, sku)));
  await hot.close();
  const child = startChild('../profile/http-server.ts', ['real', stores.redisUrl]);
  try {
    const { port } = (await heard(child)) as { port: number };
    await giveOwnCore(child.pid ?? 0, [process.pid, stores.redisPid]);
    const wish = { port, connections: CONNECTIONS, skuOf: (n: number) => names[n % names.length] ?? SKU };
    await load({ ...wish, mark: 'w', durationMs: WARM_UP_MS });
    const file = join(stores.folder, 'http.cpuprofile');
    const before = (await ask(child, { profile: 'start' })) as { cpuUs: number };
    const { created, perSecond } = await load({ ...wish, mark: 'p', durationMs: 1_000 * seconds });
    const after = (await ask(child, { profile: file })) as { cpuUs: number };
    const stacks = stacksOfV8(JSON.parse(await readFile(file, 'utf8')) as V8Profile);
    const cpuUs = (after.cpuUs - before.cpuUs) / created;
    return {
      title: `POST /v1/reservations, ${CONNECTIONS} connections, ${skus} SKU${skus === 1 ? '' : 's'}: ${created} requests, ${Math.round(perSecond)}/s, ${cpuUs.toFixed(1)} us of the server each`,
      unit: 'ms',
      stacks,
      tables: shareTables(stacks, { unit: 'us/request', all: cpuUs }),
    };
  } finally {
    child.kill();
  }
}
