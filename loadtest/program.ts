/**
 * A built program of Holdfast (`serve`, `work`) as a process of its own, with its log read line by line.
 * Promises: warnings and worse are passed on; a program that ends or stays silent at its start is an error.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const START_MS_MAX = 60_000;
/** A worker first carries what is left into the ledger; after this time it is killed. */
const STOP_MS_MAX = 30_000;
/** The level of pino from which a line is passed on. */
const WARN = 40;

export type LogLine = Readonly<Record<string, unknown>>;

export interface Program {
  readonly name: string;
  readonly child: ChildProcess;
  readonly listeners: Set<(line: LogLine) => void>;
}

/** @param file path of the built program */
export function startProgram(
  name: string,
  file: string,
  environment: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Program {
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, ...environment, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const listeners = new Set<(line: LogLine) => void>();
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (text) => {
    const line = parseLine(text);
    if (!line || Number(line.level) >= WARN) log(`${name}: ${text}`);
    if (line) for (const listener of listeners) listener(line);
  });
  return { name, child, listeners };
}

function parseLine(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}

/** The first log line that has this member. @throws where the program ends or stays silent */
export async function logLineWith({ name, child, listeners }: Program, member: string): Promise<LogLine> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error(`${name} did not start in time`)), START_MS_MAX);
    const listener = (line: LogLine) => {
      if (member in line) finish(line);
    };
    const exited = () => finish(new Error(`${name} ended at its start`));
    const finish = (end: LogLine | Error) => {
      clearTimeout(timer);
      listeners.delete(listener);
      child.off('exit', exited);
      if (end instanceof Error) reject(end);
      else resolve(end);
    };
    listeners.add(listener);
    child.once('exit', exited);
  });
}

/** Asks it to stop, and waits until it has. */
export async function endProgram({ child }: Program): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
}
