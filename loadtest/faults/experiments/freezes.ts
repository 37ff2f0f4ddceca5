/** A process stands still (SIGSTOP), so that its connections stay open; later it goes on as if nothing had been. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Experiment, Stage } from '../experiment.ts';
import { until } from '../scene.ts';

const SINGLE = { servers: 'single' } as const;
const TAKE_OVER_MS_MAX = 30_000;
const STILL_MS = [500, 3_000] as const;

/** The active worker stands still until the standby carries; then it wakes up and believes that it still does. */
async function freezeWorker({ scene, chance }: Stage): Promise<void> {
  const frozen = await scene.activeWorker();
  scene.signalWorker(frozen, 'SIGSTOP');
  try {
    await until(
      async () => (await scene.activeWorker()) === 1 - frozen,
      'no standby took over from a frozen worker',
      TAKE_OVER_MS_MAX,
    );
    await sleep(chance.whole(0, 500));
  } finally {
    scene.signalWorker(frozen, 'SIGCONT');
  }
}

export const FREEZES: readonly Experiment[] = [
  {
    name: 'freeze/worker',
    title: 'the active worker stands still; a standby takes over, then the first goes on',
    scene: SINGLE,
    runs: 25,
    strike: freezeWorker,
  },
  {
    name: 'freeze/api',
    title: 'an API stands still for seconds',
    scene: SINGLE,
    runs: 25,
    strike: async ({ scene, chance, run }) => {
      scene.signalApi(run % 2, 'SIGSTOP');
      await sleep(chance.whole(...STILL_MS));
      scene.signalApi(run % 2, 'SIGCONT');
    },
  },
  {
    name: 'freeze/redis',
    title: 'Redis stands still for seconds',
    scene: SINGLE,
    runs: 25,
    strike: async ({ scene, chance, struck }) => {
      scene.primary.process.freeze();
      await sleep(chance.whole(...STILL_MS));
      scene.primary.process.thaw();
      struck();
    },
  },
  {
    name: 'freeze/postgres',
    title: 'Postgres stands still for seconds',
    scene: SINGLE,
    runs: 25,
    strike: async ({ scene, chance }) => {
      scene.postgres.process.freeze();
      await sleep(chance.whole(...STILL_MS));
      scene.postgres.process.thaw();
    },
  },
];
