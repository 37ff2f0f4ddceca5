/**
 * One process of a local server: found running or launched, awaited, ended. Promises: a server is never launched twice on
 * one folder, and no process gets a signal that was not recognised as ours.
 * Refuses to know what the server is: the caller describes it as a {@link ServerPlan}.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { choosePort, freshLog, isFree, logTail } from './data-folder.ts';
import type { Account, Program } from './machine.ts';
import { diagnose, type KnownProblem, LocalStoreProblem } from './problem.ts';
import { commandLine, processesWith, trySignal } from './processes.ts';

const POLL_MS = 15;
/** A server that has not answered after this time has failed to start. */
const SILENCE_MAX_MS = 20_000;
/** A server that reports loading or recovery gets this long: replaying gigabytes of log takes minutes. */
const RECOVERY_MAX_MS = 300_000;
/** After SIGKILL only the kernel has work to do. */
const KILL_MAX_MS = 5_000;
/** Another program may take the port between our check and the start of the server; then another port is tried. */
const LAUNCH_TRIES_MAX = 3;

/** A server that runs until `stop` has resolved; one that ends by itself is started again. */
export interface LocalServer {
  /** Connection URL, with user and password where there are any. It stays the same. */
  readonly url: string;
  /** One line for people: which binary, how it was found, whether a running server was taken over. */
  readonly route: string;
  /** Of the process that runs now. */
  readonly pid: number;
  /** Stops the server; everything it has acknowledged is on disk. May be called more than once. */
  stop(): Promise<void>;
}

/** `starting`: it answers that it is still loading its data. `silent`: no answer. */
export type ProbeResult = 'ready' | 'starting' | 'silent';

/** All that differs from server to server. */
export interface ServerPlan {
  name: string;
  program: Program;
  /** Folder with its port and log; locked while the server runs. */
  home: string;
  /** Less space than this on the disk of `home`, and the server is not started again: it would end at once. */
  spaceBytesMin: number;
  /** The file to which the server writes its process id, in the first line. */
  pidFile: string;
  /** The first arguments: the data folder, and at the end the flag before the port. */
  identity: string[];
  /** The arguments after the port. */
  settings: string[];
  account?: Account | undefined;
  preferredPort?: number | undefined;
  stopSignal: NodeJS.Signals;
  stopMaxMs: number;
  log: (line: string) => void;
  /** What output of the server means, and the remedy. */
  knownProblems: readonly KnownProblem[];
  /** Prepares the folder before the first start; runs while the folder is locked. */
  prepare?(): Promise<void>;
  /** Runs before each launch, when no server of ours is left on the folder. @throws {LocalStoreProblem} where it must not run */
  beforeLaunch?(): Promise<void>;
  probe(port: number): Promise<ProbeResult>;
}

/** A process that is ready. */
export interface Launched {
  pid: number;
  port: number;
  /** Absent for a server that was taken over: it is not our child process. */
  child?: ChildProcess;
}

/** Servers to signal when this process ends without having called `stop`. */
const running = new Map<number, NodeJS.Signals>();
process.on('exit', () => {
  for (const [pid, signal] of running) trySignal(pid, signal);
});

/**
 * Takes over the server that a killed run left on this folder, where it runs as it would be started today; any other
 * server of ours on the folder is ended.
 * @returns undefined where no server runs
 */
export async function takeOver(plan: ServerPlan): Promise<Launched | undefined> {
  const noted = Number.parseInt(await readFile(plan.pidFile, 'utf8').catch(() => ''), 10);
  // The file may be gone, or not be written yet: a second server on the folder would destroy the data.
  const found = new Set([noted, ...(await processesWith(plan.identity.join(' ')))]);
  let taken: Launched | undefined;
  for (const pid of found) {
    const port = Number.isInteger(pid) ? await portOfOurs(plan, pid) : undefined;
    if (port === undefined) continue;
    const asNow = [plan.program.file, ...plan.identity, port, ...plan.settings].join(' ');
    const fits = !taken && (await commandLine(pid)) === asNow;
    if (fits && (await awaitReady(plan, pid, port)) === 'ready') {
      running.set(pid, plan.stopSignal);
      taken = { pid, port };
    } else {
      plan.log(`${plan.name} of an earlier run does not fit or does not answer; ending it (process ${pid})`);
      await endProcess(plan, pid);
    }
  }
  return taken;
}

/**
 * Launches the server on a port that is chosen.
 * @throws {LocalStoreProblem} where it is not ready in time; the message has the remedy, or else the end of the server's log
 */
