/** Callers in a closed loop: each calls again when it is answered. Latencies are raw samples; no histogram rounds them. */

/** The result of a run of callers. Latencies in milliseconds, sorted. */
export interface Calls {
  readonly perSecond: number;
  readonly count: number;
  readonly latenciesMs: Float64Array;
  /** Processor time per call, in microseconds, by process: it tells more than the clock where others use the machine. */
  readonly cpuUs: Cpu;
}

/** Processor time by process, in microseconds. */
export type Cpu = Readonly<Record<string, number>>;

/** Of this process. */
export function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export interface Span {
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** No more calls than this: orders are made before the measurement, and memory is bounded. */
  readonly callsMax: number;
}

/** @param p from 0 to 1 */
export function percentile(sortedMs: Float64Array, p: number): number {
  if (sortedMs.length === 0) return Number.NaN;
  return sortedMs[Math.min(sortedMs.length - 1, Math.floor(p * sortedMs.length))] as number;
}

/** What a call answers that came to nothing: it is no throughput, and nobody got an answer after its wait. */
export const UNCOUNTED = Symbol('uncounted');

/**
 * `callers` at once, each with one call under way at any time.
 * @param meter reads processor time, at the beginning and at the end of what is measured
 * @param call is given a number that no other call gets and its caller, both from 0 on; what it throws ends the measurement
 */
export async function closedLoop(
  callers: number,
  { warmUpMs, measureMs, callsMax }: Span,
  meter: () => Promise<Cpu>,
  call: (n: number, caller: number) => Promise<unknown>,
): Promise<Calls> {
  const latencies = new Float64Array(callsMax);
  const fromMs = performance.now() + warmUpMs;
  const toMs = fromMs + measureMs;
  let next = 0;
  let count = 0;
  let lastMs = fromMs;
  let cpuBefore: Promise<Cpu> | undefined;
  const run = async (caller: number) => {
    while (next < callsMax) {
      const n = next++;
      const startedMs = performance.now();
      if (startedMs >= toMs) return;
      const answer = await call(n, caller);
      const nowMs = performance.now();
      if (nowMs < fromMs || nowMs > toMs || answer === UNCOUNTED) continue;
      cpuBefore ??= meter();
      latencies[count++] = nowMs - startedMs;
      lastMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => run(caller)));
  const [before, after] = [await cpuBefore, await meter()];
  // Calls that ran out ended the measurement before its time.
  const seconds = (next < callsMax ? measureMs : lastMs - fromMs) / 1_000;
  const cpuUs = Object.fromEntries(
    Object.entries(after).map(([name, us]) => [name, (us - (before?.[name] ?? 0)) / count]),
  );
  return { perSecond: count / seconds, count, latenciesMs: latencies.slice(0, count).sort(), cpuUs };
}

/** Numbers `from` up to `to`, each once, so many at a time. */
export async function eachOnce(
  callers: number,
  from: number,
  to: number,
  call: (n: number, caller: number) => Promise<unknown>,
): Promise<void> {
  let next = from;
  const run = async (caller: number) => {
    while (next < to) await call(next++, caller);
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => run(caller)));
}
