/**
 * The life cycle of a local server process: found running or started, awaited, stopped. Promises: a server is never
 * started twice on one folder, and no process gets a signal that was not recognised as ours.
 * Refuses to know what the server is: the caller describes it as a {@link ServerPlan}.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { choosePort, claimFolder, freshLog, logTail } from './data-folder.ts';
import { type Account, type Program, runCommand } from './machine.ts';

const POLL_MS = 15;
/** A server that has not answered after this time has failed to start. */
const SILENCE_MAX_MS = 20_000;
/** A server that reports loading or recovery gets this long: replaying gigabytes of log takes minutes. */
const RECOVERY_MAX_MS = 300_000;
/** After SIGKILL only the kernel has work to do. */
const KILL_MAX_MS = 5_000;
/** Another program may take the port between our check and the start of the server; then another port is tried. */
const LAUNCH_TRIES_MAX = 3;

/** A server that runs until `stop` has resolved. */
export interface LocalServer {
  /** Connection URL, with user and password where there are any. */
  url: string;
  /** One line for people: which binary, how it was found, whether a running server was taken over. */
  route: string;
  pid: number;
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
  /** Prepares the folder before the first start; runs while the folder is locked. */
  prepare?(): Promise<void>;
  probe(port: number): Promise<ProbeResult>;
}

/** A running server whose URL is not known yet. */
export interface RunningServer {
  port: number;
  pid: number;
  route: string;
  stop(): Promise<void>;
}

interface Launched {
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
 * Starts the server of `plan`, or takes over the one that a killed run left on the same folder.
 * @throws where the folder is in use, the program cannot be started, or it is not ready in time; the message ends with the
 * server's own log
 */
export async function runServer(plan: ServerPlan): Promise<RunningServer> {
  const release = await claimFolder(plan.home);
  try {
    await plan.prepare?.();
    const left = await takeOver(plan);
    const { pid, port, child } = left ?? (await launch(plan));
    if (left) running.set(pid, plan.stopSignal);
    let stopping: Promise<void> | undefined;
    const stop = async () => {
      await endProcess(plan, pid);
      release();
    };
    child?.once('exit', (code, signal) => {
      if (!stopping)
        plan.log(`${plan.name} ended by itself (${signal ?? `code ${code}`}); its log is in ${plan.home}`);
    });
    return {
      port,
      pid,
      route: left
        ? `${plan.program.route}; still running from an earlier run, taken over`
        : plan.program.route,
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Takes over a server of an earlier run where it runs with the same arguments as today, and stops it otherwise. */
async function takeOver(plan: ServerPlan): Promise<Launched | undefined> {
  const pid = Number.parseInt(await readFile(plan.pidFile, 'utf8').catch(() => ''), 10);
  const port = Number.isInteger(pid) ? await portOfOurs(plan, pid) : undefined;
  if (port === undefined) return undefined;
  const asNow = [...plan.identity, port, ...plan.settings].join(' ');
  if ((await commandLine(pid)).endsWith(asNow)) {
    const outcome = await awaitReady(plan, pid, port);
    if (outcome === 'ready') return { pid, port };
  }
  plan.log(`${plan.name} of an earlier run does not fit or does not answer; ending it (process ${pid})`);
  await endProcess(plan, pid);
  return undefined;
}

async function launch(plan: ServerPlan): Promise<Launched> {
  for (let tries = 1; ; tries += 1) {
    const port = await choosePort(plan.home, plan.preferredPort, plan.log);
    const logFile = await freshLog(plan.home, plan.name);
    const child = await spawnServer(plan, port, logFile);
    const pid = child.pid ?? 0;
    const outcome = await awaitReady(plan, pid, port);
    if (outcome === 'ready') return { pid, port, child };
    await endProcess(plan, pid);
    const lastLines = await logTail(logFile);
    if (tries < LAUNCH_TRIES_MAX && /address already in use/i.test(lastLines)) continue;
    throw new Error(`${plan.program.file} ${outcome}. The end of its log (${logFile}):\n${lastLines}`);
  }
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
async function awaitReady(plan: ServerPlan, pid: number, port: number): Promise<string> {
  const began = performance.now();
  let limitMs = SILENCE_MAX_MS;
  while (performance.now() - began < limitMs) {
    const answer = await plan.probe(port);
    // Another program may have taken the port and answered the probe: our process must be running as well.
    if ((await portOfOurs(plan, pid)) !== port) return 'ended before it was ready';
    if (answer === 'ready') return 'ready';
    if (answer === 'starting') limitMs = RECOVERY_MAX_MS;
    await sleep(POLL_MS);
  }
  return `was not ready within ${limitMs / 1000} s`;
}

/** Sends the stop signal, waits, then sends SIGKILL. A process that is not ours any more counts as ended. */
async function endProcess(plan: ServerPlan, pid: number): Promise<void> {
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
async function portOfOurs(plan: ServerPlan, pid: number): Promise<number | undefined> {
  const line = await commandLine(pid);
  const mark = ` ${plan.identity.join(' ')} `;
  const at = line.indexOf(mark);
  const port = at < 0 ? Number.NaN : Number.parseInt(line.slice(at + mark.length), 10);
  return Number.isInteger(port) ? port : undefined;
}

/** Program and arguments of a running process; empty where it has ended or is a zombie. */
async function commandLine(pid: number): Promise<string> {
  if (process.platform !== 'linux') {
    const ps = runCommand('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { timeoutMs: 5_000 });
    return (await ps.catch(() => '')).trimEnd();
  }
  const bytes = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return bytes.replace(/\0$/, '').replaceAll('\0', ' ');
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Ended already, or not allowed: the caller checks the process.
  }
}
