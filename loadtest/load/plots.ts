/** The charts of a load run, all over the same time: answers, waits, lag, units. A second without an answer is a gap. */
import type { Panel, Picture, Point, Series } from '../chart.ts';
import type { K6Outcome } from './k6-run.ts';
import type { Sample } from './sampler.ts';
import type { Second } from './tally.ts';

export interface Measured {
  readonly outcome: Pick<K6Outcome, 'tally'>;
  readonly samples: readonly Sample[];
}

export interface Times {
  readonly startMs: number;
  /** End of the last second with an answer. */
  readonly endMs: number;
}

/** @throws where no buyer reported anything: then there was no load */
export function timesOf({ tally }: Pick<K6Outcome, 'tally'>): Times {
  const seconds = tally.seconds();
  const [first, last] = [seconds[0], seconds.at(-1)];
  if (!first || !last) throw new Error('k6 ran, and no order was answered');
  return { startMs: first.second * 1_000, endMs: (last.second + 1) * 1_000 };
}

export function pictureOf({ outcome, samples }: Measured, { startMs, endMs }: Times): Omit<Picture, 'notes'> {
  const seconds = new Map(outcome.tally.seconds().map((second) => [second.second, second]));
  const since = (atMs: number) => (atMs - startMs) / 1_000;
  const bySecond = (name: string, read: (second: Second) => number): Series => {
    const points: Point[] = [];
    for (let atMs = startMs; atMs < endMs; atMs += 1_000) {
      const second = seconds.get(atMs / 1_000);
      points.push({ x: since(atMs), y: second && read(second) });
    }
    return { name, points };
  };
  const bySample = (name: string, read: (sample: Sample) => number): Series => ({
    name,
    points: samples
      .filter(({ atMs }) => atMs >= startMs)
      .map((sample) => ({ x: since(sample.atMs), y: finite(read(sample)) })),
  });
  const x = {
    title: 'seconds since the first answer',
    max: since(Math.max(endMs, samples.at(-1)?.atMs ?? 0)),
  };
  const panel = (title: string, y: Panel['y'], series: readonly Series[]): Panel => ({
    title,
    x,
    y,
    series,
    mark: { x: since(endMs), text: 'last answer' },
  });
  return {
    title: 'Over time',
    columns: 1,
    width: 720,
    height: 190,
    panels: [
      panel(
        'Answers, by status',
        { title: 'answers a second' },
        Object.keys(outcome.tally.statuses).map((status) =>
          bySecond(status, ({ statuses }) => statuses[status] ?? 0),
        ),
      ),
      panel('Wait for an answer, as k6 sees it', { title: 'ms', log: true }, [
        bySecond('p50', ({ p50Ms }) => p50Ms),
        bySecond('p95', ({ p95Ms }) => p95Ms),
        bySecond('p99', ({ p99Ms }) => p99Ms),
      ]),
      panel('Events decided and not in the ledger yet', { title: 'events' }, [
        bySample('lag', ({ lagEvents }) => lagEvents),
      ]),
      panel('Units in the ledger', { title: 'units' }, [
        bySample('held', ({ reserved }) => reserved),
        bySample('sold', ({ sold }) => sold),
      ]),
    ],
  };
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);
