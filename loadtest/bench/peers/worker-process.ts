/**
 * The worker's process: write-behind and the expiry sweep, as in `npm run work`, begun anew for each measurement. Commanded
 * by ledger-worker.ts; ends with its parent.
 */
import {
  connectRedis,
  openHotInventory,
  openLedger,
  startExpirySweep,
  startWriteBehind,
} from '../shipped.ts';
import type { Told } from './ledger-worker.ts';

const EPOCH = 1;
const PARTITION = 0;
const tell = (_: unknown, words?: string) => console.error(`  worker: ${words}`);
const log = { info() {}, warn: tell, error: tell };

interface Running {
  /** Resolves when the ledger has everything decided before; answers the findings. */
  drained(): Promise<number>;
  stop(): Promise<void>;
}
let running: Running | undefined;

async function begin(redisUrl: string, databaseUrl: string): Promise<Running> {
  const streamRedis = connectRedis(redisUrl);
  await streamRedis.connect();
  const ledger = await openLedger({ databaseUrl });
  // Its own commands are trims and sweeps, whose answers nobody waits for.
  const hot = await openHotInventory({ redisUrl, ack: 'memory' });
  await ledger.beginEpoch(PARTITION, {
    epoch: { number: EPOCH, nonce: 'bench001' },
    incarnation: '-',
    how: 'verified',
    compared: { sequence: 0, link: undefined, eventsTotal: 0 },
  });
  const sweep = startExpirySweep({ hot });
  const writeBehind = startWriteBehind({ ledger, hot, streamRedis, partition: PARTITION, log });
  return {
    drained: async () => {
      await writeBehind.drained();
      return writeBehind.status().findings;
    },
    stop: async () => {
      await sweep.stop();
      await writeBehind.stop();
      await hot.close();
      await ledger.close();
      streamRedis.disconnect();
    },
  };
}

async function stop(): Promise<void> {
  await running?.stop();
  running = undefined;
}

async function obey(told: Told): Promise<object> {
  if (told === 'stop') await stop();
  else if (typeof told === 'object') running = await begin(told.redisUrl, told.databaseUrl);
  else {
    const findings = (await running?.drained()) ?? 0;
    if (told === 'finish') await stop();
    return { findings };
  }
  return {};
}

const say = (said: object) => process.send?.(said);
process.on('disconnect', () => process.exit(0));
process.on('message', (told: Told) => {
  obey(told).then(say, (error: unknown) => say({ failure: String(error) }));
});
