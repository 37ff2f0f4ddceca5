/**
 * Samples a loaded Holdfast once a second: how far the ledger is behind, and what it holds. Promises: a sample that fails
 * leaves a gap and nothing else.
 */
import type pg from 'pg';

export interface Sample {
  /** Since 1970. */
  readonly atMs: number;
  /** Events decided and not in the ledger yet, as the worker knows it. */
  readonly lagEvents: number;
  readonly lagSeconds: number;
  /** Units, as the ledger has them. */
  readonly reserved: number;
  readonly sold: number;
}

const PERIOD_MS = 1_000;
const LOOK_MS_MAX = 5_000;

export class Sampler {
  readonly samples: Sample[] = [];
  readonly #workerUrl: string;
  readonly #postgres: pg.Pool;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();

  /** Looks at once, and then every second until stopped. */
  constructor(workerUrl: string, postgres: pg.Pool) {
    this.#workerUrl = workerUrl;
    this.#postgres = postgres;
    this.#next(0);
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
    const atMs = Date.now();
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
    };
    this.samples.push(sample);
  }
}

/** The value of a metric without labels in a Prometheus page; NaN where it is not on it. */
export function readGauge(page: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1] ?? Number.NaN);
}
