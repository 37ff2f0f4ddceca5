/**
 * Built programs as processes of their own, for tests that start and stop them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { builtProgram } from '../services.ts';

/** A process that a test started; it is gone when the test ends. */
export interface Run {
  readonly process: ChildProcess;
  /** All it said so far, standard output and errors. */
  said(): string;
  /** Resolves when it said this. */
  saying(what: RegExp): Promise<RegExpExecArray>;
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>;
}

type Stdio = NonNullable<Parameters<typeof spawn>[2]['stdio']>;

/** Starts a built program with nothing in its environment but PATH and what is given. */
export function runProgram(
  name: string,
  env: Record<string, string>,
  args: readonly string[] = [],
  stdio?: Stdio,
): Run {
  return runCommand(process.execPath, [builtProgram(name), ...args], { env, stdio });
}

/** Starts any command in the same way. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: {
    readonly env?: Record<string, string>;
    readonly stdio?: Stdio | undefined;
    readonly cwd?: string;
    readonly detached?: boolean;
  } = {},
): Run {
  const { env, stdio = ['ignore', 'pipe', 'pipe'], cwd, detached } = options;
  const child = spawn(file, args, {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio,
    ...(cwd === undefined ? {} : { cwd }),
    ...(detached === undefined ? {} : { detached }),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  }
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return {
    process: child,
    said: () => said,
    saying: async (what) => {
      for (;;) {
        const found = what.exec(said);
        if (found) return found;
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} and said: ${said}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    ended,
  };
}

/** The address of an API in its log. */
export async function addressOf(run: Run): Promise<string> {
  return (await run.saying(/"url":"(http:\/\/[^"]+)"/))[1] ?? '';
}

/** Asks for one unit of A. */
export function reserve(url: string, orderId: string): Promise<Response> {
  return fetch(`${url}/v1/reservations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ orderId, lines: [{ sku: 'A', quantity: 1 }] }),
  });
}

/** Waits until an API answers. */
export async function isLive(run: Run, url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/livez`).catch(() => undefined);
    if (answer?.ok) return;
    if (run.process.exitCode !== null) throw new Error(`it ended and said: ${run.said()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
