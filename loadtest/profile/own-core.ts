/**
 * A core for the process that is profiled. Node's profiler goes by the clock: where another process takes the core away in
 * the middle of a system call that woke it, all it does there counts as that call. Promises nothing where there is one core,
 * or no `taskset`, as outside Linux: then system calls show more than they cost.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Its main thread alone: V8's collector has helpers, which it waits for.
 * @param others that are busy meanwhile: they share the other cores, with all their threads
 */
export async function giveOwnCore(pid: number, others: readonly number[]): Promise<void> {
  const last = availableParallelism() - 1;
  if (last < 1) return;
  try {
    await pin(pid, '0');
    for (const other of others) await pin(other, `1-${last}`, '-a');
  } catch {
    console.error('  taskset did not work: system calls may show time of other processes');
  }
}

const pin = (pid: number, cores: string, ...threads: readonly string[]) =>
  run('taskset', [...threads, '-c', '-p', cores, String(pid)]);
