/**
 * How a long-running process ends. Promises: told to end it ends in order, within its time in any case; told again it ends at
 * once; an error that nobody caught ends it in order too, with the exit code 1. Refuses to know: what there is to close.
 */
import closeWithGrace from 'close-with-grace';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/**
 * A signal soon after the first is the same one: Ctrl-C reaches every process of the terminal, and npm hands it on to its
 * child once more.
 */
const SAME_SIGNAL_MS = 500;

/** Why a process ends: a signal or an error. */
export interface Reason {
  readonly signal?: string;
  readonly err?: Error;
}

/** What is said of the end: a log, or the console. */
type Voice = { error(what: unknown): void };

/**
 * Ends the process when it is told to, also while it starts: `end` closes what was started, then the exit code is 0.
 * @param starting what to close; where it fails there is nothing
 * @param msMax what is not closed after this time is left, and the exit code is 1
 */
export function endWhenTold<T>(
  starting: Promise<T>,
  msMax: number,
  voice: Voice,
  end: (started: T, reason: Reason) => Promise<void>,
): void {
  let reason: Reason = {};
  let toldAtMs: number | undefined;
  const ending = closeWithGrace(
    { delay: msMax, logger: voice, skip: [...SIGNALS, 'beforeExit'] },
    async ({ err }) => {
      toldAtMs ??= performance.now();
      const started = await starting.catch(() => undefined);
      if (started !== undefined) await end(started, err ? { err } : reason);
      else if (err) voice.error(err);
    },
  );
  const tell = (signal: string) => {
    const nowMs = performance.now();
    if (toldAtMs === undefined) {
      toldAtMs = nowMs;
      reason = { signal };
      ending.close();
    } else if (nowMs - toldAtMs > SAME_SIGNAL_MS) {
      voice.error(`second ${signal}, exiting`);
      process.exit(1);
    }
  };
  for (const signal of SIGNALS) process.on(signal, tell);
}
