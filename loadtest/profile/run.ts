/**
 * Where the time goes, in one command: `npm run profile -- http|waits|engine|lua|redis`. Draws a flame graph, prints where most was
 * spent, and leaves nothing running, Ctrl-C included.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WrongOption } from '../bench/settings.ts';
import { type Stores, startStores } from '../bench/stores.ts';
import { profileEngine } from './engine.ts';
import { drawFlame } from './flame.ts';
import { profileHttp } from './http.ts';
import { profileLua } from './lua.ts';
import { Unavailable } from './profile.ts';
import { profileRedis } from './redis.ts';
import { readSettings, type Settings, USAGE } from './settings.ts';
import { profileWaits } from './waits.ts';

/** What a shell reports of a program that was ended by Ctrl-C. */
const INTERRUPTED = 130;

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  if (settings === 'help') {
    console.log(USAGE);
    return;
  }
  const { title, unit, stacks, tables } = await take(settings);
  console.log(title);
  console.log(tables);
  if (stacks.length === 0) return;
  await mkdir(dirname(settings.out), { recursive: true });
  await writeFile(settings.out, drawFlame({ title, unit, stacks }));
  console.log(`\n${settings.out}: the flame graph; open it in a browser and point at what is narrow`);
}

function take(settings: Settings) {
  switch (settings.subject) {
    case 'lua':
      return profileLua(settings);
    case 'http':
      return withStores((stores) => profileHttp(settings, stores));
    case 'waits':
      return withStores((stores) => profileWaits(settings, stores));
    case 'engine':
      return withStores((stores) => profileEngine(settings, stores));
    case 'redis':
      return profileRedis(settings, withStores);
  }
}

async function withStores<T>(use: (stores: Stores) => Promise<T>): Promise<T> {
  const stores = await startStores((line) => console.error(`  ${line}`));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stores.stop().finally(() => process.exit(INTERRUPTED)));
  }
  try {
    return await use(stores);
  } finally {
    await stores.stop();
  }
}

main().catch((error: unknown) => {
  process.exitCode = 1;
  if (error instanceof WrongOption) console.error(`${error.message}\n\n${USAGE}`);
  else console.error(error instanceof Unavailable ? error.message : error);
});
