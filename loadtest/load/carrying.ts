/**
 * Whether this machine carries a rate, and which to try next where it does not.
 * Promises: the search ends, and what it comes to was carried.
 */
import type { Summary } from './k6-run.ts';

/** An order that is due while every buyer waits is dropped; more than this share of them, and the rate is not carried. */
const DROPPED_SHARE_MAX = 0.005;
const NEXT_SHARE_OF_ANSWERED = 0.97;
const NEXT_SHARE_OF_TRIED = 0.95;
/** A carried and a failed rate this close to each other are close enough: neighbours move figures as much. */
const CLOSE_SHARE = 0.08;
const ROUND_TO = 50;
/** Two minutes of looking. */
const TRIALS_MAX = 7;

export interface Trial {
  readonly rate: number;
  readonly droppedShare: number;
  readonly isCarried: boolean;
}

/** @param rate what the run was asked for */
export function judgeTrial(rate: number, { metrics }: Summary): Trial {
  const dropped = metrics.dropped_iterations?.values.count ?? 0;
  const sent = metrics.iterations?.values.count ?? 0;
  const droppedShare = dropped / Math.max(1, dropped + sent);
  return { rate, droppedShare, isCarried: droppedShare <= DROPPED_SHARE_MAX };
}

/**
 * The rate to try next, or undefined where the search is over: the asked rate is carried, or the highest carried one is
 * known closely enough.
 * @param trials all so far, at least one; the first is of the asked rate
 */
export function nextRate(trials: readonly Trial[]): number | undefined {
  const failed = trials.filter(({ isCarried }) => !isCarried);
  const [first, ...others] = failed;
  if (!first || trials.length >= TRIALS_MAX) return undefined;
  const lowestFailed = others.reduce((best, trial) => (trial.rate < best.rate ? trial : best), first);
  const carried = carriedRate(trials);
  if (carried === undefined) {
    const { rate, droppedShare } = lowestFailed;
    return rounded(rate * Math.min(NEXT_SHARE_OF_TRIED, (1 - droppedShare) * NEXT_SHARE_OF_ANSWERED));
  }
  // An overloaded k6 answers less than it could, so what was answered first may lie far below what can be carried.
  if (lowestFailed.rate - carried <= carried * CLOSE_SHARE) return undefined;
  return rounded((carried + lowestFailed.rate) / 2);
}

/** The highest rate that was carried; undefined where none was. */
export function carriedRate(trials: readonly Trial[]): number | undefined {
  const rates = trials.filter(({ isCarried }) => isCarried).map(({ rate }) => rate);
  return rates.length > 0 ? Math.max(...rates) : undefined;
}

const rounded = (rate: number): number => Math.max(1, Math.floor(rate / ROUND_TO) * ROUND_TO);

/** One sentence about all that was tried. */
export function trialsText(trials: readonly Trial[]): string {
  return trials
    .map(({ rate, droppedShare, isCarried }) => {
      const dropped = `${(droppedShare * 100).toFixed(1)} % dropped`;
      return `${rate.toLocaleString('en')}/s ${isCarried ? 'carried' : `not (${dropped})`}`;
    })
    .join(', ');
}
