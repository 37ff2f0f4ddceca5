/**
 * One server process that is meant to be mistreated: started, killed, frozen, started again on the same port and folder.
 * Promises: a process that this one started is gone when this one ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { logTail } from '../../../src/local/data-folder.ts';
import type { Account } from '../../../src/local/machine.ts';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;
const POLL_MS = 10;

const alive = new Set<number>();
process.on('exit', () => {
  for (const pid of alive) signal(pid, 'SIGKILL');
});

export interface ServerOptions {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly account?: Account | undefined;
  readonly logFile: string;
  /** Whether it answers. */
  isReady(): Promise<boolean>;
}

export class ServerProcess {
  readonly options: ServerOptions;
  #child: ChildProcess | undefined;

  constructor(options: ServerOptions) {
    this.options = options;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it without waiting for an answer. */
  async launch(): Promise<void> {
    const { file, args, env, account, logFile } = this.options;
    const out = openSync(logFile, 'a');
    const child = spawn(file, [...args], {
      cwd: '/',
      // Ctrl-C in the terminal is for the laboratory, which ends its servers itself.
      detached: true,
      stdio: ['ignore', out, out],
      env: { ...process.env, LC_ALL: 'C', ...env },
      ...account,
    });
    closeSync(out);
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    alive.add(pid);
    child.once('exit', () => alive.delete(pid));
    this.#child = child;
  }

  /** Starts it as its supervisor would: again and again until it stays. @throws with the end of its log after a minute */
  async start(): Promise<void> {
    const limitMs = performance.now() + START_MS_MAX;
    await this.launch();
    for (;;) {
      if (!this.isRunning) {
        await sleep(10 * POLL_MS);
        await this.launch();
      } else if (await this.options.isReady()) return;
      if (performance.now() > limitMs) {
        throw new Error(
          `${this.options.name} does not answer. The end of its log:\n${await this.#logTail()}`,
        );
      }
      await sleep(POLL_MS);
    }
  }

  /** Kill -9 of the process and its children. */
  async kill(): Promise<void> {
    for (const pid of this.#family()) signal(pid, 'SIGKILL');
    await this.#ended();
  }

  /** Asks it to end. */
  async stop(by: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    signal(this.pid, by);
    const timer = setTimeout(() => void this.kill(), STOP_MS_MAX);
    await this.#ended();
    clearTimeout(timer);
  }

  freeze(): void {
    for (const pid of this.#family()) signal(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.#family()) signal(pid, 'SIGCONT');
  }

  #logTail(): Promise<string> {
    const { logFile } = this.options;
    return logTail({ home: dirname(logFile), name: basename(logFile, '.log') });
  }

  async #ended(): Promise<void> {
    const child = this.#child;
    if (child && this.isRunning) await once(child, 'exit');
  }

  #family(): number[] {
    return this.isRunning ? [this.pid, ...childrenOf(this.pid)] : [];
  }
}

/** Children of a process: Postgres has one for each connection. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        // The name of the program may have brackets and spaces; the parent is the second field after it.
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        return false; // ended meanwhile
      }
    })
    .map(Number);
}

/** Sends a signal; a process that has ended is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, name);
  } catch {
    // ended already
  }
}
