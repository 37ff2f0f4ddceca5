/**
 * The worker's process: write-behind and the sweep, as `npm run work` has them, begun anew for each measurement. Told what
 * to do by ledger-worker.ts; ends when whoever started it is gone.
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
const tell = (_: unknown, words?: string) => console.error(`  worker: ${words}`);
const log = { info() {}, warn: tell, error: tell };

interface ReplicationLoop {
  /** Everything carried that was decided before; answers the findings. */
  drained(): Promise<number>;
  stop(): Promise<void>;
}

let carrying: ReplicationLoop | undefined;

async function begin(redisUrl: string, databaseUrl: string, partitions = 1): Promise<void> {
  const streamRedis = connectRedis(redisUrl);
  await streamRedis.connect();
  const ledger = await openLedger({ databaseUrl });
  const carriers = await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      // Its own commands are trims and sweeps, for whose answers nobody waits.
      const hot = await openHotInventory({ redisUrl, ack: 'memory', partition });
      await ledger.beginEpoch(partition, EPOCH);
      const sweep = startExpirySweep({ hot });
      const writeBehind = startWriteBehind({ ledger, hot, streamRedis, partition, log });
      return { hot, sweep, writeBehind };
    }),
  );
  carrying = {
    drained: async () => {
      await Promise.all(carriers.map(({ writeBehind }) => writeBehind.drained()));
      return carriers.reduce((sum, { writeBehind }) => sum + writeBehind.status().findings, 0);
    },
    stop: async () => {
      await Promise.all(
        carriers.map(async ({ hot, sweep, writeBehind }) => {
          await sweep.stop();
          await writeBehind.stop();
          await hot.close();
        }),
      );
      await ledger.close();
      streamRedis.disconnect();
    },
  };
}

/** Also what a measurement has left that came to nothing. */
async function stop(): Promise<void> {
  await carrying?.stop();
  carrying = undefined;
}

async function obey(told: Told): Promise<object> {
  if (told === 'finish') {
    const findings = (await carrying?.drained()) ?? 0;
    await stop();
    return { findings };
  }
  if (told === 'drained') return { findings: await carrying?.drained() };
  if (told === 'stop') await stop();
  else await begin(told.redisUrl, told.databaseUrl, told.partitions);
  return {};
}

const say = (said: object) => process.send?.(said);
process.on('disconnect', () => process.exit(0));
process.on('message', (told: Told) => {
  obey(told).then(say, (error: unknown) => say({ failure: String(error) }));
});
