/** The disk of one store is full for a moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Experiment, Stage } from '../experiment.ts';

const FULL_MS = 1_500;
const POLL_MS = 50;

/** Redis ends at the first write that fails; its supervisor starts it again and again. */
async function fillRedis({ scene, struck }: Stage): Promise<void> {
  await scene.disk?.fill();
  const limitMs = performance.now() + FULL_MS;
  while (performance.now() < limitMs) {
    if (!scene.primary.process.isRunning) await scene.primary.process.launch();
    await sleep(POLL_MS);
  }
  await scene.disk?.free();
  struck();
  if (!scene.primary.process.isRunning) await scene.primary.process.start();
}

async function fillPostgres({ scene }: Stage): Promise<void> {
  await scene.disk?.fill();
  await sleep(FULL_MS);
  await scene.disk?.free();
  await scene.supervise();
}

export const FULL_DISKS: readonly Experiment[] = [
  {
    name: 'disk/redis',
    title: "Redis's disk is full for a moment",
    scene: { servers: 'single', smallDisk: 'redis' },
    runs: 10,
    strike: fillRedis,
  },
  {
    name: 'disk/postgres',
    title: "Postgres's disk is full for a moment",
    scene: { servers: 'single', smallDisk: 'postgres' },
    runs: 10,
    strike: fillPostgres,
  },
];
