/** Redis's clock leaps and comes back; orders are sent again, as callers do that had no answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Experiment, Stage } from '../experiment.ts';
import { NO_CLOCK_FENCE } from '../removals.ts';

const HOUR_MS = 3_600_000;
const LEAP_MS = 5_000;
/** How long buyers go on ordering after the leap. */
const BUYING_MS = 1_000;
const REPEAT_MS_MAX = 40_000;
const TURNED = { servers: 'single', shims: ['clock'] } as const;

/** @param byMs how far it leaps, for five seconds */
const leap =
  (byMs: number) =>
  async ({ scene, buyers, sku, struck }: Stage): Promise<void> => {
    await scene.clock.turn(byMs);
    await sleep(BUYING_MS);
    buyers.pause(true);
    await sleep(LEAP_MS - BUYING_MS);
    await scene.clock.turn(0);
    struck();
    await buyers.repeatAll(sku, REPEAT_MS_MAX);
    buyers.pause(false);
  };

export const CLOCK_LEAPS: readonly Experiment[] = [
  {
    name: 'clock/two-days-ahead',
    title: "Redis's clock is 48 hours ahead for 5 s, then right again; every order is sent twice",
    scene: TURNED,
    runs: 10,
    strike: leap(48 * HOUR_MS),
  },
  {
    name: 'clock/an-hour-behind',
    title: 'an hour behind for 5 s',
    scene: TURNED,
    runs: 10,
    strike: leap(-HOUR_MS),
  },
  {
    name: 'clock/five-seconds-ahead',
    title: '5 s ahead for 5 s',
    scene: TURNED,
    runs: 10,
    strike: leap(5_000),
  },
  {
    name: 'clock/no-fence',
    title: 'as clock/two-days-ahead, without the clock fence',
    scene: { ...TURNED, without: NO_CLOCK_FENCE },
    mustFail: 'twice',
    runs: 3,
    strike: leap(48 * HOUR_MS),
  },
];
