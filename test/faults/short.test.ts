/**
 * The short form of `npm run faults`: a few faults on real servers, each judged by what the buyers were told, and one control, without
 * which nobody knows whether this would notice anything.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Experiment, playRun } from '../../loadtest/faults/experiment.ts';
import { EXPERIMENTS } from '../../loadtest/faults/experiment-list.ts';
import { Laboratory } from '../../loadtest/faults/laboratory.ts';
import { faultsOf, totalsOf } from '../../loadtest/faults/report.ts';
import { Scene, type SceneOptions } from '../../loadtest/faults/scene.ts';

const SEED = 20_261_127;
/** Starts, faults and recoveries on a busy machine. */
const PATIENCE_MS = 240_000;

let lab: Laboratory;
let scene: Scene;
const hasCompiler = () =>
  lab.shim('power-cut').then(
    () => true,
    () => false,
  );

beforeAll(async () => {
  lab = await Laboratory.open(() => {});
  const shims: SceneOptions['shims'] = (await hasCompiler()) ? ['power-cut'] : [];
  scene = await Scene.open(lab, { servers: 'single', shims });
}, PATIENCE_MS);
afterAll(async () => {
  await scene?.close();
  await lab?.close();
}, PATIENCE_MS);

function named(name: string): Experiment {
  const found = EXPERIMENTS.find((experiment) => experiment.name === name);
  if (!found) throw new Error(`there is no experiment ${name}`);
  return found;
}

test.each(['power-cut/redis', 'kill/everything', 'restore/redis-alone', 'restore/ledger'])(
  '%s: nothing that was acknowledged is lost, nothing is sold twice, nobody has to do anything',
  { timeout: PATIENCE_MS },
  async (name) => {
    if (name.startsWith('power-cut') && !(await hasCompiler())) return; // said by npm run faults
    const experiment = named(name);
    const result = await playRun(experiment, scene, 0, SEED);
    expect(faultsOf({ experiment, results: [result] }), result.differences.join('\n')).toEqual([]);
    expect(result.acknowledged).toBeGreaterThan(50);
    expect(result.commands).toEqual([]);
  },
);

test('a power cut where Redis syncs once a second loses acknowledged orders: the laboratory notices', {
  timeout: PATIENCE_MS,
}, async () => {
  if (!(await hasCompiler())) return;
  const experiment = named('power-cut/everysec');
  const weak = await Scene.open(lab, experiment.scene);
  try {
    const results = [];
    for (let run = 0; run < 3 && totalsOf({ experiment, results }).lost === 0; run++)
      results.push(await playRun(experiment, weak, run, SEED + run));
    expect(faultsOf({ experiment, results })).toEqual([]);
  } finally {
    await weak.close();
  }
});
