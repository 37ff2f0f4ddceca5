/**
 * The processes of this machine: their command lines, the folder they work in, and signals to them.
 * Knows nothing of what they are.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { runCommand } from './machine.ts';

const PS_MAX_MS = 5_000;

/** Program and arguments of a running process, joined by spaces; empty where it has ended or is a zombie. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform !== 'linux') {
    const ps = runCommand('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { timeoutMs: PS_MAX_MS });
    return (await ps.catch(() => '')).trimEnd();
  }
  const bytes = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return bytes.replace(/\0$/, '').replaceAll('\0', ' ');
}

/** The ids of all processes whose command line contains `part`. */
export async function processesWith(part: string): Promise<number[]> {
  if (process.platform !== 'linux') {
    const ps = runCommand('ps', ['-axww', '-o', 'pid=,command='], { timeoutMs: PS_MAX_MS });
    const lines = (await ps.catch(() => '')).split('\n').filter((line) => line.includes(part));
    return lines.map((line) => Number.parseInt(line, 10));
  }
  return filterProcesses(async (pid) => (await commandLine(pid)).includes(part));
}

/** The ids of all processes that work in `folder`; none where this system or its rights do not tell. */
export function processesIn(folder: string): Promise<number[]> {
  return filterProcesses(async (pid) => (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === folder);
}

async function filterProcesses(fits: (pid: number) => Promise<boolean>): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const fitting = await Promise.all(pids.map(fits));
  return pids.filter((_, index) => fitting[index]);
}

/** Sends a signal. A process that has ended, or is not ours to signal, is no error: the caller looks at it again. */
export function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // As said above.
  }
}
