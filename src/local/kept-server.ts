/**
 * A local server that is kept running: started, and started again on its port whenever it ends by itself, for as long as
 * nobody stops it. Promises: the address stays; a full disk is waited out; waits grow up to {@link WAIT_MAX_MS}; each
 * reason is told once, in one line.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimFolder, isDiskFull } from './data-folder.ts';
import {
  endProcess,
  type Launched,
  launch,
  portOfOurs,
  relaunch,
  type ServerPlan,
  takeOver,
} from './server-process.ts';

const WAIT_MIN_MS = 500;
const WAIT_MAX_MS = 30_000;
/** A server that ran this long has recovered: the next wait is short again. */
const STEADY_MS = 60_000;
/** A server that was taken over is no child of ours, and a disk has no event: both are looked at this often. */
const LOOK_MS = 500;

/** A running server whose URL is not known yet. */
export interface KeptServer {
  readonly port: number;
  readonly pid: number;
  readonly route: string;
  /** May be called more than once. */
  stop(): Promise<void>;
}

/**
 * Starts the server of `plan`, or takes over the one that a killed run left on the same folder, and keeps it running.
 * @throws {LocalStoreProblem} where the folder is in use, or the server is not ready in time
 */
export async function keepServer(plan: ServerPlan): Promise<KeptServer> {
  const release = await claimFolder(plan.home);
  try {
    await plan.prepare?.();
    const left = await takeOver(plan);
    let now = left ?? (await launch(plan));
    const stopping = new AbortController();
    const keeping = keep(plan, now, stopping.signal, (launched) => {
      now = launched;
    });
    let stopped: Promise<void> | undefined;
    const stop = async () => {
      stopping.abort();
      await keeping;
      await endProcess(plan, now.pid);
      release();
    };
    return {
      port: now.port,
      get pid() {
        return now.pid;
      },
      route: left
        ? `${plan.program.route}; still running from an earlier run, taken over`
        : plan.program.route,
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Resolves when `stopping` is aborted. @param onLaunch gets each process that takes the place of the one before */
async function keep(
  plan: ServerPlan,
  first: Launched,
  stopping: AbortSignal,
  onLaunch: (launched: Launched) => void,
): Promise<void> {
  let now = first;
  let waitMs = WAIT_MIN_MS;
  while (!stopping.aborted) {
    const began = performance.now();
    const how = await untilEnded(plan, now, stopping);
    if (how === undefined) return;
    if (performance.now() - began > STEADY_MS) waitMs = WAIT_MIN_MS;
    let told = '';
    const tell = (why: string) => {
      if (why !== told) plan.log(`${plan.name} ${why}`);
      told = why;
    };
    tell(`ended by itself (${how}); it is started again; its log is in ${plan.home}`);
    for (let isBack = false; !isBack; ) {
      await pause(waitMs, stopping);
      waitMs = Math.min(2 * waitMs, WAIT_MAX_MS);
      while (!stopping.aborted && (await isDiskFull(plan.home, plan.spaceBytesMin))) {
        tell(`stays away while the disk of ${plan.home} is full: make room, and it is started again`);
        await pause(LOOK_MS, stopping);
      }
      if (stopping.aborted) return;
      const outcome = await relaunch(plan, now.port, stopping);
      isBack = typeof outcome !== 'string';
      if (typeof outcome !== 'string') now = outcome;
      else if (!stopping.aborted)
        tell(
          `could not be started again, which is tried again at least every ${WAIT_MAX_MS / 1000} s: ${outcome}`,
        );
    }
    onLaunch(now);
    tell(`runs again (process ${now.pid})`);
  }
}

/** How the process ended; undefined where `stopping` was aborted before. */
async function untilEnded(
  plan: ServerPlan,
  { pid, child }: Launched,
  stopping: AbortSignal,
): Promise<string | undefined> {
  if (!child) {
    while (!stopping.aborted && (await portOfOurs(plan, pid)) !== undefined) await pause(LOOK_MS, stopping);
    return stopping.aborted ? undefined : 'it was started by an earlier run';
  }
  const ended = () => child.signalCode ?? (child.exitCode === null ? undefined : `code ${child.exitCode}`);
  if (ended() === undefined) await once(child, 'exit', { signal: stopping }).catch(() => undefined);
  return stopping.aborted ? undefined : ended();
}

/** Does not keep this process alive, and ends early where `stopping` is aborted. */
async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stopping, ref: false }).catch(() => undefined);
}
