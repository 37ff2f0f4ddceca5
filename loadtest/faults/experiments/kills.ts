/** kill -9 of one process after the other; its supervisor starts it again. */
import type { Experiment, Stage } from '../experiment.ts';

const SINGLE = { servers: 'single' } as const;

export const KILLS: readonly Experiment[] = [
  {
    name: 'kill/redis',
    title: 'Redis is killed',
    scene: SINGLE,
    runs: 50,
    strike: async ({ scene, struck }) => {
      await scene.primary.process.kill();
      struck();
      await scene.primary.process.start();
    },
  },
  {
    name: 'kill/api',
    title: 'an API is killed',
    scene: SINGLE,
    runs: 25,
    strike: async ({ scene, run }) => {
      scene.signalApi(run % 2, 'SIGKILL');
      await scene.supervise();
    },
  },
  {
    name: 'kill/worker',
    title: 'the active worker is killed',
    scene: SINGLE,
    runs: 25,
    strike: async ({ scene }) => {
      scene.signalWorker(await scene.activeWorker(), 'SIGKILL');
      await scene.supervise();
    },
  },
  {
    name: 'kill/postgres',
    title: 'Postgres is killed',
    scene: SINGLE,
    runs: 25,
    strike: async ({ scene }) => {
      await scene.postgres.process.kill();
      await scene.postgres.process.start();
    },
  },
  {
    name: 'kill/everything',
    title: 'Redis, the worker and an API are killed at once',
    scene: SINGLE,
    runs: 25,
    strike: killMany,
  },
];

async function killMany({ scene, run, struck }: Stage): Promise<void> {
  scene.signalWorker(0, 'SIGKILL');
  scene.signalWorker(1, 'SIGKILL');
  scene.signalApi(run % 2, 'SIGKILL');
  await scene.primary.process.kill();
  struck();
  await scene.supervise();
}