export async function launch(plan: ServerPlan): Promise<Launched> {
  for (let tries = 1; ; tries += 1) {
    await plan.beforeLaunch?.();
    const port = await choosePort(plan.home, plan.preferredPort, plan.log);
    const outcome = await launchOn(plan, port);
    if (typeof outcome !== 'string') return outcome;
    const lastLines = await logTail(plan);
    if (tries < LAUNCH_TRIES_MAX && /address already in use/i.test(lastLines)) continue;
    const known = diagnose(lastLines, plan.knownProblems);
    throw new LocalStoreProblem(
      known === undefined
        ? `${plan.program.file} ${outcome}. The end of its log (${plan.home}/${plan.name}.log):\n${lastLines}`
        : `${plan.name} on ${plan.home} ${outcome}: ${known}`,
    );
  }
}

/**
 * Launches the server again on the port that its clients know.
 * @returns the process, or why there is none, in words
 */
export async function relaunch(
  plan: ServerPlan,
  port: number,
  signal: AbortSignal,
): Promise<Launched | string> {
  try {
    await plan.beforeLaunch?.();
    if (!(await isFree(port))) return `port ${port} is taken by another program`;
    const outcome = await launchOn(plan, port, signal);
    if (typeof outcome !== 'string') return outcome;
    return diagnose(await logTail(plan), plan.knownProblems) ?? `it ${outcome}; its log is in ${plan.home}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @returns the process, or what happened to it in words */
async function launchOn(plan: ServerPlan, port: number, signal?: AbortSignal): Promise<Launched | string> {
  const child = await spawnServer(plan, port, await freshLog(plan));
  const pid = child.pid ?? 0;
  const outcome = await awaitReady(plan, pid, port, signal);
  if (outcome === 'ready') return { pid, port, child };
  await endProcess(plan, pid);
  return outcome;
}

/**
 * Detached, so that Ctrl-C in the terminal reaches only this process, which lets the API finish first. Output goes to a
 * file, not to a pipe: a server must survive a killed parent and would die of a broken pipe.
 */
async function spawnServer(plan: ServerPlan, port: number, logFile: string): Promise<ChildProcess> {
  const { program } = plan;
  const out = await open(logFile, 'a');
  try {
    const child = spawn(program.file, [...plan.identity, String(port), ...plan.settings], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', out.fd, out.fd],
      env: { ...process.env, LC_ALL: 'C', ...program.env },
      ...plan.account,
    });
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    running.set(pid, plan.stopSignal);
    child.once('exit', () => running.delete(pid));
    child.unref();
    return child;
  } finally {
    await out.close();
  }
}

/** Polls until the server is ready, ends, or the time is over. @returns `ready`, or what happened in words */
async function awaitReady(
  plan: ServerPlan,
  pid: number,
  port: number,
  signal?: AbortSignal,
): Promise<string> {
  const began = performance.now();
  let limitMs = SILENCE_MAX_MS;
  while (performance.now() - began < limitMs) {
    const answer = await plan.probe(port);
    // Another program may have taken the port and answered the probe: our process must be running as well.
    if ((await portOfOurs(plan, pid)) !== port) return 'ended before it was ready';
    if (answer === 'ready') return 'ready';
    if (answer === 'starting') limitMs = RECOVERY_MAX_MS;
    if (signal?.aborted) return 'is not wanted any more';
    await sleep(POLL_MS);
  }
  return `was not ready within ${limitMs / 1000} s`;
}

/** Sends the stop signal, waits, then sends SIGKILL. A process that is not ours any more counts as ended. */
export async function endProcess(plan: ServerPlan, pid: number): Promise<void> {
  for (const [signal, limitMs] of [
    [plan.stopSignal, plan.stopMaxMs],
    ['SIGKILL', KILL_MAX_MS],
  ] as const) {
    running.delete(pid);
    if ((await portOfOurs(plan, pid)) === undefined) return;
    trySignal(pid, signal);
    const began = performance.now();
    while (performance.now() - began < limitMs) {
      if ((await portOfOurs(plan, pid)) === undefined) return;
      await sleep(POLL_MS);
    }
    plan.log(`${plan.name} (process ${pid}) has not ended ${limitMs / 1000} s after ${signal}`);
  }
}

/**
 * The port of process `pid` where its command line shows that it is the server of this folder, else undefined. Process ids
 * are reused, so the id alone proves nothing. The port follows the `identity` arguments.
 */
export async function portOfOurs(plan: ServerPlan, pid: number): Promise<number | undefined> {
  const line = await commandLine(pid);
  const mark = ` ${plan.identity.join(' ')} `;
  const at = line.indexOf(mark);
  const port = at < 0 ? Number.NaN : Number.parseInt(line.slice(at + mark.length), 10);
  return Number.isInteger(port) ? port : undefined;
}
