/** A store goes back: a copy of Redis's folder, a dump of the ledger, or both are put back. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ledgerHasCaughtUp } from '../../../src/proof/proof.ts';
import type { Experiment, Stage } from '../experiment.ts';
import { NO_LINK, NO_TAIL, NO_VERIFICATION } from '../removals.ts';
import { Wire } from '../wire.ts';

const SINGLE = { servers: 'single' } as const;
const copyIn = ({ folder }: Stage): string => join(folder, 'copy');
const dumpIn = ({ folder }: Stage): string => join(folder, 'dump');
/** How long orders are taken, or refused, while no worker is there. */
const WITHOUT_WORKER_MS = 700;
const CARRIED_MS_MAX = 20_000;
/** The worker trims once a second at most. */
const CARRIED_AND_TRIMMED_MS = 2_000;

const takeCopy = (stage: Stage): Promise<void> => stage.scene.primary.copyTo(copyIn(stage));
const takeDump = (stage: Stage): Promise<void> =>
  stage.scene.postgres.dump(stage.scene.database, dumpIn(stage));

async function putBackRedis(stage: Stage): Promise<void> {
  const { primary } = stage.scene;
  await primary.process.stop('SIGTERM');
  await primary.putBack(copyIn(stage));
  stage.struck();
  await primary.process.start();
}

/** The ledger has the orders so far; then worker, APIs and Redis stop, and only Redis and the APIs come back at first. */
async function putBackWithoutWorker(stage: Stage): Promise<void> {
  const { scene, buyers } = stage;
  buyers.pause(true);
  await scene.withSources((sources) => ledgerHasCaughtUp(sources, CARRIED_MS_MAX));
  for (const i of [0, 1]) await scene.stopWorker(i);
  for (const i of [0, 1]) await scene.stopApi(i);
  await putBackRedis(stage);
  for (const i of [0, 1]) await scene.startApi(i);
  buyers.pause(false);
  stage.struck();
  await sleep(WITHOUT_WORKER_MS);
  await scene.supervise();
}

async function putBackLedger(stage: Stage): Promise<void> {
  await stage.scene.postgres.restore(stage.scene.database, dumpIn(stage));
}

const STANDBY_LAG_MS = 400;

/** A standby that got nothing for a moment takes the place of the dead Postgres. */
async function promoteStandby(stage: Stage): Promise<void> {
  const { scene, folder } = stage;
  const wire = await Wire.open(scene.postgres.port);
  const standby = await scene.postgres.standby(join(folder, 'standby'), wire.port);
  wire.lead(undefined);
  await sleep(STANDBY_LAG_MS);
  const before = scene.postgres;
  await before.process.kill();
  stage.struck();
  await standby.query('postgres', 'SELECT pg_promote()');
  scene.postgres = standby;
  scene.postgresWire.lead(standby.port);
  await wire.close();
  await before.close();
}

export const RESTORES: readonly Experiment[] = [
  {
    name: 'restore/redis',
    title: "a copy of Redis's folder from before the orders is put back while the worker runs",
    scene: SINGLE,
    // What had not reached the ledger when Redis stopped is gone with its folder.
    mayLose: true,
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
    name: 'restore/standby',
    title: 'Postgres dies, and a standby that is 400 ms behind is promoted',
    scene: { ...SINGLE, ownPostgres: true },
    runs: 10,
    strike: promoteStandby,
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
  {
    name: 'restore/no-verification',
    title: 'as restore/redis-alone, without the verification',
    scene: { ...SINGLE, without: NO_VERIFICATION },
    mustFail: 'lost',
    runs: 3,
    prepare: takeCopy,
    strike: putBackWithoutWorker,
  },
  {
    name: 'restore/no-link',
    title: 'as restore/redis-alone, without link and verification',
    scene: { ...SINGLE, without: NO_LINK },
    mustFail: 'oversold',
    runs: 3,
    prepare: takeCopy,
    strike: putBackWithoutWorker,
  },
  {
    name: 'restore/no-tail',
    title: 'as restore/ledger, without the tail',
    scene: { ...SINGLE, without: NO_TAIL },
    mustFail: 'stuck',
    runs: 2,
    prepare: takeDump,
    strike: async (stage) => {
      await sleep(CARRIED_AND_TRIMMED_MS);
      await putBackLedger(stage);
    },
  },
];
