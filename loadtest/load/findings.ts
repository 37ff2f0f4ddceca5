/**
 * The result of a load run: checks, totals and charts, from k6's summary, the samples and the proof.
 * Promises: every check names its bound.
 */
import type { Proof } from '../../src/proof/proof.ts';
import type { K6Outcome } from './k6-run.ts';
import { pictureOf, type Times, timesOf } from './plots.ts';
import { ordersIn } from './proving.ts';
import type { Check } from './report.ts';
import { coreShares, OTHERS, type Sample, type Shares, usedSince } from './sampler.ts';
import type { LoadSettings } from './settings.ts';

/** The ledger may be this far behind while orders come, and needs at most this long once they have ended. */
export const LAG_SECONDS_MAX = 10;
/** Above this share of dropped orders the machine does not carry the rate. */
const DROPPED_SHARE_MAX = 0.005;
/** Above this share of all cores other programs are worth a remark. */
const OTHERS_SHARE_MAX = 0.05;

export interface Course {
  readonly settings: LoadSettings;
  readonly outcome: K6Outcome;
  readonly samples: readonly Sample[];
  readonly cores: number;
  /** Units still held that should have returned; undefined where none had to. */
  readonly unreturned: number | undefined;
  readonly isCaughtUp: boolean;
  readonly proof: Proof;
}

export interface Findings {
  readonly checks: readonly Check[];
  readonly remarks: readonly string[];
  readonly totals: readonly (readonly [string, string])[];
  readonly picture: ReturnType<typeof pictureOf>;
}

/** @throws where no buyer reported anything: then there was no load */
export function findingsOf(course: Course): Findings {
  const times = timesOf(course.outcome);
  const shares = coreShares(course.samples);
  const mean = meanShares(shares, times);
  const lag = lagOf(course.samples, times);
  return {
    checks: checksOf(course, lag),
    remarks: remarksOf(course, mean),
    totals: totalsOf(course, times, lag),
    picture: pictureOf(course, times, shares),
  };
}

interface Lag {
  readonly eventsMax: number;
  readonly secondsMax: number;
  /** Between the last answer and the first look that found nothing left to carry; NaN where none did. */
  readonly backToZeroSeconds: number;
}

function lagOf(samples: readonly Sample[], { startMs, endMs }: Times): Lag {
  const during = samples.filter(({ atMs }) => atMs >= startMs);
  const highest = (read: (sample: Sample) => number) =>
    during.reduce((max, sample) => Math.max(max, read(sample) || 0), 0);
  const back = during.find(({ atMs, lagEvents }) => atMs >= endMs && lagEvents === 0);
  return {
    eventsMax: highest(({ lagEvents }) => lagEvents),
    secondsMax: highest(({ lagSeconds }) => lagSeconds),
    backToZeroSeconds: back ? (back.atMs - endMs) / 1_000 : Number.NaN,
  };
}

function checksOf({ settings, outcome, proof, unreturned, isCaughtUp }: Course, lag: Lag): Check[] {
  const { metrics } = outcome.summary;
  const count = (name: string) => metrics[name]?.values.count ?? 0;
  const p99Ms = outcome.tally.waits.percentileMs(0.99);
  const acknowledged = outcome.tally.yeses.length;
  const back = lag.backToZeroSeconds;
  const checks: Check[] = [
    { isFine: count('unexpected') === 0, text: `unexpected answers: ${count('unexpected')}` },
    {
      isFine: count('oversold') === 0 && proof.oversold === 0,
      text: `units oversold: ${count('oversold')} by the API, ${proof.oversold} by both stores`,
    },
    {
      isFine: p99Ms <= settings.p99MsMax,
      text: `p99 of all answers ${ms(p99Ms)}, at most ${settings.p99MsMax} ms`,
    },
    {
      isFine: outcome.broken.length === 0,
      text: `thresholds of the script: ${outcome.broken.join('; ') || 'all kept'}`,
    },
    {
      isFine: isCaughtUp && back <= LAG_SECONDS_MAX,
      text: `ledger complete ${Number.isNaN(back) ? 'never' : seconds(back)} after the last answer, at most ${LAG_SECONDS_MAX} s`,
    },
    {
      isFine: lag.secondsMax <= LAG_SECONDS_MAX,
      text: `ledger at most ${seconds(lag.secondsMax)} behind, at most ${LAG_SECONDS_MAX} s`,
    },
    {
      isFine: proof.isProven && proof.lost === 0,
      text: 'proof over both stores: what was sold was there, and Redis and ledger agree',
    },
    {
      isFine: ordersIn(proof) === proof.acknowledged,
      text: `orders in the ledger: ${whole(ordersIn(proof))}, orders that got a yes: ${whole(proof.acknowledged)}`,
    },
    { isFine: acknowledged > 0, text: `orders that got a yes in this run: ${whole(acknowledged)}` },
  ];
  if (unreturned !== undefined) {
    checks.push({ isFine: unreturned === 0, text: `abandoned units that have not returned: ${unreturned}` });
  }
  return checks;
}

