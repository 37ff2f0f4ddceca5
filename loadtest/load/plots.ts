/**
 * The plots of a load run, all over the same time: answers, waits, lag, processors, units.
 * Promises: what happened at one moment stands one below the other. Refuses to know how a plot is drawn.
 */
import type { Chart, Point } from './chart.ts';
import type { K6Outcome } from './k6-run.ts';
import { OTHERS, type Sample, type Shares } from './sampler.ts';
import type { ToldSecond } from './told.ts';

export interface Measured {
  readonly outcome: Pick<K6Outcome, 'told'>;
  readonly samples: readonly Sample[];
  /** Of the machine. */
  readonly cores: number;
}

export interface Times {
  readonly startMs: number;
  /** When the last second with an answer was over. */
  readonly endMs: number;
}

/** @throws where no buyer told anything: then there was no load */
export function timesOf({ told }: Pick<K6Outcome, 'told'>): Times {
  const seconds = told.seconds();
  const [first, last] = [seconds[0], seconds.at(-1)];
  if (!first || !last) throw new Error('k6 ran, and no order was answered');
  return { startMs: first.second * 1_000, endMs: (last.second + 1) * 1_000 };
}

/** @param shares of the processor, by process, between two samples */
export function chartsOf(
  { outcome, samples, cores }: Measured,
  { startMs, endMs }: Times,
  shares: readonly Shares[],
): Chart[] {
  const told = outcome.told.seconds();
  const since = (atMs: number) => (atMs - startMs) / 1_000;
  const sampled = samples.filter(({ atMs }) => atMs >= startMs);
  const visible = shares.filter(({ atMs }) => atMs >= startMs);
  const over = (read: (sample: Sample) => number): Point[] =>
    sampled.map((sample) => [since(sample.atMs), read(sample)]);
  const byTold = (read: (second: ToldSecond) => number): Point[] =>
    told.map((second) => [since(second.second * 1_000), read(second)]);
  const processes = [...new Set(shares.flatMap((share) => Object.keys(share.cores)))].sort(othersLast);
  const charts: Chart[] = [
    {
      title: 'Answers a second, by status',
      unit: 'answers/s',
      series: Object.keys(outcome.told.statuses).map((status) => ({
        name: status,
        points: byTold(({ statuses }) => statuses[status] ?? 0),
      })),
      isStacked: true,
    },
    {
      title: 'Wait for an answer, as k6 sees it, second by second',
      unit: 'ms',
      series: [
        { name: 'p50', points: byTold(({ p50Ms }) => p50Ms) },
        { name: 'p95', points: byTold(({ p95Ms }) => p95Ms) },
        { name: 'p99', points: byTold(({ p99Ms }) => p99Ms) },
      ],
      isLogarithmic: true,
    },
    {
      title: 'Lag of the worker: events decided and not in the ledger yet',
      unit: 'events',
      series: [{ name: 'lag', points: over(({ lagEvents }) => lagEvents) }],
    },
    {
      title: `Cores in use, of ${cores}`,
      unit: 'cores',
      series: processes.map((name) => ({
        name,
        points: visible.map((share) => [since(share.atMs), share.cores[name] ?? 0] as const),
      })),
      isStacked: true,
      yAtLeast: cores,
    },
    {
      title: 'Units held and sold, as the ledger has them',
      unit: 'units',
      series: [
        { name: 'held', points: over(({ reserved }) => reserved) },
        { name: 'sold', points: over(({ sold }) => sold) },
      ],
    },
  ];
  // One axis for all, so that what happened at one moment stands one below the other.
  const xMax = since(Math.max(endMs, samples.at(-1)?.atMs ?? 0));
  return charts.map((chart) => ({ ...chart, xMax, marks: [{ x: since(endMs), text: 'last answer' }] }));
}

const othersLast = (a: string, b: string): number => Number(a === OTHERS) - Number(b === OTHERS);
