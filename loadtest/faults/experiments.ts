/** All experiments and controls, in the order in which they are run. */
import type { Experiment } from './experiment.ts';
import { FREEZES } from './experiments/freezes.ts';
import { KILLS } from './experiments/kills.ts';
import { POWER_CUTS } from './experiments/power-cuts.ts';
import { RESTORES } from './experiments/restores.ts';

export const EXPERIMENTS: readonly Experiment[] = [...POWER_CUTS, ...KILLS, ...RESTORES, ...FREEZES];
