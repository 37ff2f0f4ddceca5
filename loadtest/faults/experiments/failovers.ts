/** Another primary: by three Sentinels, by hand, or by a network that splits. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Experiment, Stage } from '../experiment.ts';
import type { SceneOptions } from '../scene.ts';
import type { RedisNode } from '../servers/redis.ts';

const QUORUM = { HOLDFAST_ACK: 'replica', HOLDFAST_REPLICAS: '2' };
const BY_SENTINEL: SceneOptions = { servers: 'group', route: 'sentinel', environment: QUORUM };
const BY_HAND: SceneOptions = { servers: 'group', route: 'wire', environment: QUORUM };
const NO_QUORUM = { HOLDFAST_ACK: 'fsync' };

const PROMOTED_MS_MAX = 30_000;
/** How long replicas get nothing before their primary dies: what is acknowledged meanwhile only the primary has. */
const LAG_MS_MIN = 50;
const LAG_MS_MAX = 400;
const BOTH_SELL_MS = 1_500;
const HESITATION_MS_MAX = 300;

const replicasOf = ({ scene }: Stage): RedisNode[] => scene.redis.filter((node) => node !== scene.primary);

/** The Sentinels promote a replica; the one before comes back and follows. */
async function promoted({ scene }: Stage, before: RedisNode): Promise<void> {
  await scene.sentinels?.promoted(before.port, PROMOTED_MS_MAX);
  await scene.regroup();
}

async function killPrimary(stage: Stage): Promise<void> {
  const { primary } = stage.scene;
  for (const replica of replicasOf(stage)) await replica.loseTouch();
  await sleep(stage.chance.whole(LAG_MS_MIN, LAG_MS_MAX));
  await primary.process.kill();
  stage.struck();
  await promoted(stage, primary);
}

/** It wakes up when another one sells, and does not know of it until the Sentinels tell it. */
async function freezePrimary(stage: Stage): Promise<void> {
  const { scene } = stage;
  const { primary } = scene;
  primary.process.freeze();
  try {
    await scene.sentinels?.promoted(primary.port, PROMOTED_MS_MAX);
  } finally {
    primary.process.thaw();
  }
  await scene.learnPrimary();
}

/** REPLICAOF on all three, and the address led to the new primary; in between, for a moment, some orders go to the old one. */
async function byHand(stage: Stage): Promise<void> {
  const { scene, chance } = stage;
  const before = scene.primary;
  const [first, second] = replicasOf(stage);
  const [next, other] = chance.share() < 0.5 ? [first, second] : [second, first];
  if (!next || !other) throw new Error('a group has two replicas');
  if (chance.share() < 0.5) await before.follow(next);
  await next.follow(undefined);
  await other.follow(next);
  await sleep(chance.whole(0, HESITATION_MS_MAX));
  scene.lead(next);
  await before.follow(next);
}

/** Both halves sell: one API stays with the primary that nobody follows any more, everything else goes to the promoted replica. */
async function split(stage: Stage): Promise<void> {
  const { scene } = stage;
  const before = scene.primary;
  const [next, other] = replicasOf(stage);
  if (!next || !other) throw new Error('a group has two replicas');
  await next.follow(undefined);
  await other.follow(next);
  scene.lead(next);
  scene.lead(before, { api: 0 });
  await sleep(BOTH_SELL_MS);
  await before.follow(next);
  scene.lead(next);
}

const regroup = ({ scene }: Stage): Promise<void> => scene.regroup();

export const FAILOVERS: readonly Experiment[] = [
  {
    name: 'failover/kill',
    title: 'the primary dies while its replicas lag; three Sentinels promote one',
    scene: BY_SENTINEL,
    runs: 120,
    strike: killPrimary,
    heal: regroup,
  },
  {
    name: 'failover/command',
    title: 'SENTINEL FAILOVER',
    scene: BY_SENTINEL,
    runs: 80,
    strike: async (stage) => {
      const { primary, sentinels } = stage.scene;
      await sentinels?.failover();
      await promoted(stage, primary);
    },
    heal: regroup,
  },
  {
    name: 'failover/frozen',
    title: 'the primary stands still, one is promoted, the first wakes up as a primary',
    scene: BY_SENTINEL,
    runs: 20,
    strike: freezePrimary,
    heal: regroup,
  },
  {
    name: 'failover/by-hand',
    title: 'REPLICAOF by hand, an address that is led elsewhere',
    scene: BY_HAND,
    runs: 60,
    strike: byHand,
    heal: regroup,
  },
  {
    name: 'failover/split',
    title: 'the network splits; one API stays with the old primary',
    scene: BY_HAND,
    runs: 20,
    strike: split,
    heal: regroup,
  },
  {
    name: 'failover/no-quorum',
    title: 'the primary dies while its replicas lag, level fsync; each lost order must be listed',
    scene: { ...BY_SENTINEL, environment: NO_QUORUM },
    mustFail: 'lost',
    mayLose: true,
    runs: 20,
    strike: killPrimary,
    heal: regroup,
  },
  {
    name: 'failover/split-no-quorum',
    title: 'the network splits at level fsync: the exception that is not promised',
    scene: { ...BY_HAND, environment: NO_QUORUM },
    mustFail: 'soldAgain',
    runs: 5,
    strike: split,
    heal: regroup,
  },
];
