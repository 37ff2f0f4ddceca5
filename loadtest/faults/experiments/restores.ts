/** A store goes back: a copy of Redis's folder, a dump of the ledger, or both are put back. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Experiment, Stage } from '../experiment.ts';

const SINGLE = { servers: 'single' } as const;
const copyIn = ({ folder }: Stage): string => join(folder, 'copy');
const dumpIn = ({ folder }: Stage): string => join(folder, 'dump');
/** How long orders are taken, or refused, while no worker is there. */
const WITHOUT_WORKER_MS = 700;

const takeCopy = (stage: Stage): Promise<void> => stage.scene.primary.copyTo(copyIn(stage));
const takeDump = (stage: Stage): Promise<void> =>
  stage.scene.lab.postgres.dump(stage.scene.database, dumpIn(stage));

async function putBackRedis(stage: Stage): Promise<void> {
  const { primary } = stage.scene;
  await primary.process.stop('SIGTERM');
  await primary.putBack(copyIn(stage));
  stage.struck();
  await primary.process.start();
}

/** The ledger has the orders so far; then worker, APIs and Redis stop, and only Redis and the APIs come back at first. */
async function putBackWithoutWorker(stage: Stage): Promise<void> {
  const { scene } = stage;
  await sleep(WITHOUT_WORKER_MS);
  for (const i of [0, 1]) await scene.stopWorker(i);
  for (const i of [0, 1]) await scene.stopApi(i);
  await putBackRedis(stage);
  for (const i of [0, 1]) await scene.startApi(i);
  await sleep(WITHOUT_WORKER_MS);
  await scene.supervise();
}

async function putBackLedger(stage: Stage): Promise<void> {
  await stage.scene.lab.postgres.restore(stage.scene.database, dumpIn(stage));
  stage.struck();
}

export const RESTORES: readonly Experiment[] = [
  {
    name: 'restore/redis',
    title: "a copy of Redis's folder from before the orders is put back while the worker runs",
    scene: SINGLE,
    runs: 20,
    prepare: takeCopy,
    strike: putBackRedis,
  },
  {
    name: 'restore/redis-alone',
    title: 'the same while no worker runs; APIs begin anew and take orders first',
    scene: SINGLE,
    runs: 30,
    prepare: takeCopy,
    strike: putBackWithoutWorker,
  },
  {
    name: 'restore/ledger',
    title: 'a dump of the ledger from before the orders is put back',
    scene: SINGLE,
    runs: 25,
    prepare: takeDump,
    strike: putBackLedger,
  },
  {
    name: 'restore/both',
    title: 'copy and dump from before the orders are put back',
    scene: SINGLE,
    mayLose: true,
    runs: 25,
    prepare: async (stage) => {
      await takeCopy(stage);
      await takeDump(stage);
    },
    strike: async (stage) => {
      await stage.scene.primary.process.stop('SIGTERM');
      await putBackLedger(stage);
      await putBackRedis(stage);
    },
  },
];
