/**
 * Looks at a loaded Holdfast once a second: how far the ledger is behind, what the ledger holds, and whose processor time
 * it is. Promises: a look that fails leaves a gap and nothing else; looking costs a few milliseconds a second.
 */
import type pg from 'pg';
import { busySeconds, cpuSeconds } from './cpu.ts';
import type { Watched } from './holdfast.ts';

export interface Sample {
  /** Since 1970. */
  readonly atMs: number;
  /** Events decided and not in the ledger yet, as the worker knows it. */
  readonly lagEvents: number;
  readonly lagSeconds: number;
  /** Units, as the ledger has them. */
  readonly reserved: number;
  readonly sold: number;
  /** Processor seconds used so far, by process; without those that cannot be asked. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Of all processes of the machine. */
  readonly busySeconds: number | undefined;
}

const PERIOD_MS = 1_000;
const LOOK_MS_MAX = 5_000;

export class Sampler {
  readonly samples: Sample[] = [];
  readonly #workerUrl: string;
  readonly #postgres: pg.Pool;
  readonly #watched: Watched[];
  readonly #onSample: (sample: Sample) => void;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();

  /** Looks at once, and then every second until stopped. */
  constructor(
    workerUrl: string,
    postgres: pg.Pool,
    processes: readonly Watched[],
    onSample: (sample: Sample) => void = () => {},
  ) {
    this.#workerUrl = workerUrl;
    this.#postgres = postgres;
    this.#watched = [...processes];
    this.#onSample = onSample;
    this.#next(0);
  }

  /** One more process from now on; in the place of the one that had its name. */
  watch(watched: Watched): void {
    const at = this.#watched.findIndex(({ name }) => name === watched.name);
    this.#watched.splice(at < 0 ? this.#watched.length : at, at < 0 ? 0 : 1, watched);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#look;
  }

  #next(waitMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      const startedMs = performance.now();
      this.#look = this.#sample()
        .catch(() => undefined)
        .then(() => this.#next(Math.max(0, PERIOD_MS - (performance.now() - startedMs))));
    }, waitMs);
  }

  async #sample(): Promise<void> {
    const cpu: Record<string, number> = {};
    for (const { name, pid, isAlone } of this.#watched) {
      const used = await cpuSeconds(pid, isAlone);
      if (used !== undefined) cpu[name] = used;
    }
    const atMs = Date.now();
    const busy = await busySeconds();
    const answer = await fetch(`${this.#workerUrl}/metrics`, { signal: AbortSignal.timeout(LOOK_MS_MAX) });
    const text = await answer.text();
    const { rows } = await this.#postgres.query<{ reserved: string; sold: string }>(
      'SELECT coalesce(sum(reserved), 0) AS reserved, coalesce(sum(sold), 0) AS sold FROM items',
    );
    const sample = {
      atMs,
      lagEvents: readGauge(text, 'holdfast_ledger_lag_events'),
      lagSeconds: readGauge(text, 'holdfast_ledger_lag_seconds'),
      reserved: Number(rows[0]?.reserved),
      sold: Number(rows[0]?.sold),
      cpu,
      busySeconds: busy,
    };
    this.samples.push(sample);
    this.#onSample(sample);
  }
}

/** The value of a metric without labels in a Prometheus page; NaN where it is not on it. */
export function readGauge(page: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1] ?? Number.NaN);
}

/** The rest of the machine. */
export const OTHERS = 'others';

export interface Shares {
  readonly atMs: number;
  /** Cores, by process, and those of others. */
  readonly cores: Readonly<Record<string, number>>;
}

/** Seconds used between two looks; a process that came meanwhile in the place of another has used all it has used. */
export function usedSince(before: number, now: number): number {
  return now >= before ? now - before : now;
}

/** How many cores each process had between one look and the next. */
export function coreShares(samples: readonly Sample[]): Shares[] {
  return samples.slice(1).flatMap((sample, i) => {
    const before = samples[i];
    if (!before) return [];
    const seconds = (sample.atMs - before.atMs) / 1_000;
    const cores: Record<string, number> = {};
    for (const [name, used] of Object.entries(sample.cpu)) {
      cores[name] = usedSince(before.cpu[name] ?? 0, used) / seconds;
    }
    if (sample.busySeconds !== undefined && before.busySeconds !== undefined) {
      const ours = Object.values(cores).reduce((sum, share) => sum + share, 0);
      cores[OTHERS] = Math.max(0, (sample.busySeconds - before.busySeconds) / seconds - ours);
    }
    return [{ atMs: sample.atMs, cores }];
  });
}
