/** All experiments and controls, in the order in which they are run. */
import type { Experiment } from './experiment.ts';
import { CLOCK_LEAPS } from './experiments/clock-leaps.ts';
import { FAILOVERS } from './experiments/failovers.ts';
import { FREEZES } from './experiments/freezes.ts';
import { FULL_DISKS } from './experiments/full-disks.ts';
import { KILLS } from './experiments/kills.ts';
import { POWER_CUTS } from './experiments/power-cuts.ts';
import { RESTORES } from './experiments/restores.ts';

export const EXPERIMENTS: readonly Experiment[] = [
  ...POWER_CUTS,
  ...KILLS,
  ...FAILOVERS,
  ...RESTORES,
  ...FREEZES,
  ...CLOCK_LEAPS,
  ...FULL_DISKS,
];
