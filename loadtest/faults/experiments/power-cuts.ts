/** Power cuts of Redis: what was not synced is gone from its files. */
import type { Experiment, Stage } from '../experiment.ts';

/** Half of the cuts leave some bytes that were written and not synced: a torn end. */
async function cut({ scene, chance, struck }: Stage): Promise<void> {
  const { primary } = scene;
  const keptShare = chance.share() < 0.5 ? 0 : chance.share();
  await primary.cutPower(keptShare);
  struck();
  await primary.process.start();
}

export const POWER_CUTS: readonly Experiment[] = [
  {
    name: 'power-cut/redis',
    title: 'Redis loses power',
    scene: { servers: 'single', shims: ['power-cut'] },
    runs: 300,
    strike: cut,
  },
  {
    name: 'power-cut/everysec',
    title: 'the same, appendfsync everysec declared as good enough',
    scene: {
      servers: 'single',
      shims: ['power-cut'],
      appendFsync: 'everysec',
      environment: { HOLDFAST_ACK: 'memory' },
    },
    mustFail: 'lost',
    runs: 10,
    strike: cut,
  },
];
