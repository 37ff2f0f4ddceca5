/**
 * What the process counts and shows at /metrics, in base units, without labels that grow with the catalogue.
 * Promises: a request costs two increments and one observation; the engine's figures are read on each scrape.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import { PROBLEM_CODES, type ProblemCode } from './problems.ts';

/** Close together around the goal, a p99 of 50 ms. */
const DURATION_SECONDS_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The counters of one route, looked up once when it is declared. */
export interface RouteMetrics {
  answered(status: number, startedAtMs: number): void;
}

export interface HttpMetrics {
  route(name: string): RouteMetrics;
  problem(code: ProblemCode): void;
  text(): Promise<string>;
  readonly contentType: string;
}

/** Registers the metrics of HTTP and of the engine. */
export function openMetrics(registry: Registry, hot: HotInventory): HttpMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'holdfast_requests_total',
    help: 'Requests answered, by route and status.',
    labelNames: ['route', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'holdfast_request_duration_seconds',
    help: 'From the request read to the answer handed over, by route. Requests refused before that are not in it.',
    labelNames: ['route'],
    buckets: DURATION_SECONDS_BUCKETS,
    registers,
  });
  const problems = new Counter({
    name: 'holdfast_problems_total',
    help: 'Problems answered, by code (see /problems).',
    labelNames: ['code'],
    registers,
  });
  for (const code of PROBLEM_CODES) problems.inc({ code }, 0);
  observeEngine(registry, hot);
  return {
    route: (name) => {
      const duration = durations.labels(name);
      const byStatus = new Map<number, Counter.Internal>();
      return {
        answered: (status, startedAtMs) => {
          let count = byStatus.get(status);
          if (!count) {
            count = requests.labels(name, String(status));
            byStatus.set(status, count);
          }
          count.inc();
          if (startedAtMs > 0) duration.observe((performance.now() - startedAtMs) / 1_000);
        },
      };
    },
    problem: (code) => problems.inc({ code }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

const CLOCK_STATES = ['steady', 'behind'] as const;

function observeEngine(registry: Registry, hot: HotInventory): void {
  const registers = [registry];
  const totals: [name: string, help: string, read: () => number][] = [
    ['holdfast_engine_batches_total', 'Batches sent to Redis.', () => hot.counts.batches],
    [
      'holdfast_engine_commands_total',
      'Commands sent; divided by the batches it is the batch size.',
      () => hot.counts.commands,
    ],
    ['holdfast_engine_faults_total', 'Commands that met an outage.', () => hot.counts.faults],
    [
      'holdfast_engine_unknown_batches_total',
      'Batches whose outcome stayed unknown.',
      () => hot.counts.unknown,
    ],
  ];
  for (const [name, help, read] of totals) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
  const gauges: [name: string, help: string, read: () => number | undefined][] = [
    ['holdfast_engine_queued_commands', 'Commands waiting for a batch.', () => hot.queued],
    [
      'holdfast_ledger_backlog_events',
      'Events the ledger has not committed yet.',
      () => hot.head?.backlogEvents,
    ],
    [
      'holdfast_partition_epoch',
      'Epoch of the partition; it grows with every rebuild.',
      () => hot.head?.epoch,
    ],
    [
      'holdfast_partition_sequence',
      'Sequence of the latest batch that changed anything.',
      () => hot.head?.sequence,
    ],
  ];
  for (const [name, help, read] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read();
        // Unknown before the first answer of Redis; 0 would be wrong.
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
  new Gauge({
    name: 'holdfast_redis_problem',
    help: 'What is wrong with Redis or the connection to it, so that nothing may be sold (1); absent where nothing is.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      const reason = hot.store?.problem?.reason;
      if (reason) this.set({ reason }, 1);
    },
  });
  new Gauge({
    name: 'holdfast_clock_state',
    help: 'Whether the clock of Redis goes as it should (1 for the state it is in).',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of CLOCK_STATES) this.set({ state }, hot.head?.clock === state ? 1 : 0);
    },
  });
}