function remarksOf({ outcome, cores }: Course, mean: Shares['cores']): string[] {
  const { dropped_iterations: dropped, iterations: sent } = outcome.summary.metrics;
  const count = dropped?.values.count ?? 0;
  const droppedShare = count / Math.max(1, count + (sent?.values.count ?? 0));
  const remarks: string[] = [];
  if (droppedShare > DROPPED_SHARE_MAX) {
    remarks.push(
      `${percent(droppedShare)} of the orders were dropped: they were due while every buyer was still waiting, so this rate is more than the machine carries.`,
    );
  }
  const byShare = Object.entries(mean).sort((a, b) => b[1] - a[1]);
  if (byShare.length > 0) {
    const total = byShare.reduce((sum, [, share]) => sum + share, 0);
    const parts = byShare.map(([name, share]) => `${name} ${share.toFixed(2)}`).join(', ');
    remarks.push(`Cores in use, of ${cores}: ${total.toFixed(2)} (${parts}).`);
  }
  const others = mean[OTHERS] ?? 0;
  if (others > cores * OTHERS_SHARE_MAX) {
    remarks.push(
      `Other programs had ${others.toFixed(2)} cores meanwhile: rates and waits are not this machine's best.`,
    );
  }
  return remarks;
}

function totalsOf(course: Course, times: Times, lag: Lag): [string, string][] {
  const { settings, outcome, proof } = course;
  const { waits, statuses, yeses } = outcome.tally;
  const perSecond = outcome.tally
    .seconds()
    .map(({ answers }) => answers)
    .sort((a, b) => a - b);
  const median = perSecond[Math.floor(perSecond.length / 2)] ?? 0;
  const wait = ([name, share]: readonly [string, number]) => `${name} ${ms(waits.percentileMs(share))}`;
  const used = [...cpuUsed(course.samples, times)].map(
    ([name, seconds]) => `${name} ${((seconds / waits.total) * 1e6).toFixed(0)} us`,
  );
  return [
    ['asked for', `${whole(settings.rate)} orders/s for ${settings.seconds} s`],
    ['answers', whole(waits.total)],
    ['answers a second', `median ${whole(median)}, busiest ${whole(perSecond.at(-1) ?? 0)}`],
    ['answers by status', counts(statuses)],
    ['orders with a yes', whole(yeses.length)],
    ['orders dropped', whole(outcome.summary.metrics.dropped_iterations?.values.count ?? 0)],
    ['wait for an answer', WAITS.map(wait).join(', ')],
    ['ledger behind, at most', `${whole(lag.eventsMax)} events, ${seconds(lag.secondsMax)}`],
    ['ledger complete', `${seconds(lag.backToZeroSeconds)} after the last answer`],
    ['units', `${whole(proof.received)} came in, ${whole(proof.reserved)} held, ${whole(proof.sold)} sold`],
    ['CPU per answer', used.join(', ') || 'unknown on this system'],
  ];
}
const WAITS = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
  ['max', 1],
] as const;

/** Processor seconds by process from before the first answer until the ledger was complete. */
function cpuUsed(samples: readonly Sample[], { startMs, endMs }: Times): Map<string, number> {
  // The first second may have begun before the first look.
  const first = samples.findLast(({ atMs }) => atMs <= startMs) ?? samples[0];
  const used = new Map<string, number>();
  let before = first?.cpu ?? {};
  for (const { atMs, cpu, lagEvents } of samples) {
    if (first === undefined || atMs <= first.atMs) continue;
    for (const [name, seconds] of Object.entries(cpu))
      used.set(name, (used.get(name) ?? 0) + usedSince(before[name] ?? 0, seconds));
    before = cpu;
    if (atMs >= endMs && lagEvents === 0) break;
  }
  return used;
}

/** Cores in use by process, on the average over the time in which orders came. */
function meanShares(shares: readonly Shares[], { startMs, endMs }: Times): Record<string, number> {
  const during = shares.filter(({ atMs }) => atMs > startMs + 1_000 && atMs <= endMs);
  const mean: Record<string, number> = {};
  for (const { cores } of during) {
    for (const [name, share] of Object.entries(cores)) mean[name] = (mean[name] ?? 0) + share / during.length;
  }
  return mean;
}

const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .map(([name, count]) => `${name}: ${whole(count)}`)
    .join(', ');
const whole = (value: number): string => Math.round(value).toLocaleString('en');
const ms = (value: number): string => `${value.toFixed(1)} ms`;
const seconds = (value: number): string => `${value.toFixed(1)} s`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
