/**
 * The result of a load run: checks, totals and charts, from k6's summary, the samples and the proof.
 * Promises: every check names its bound.
 */
import type { Proof } from '../../src/proof/proof.ts';
import type { K6Outcome } from './k6-run.ts';
import { pictureOf, type Times, timesOf } from './plots.ts';
import { ordersIn } from './proving.ts';
import type { Check } from './report.ts';
import type { Sample } from './sampler.ts';
import type { LoadSettings } from './settings.ts';

/** The ledger may be this far behind while orders come, and needs at most this long once they have ended. */
export const LAG_SECONDS_MAX = 10;
/** Above this share of dropped orders the machine does not carry the rate. */
const DROPPED_SHARE_MAX = 0.005;

export interface Course {
  readonly settings: LoadSettings;
  readonly outcome: K6Outcome;
  readonly samples: readonly Sample[];
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
  const lag = lagOf(course.samples, times);
  return {
    checks: checksOf(course, lag),
    remarks: remarksOf(course),
    totals: totalsOf(course, lag),
    picture: pictureOf(course, times),
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
  const bound = `at most ${LAG_SECONDS_MAX} s`;
  const checks: (readonly [isFine: boolean, text: string])[] = [
    [count('unexpected') === 0, `unexpected answers: ${count('unexpected')}`],
    [
      count('oversold') === 0 && proof.oversold === 0,
      `units oversold: ${count('oversold')} by the API, ${proof.oversold} by both stores`,
    ],
    [p99Ms <= settings.p99MsMax, `p99 of all answers ${ms(p99Ms)}, at most ${settings.p99MsMax} ms`],
    [outcome.broken.length === 0, `thresholds of the script: ${outcome.broken.join('; ') || 'all kept'}`],
    [
      isCaughtUp && back <= LAG_SECONDS_MAX,
      `ledger complete ${Number.isNaN(back) ? 'never' : seconds(back)} after the last answer, ${bound}`,
    ],
    [lag.secondsMax <= LAG_SECONDS_MAX, `ledger at most ${seconds(lag.secondsMax)} behind, ${bound}`],
    [
      proof.isProven && proof.lost === 0,
      'proof over both stores: what was sold was there, and Redis and ledger agree',
    ],
    [
      ordersIn(proof) === proof.acknowledged,
      `orders in the ledger: ${whole(ordersIn(proof))}, orders that got a yes: ${whole(proof.acknowledged)}`,
    ],
    [acknowledged > 0, `orders that got a yes in this run: ${whole(acknowledged)}`],
    [(unreturned ?? 0) === 0, `abandoned units that have not returned: ${unreturned ?? 'none had to'}`],
  ];
  return checks.map(([isFine, text]) => ({ isFine, text }));
}

function remarksOf({ outcome }: Course): string[] {
  const { dropped_iterations: dropped, iterations: sent } = outcome.summary.metrics;
  const count = dropped?.values.count ?? 0;
  const share = count / Math.max(1, count + (sent?.values.count ?? 0));
  if (share <= DROPPED_SHARE_MAX) return [];
  const percent = `${(share * 100).toFixed(1)} %`;
  return [
    `${percent} of the orders were dropped: they were due while every buyer was still waiting, so the machine does not carry this rate.`,
  ];
}

function totalsOf(course: Course, lag: Lag): [string, string][] {
  const { settings, outcome, proof } = course;
  const { waits, statuses, yeses } = outcome.tally;
  const perSecond = outcome.tally
    .seconds()
    .map(({ answers }) => answers)
    .sort((a, b) => a - b);
  const median = perSecond[Math.floor(perSecond.length / 2)] ?? 0;
  const wait = ([name, share]: readonly [string, number]) => `${name} ${ms(waits.percentileMs(share))}`;
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
  ];
}
const WAITS = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
  ['max', 1],
] as const;

const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .map(([name, count]) => `${name}: ${whole(count)}`)
    .join(', ');
const whole = (value: number): string => Math.round(value).toLocaleString('en');
const ms = (value: number): string => `${value.toFixed(1)} ms`;
const seconds = (value: number): string => `${value.toFixed(1)} s`;
