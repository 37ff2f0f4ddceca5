/**
 * Processor time by process, from /proc. Promises: a process's children count as its own, also those that have ended
 * (Postgres has one for each connection, Redis one for rewriting its file). Without /proc the values are undefined.
 */
import { readdir, readFile } from 'node:fs/promises';

/** Of the kernel towards programs, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const readOr = (path: string, fallback: string) => readFile(path, 'utf8').catch(() => fallback);

interface Ticks {
  readonly own: number;
  /** Of children that have ended and were waited for. */
  readonly ended: number;
}

/** Seconds of processor time that a process and its children have used; undefined where it is gone. */
export async function cpuSeconds(pid: number): Promise<number | undefined> {
  const root = readTicks(await readOr(`/proc/${pid}/stat`, ''));
  if (!root) return undefined;
  const children = (await readOr(`/proc/${pid}/task/${pid}/children`, '')).split(' ').filter(Boolean);
  const stats = await Promise.all(children.map((child) => readOr(`/proc/${child}/stat`, '')));
  const ticks = stats.reduce((sum, stat) => sum + (readTicks(stat)?.own ?? 0), root.own + root.ended);
  return ticks / TICKS_PER_SECOND;
}

/** The text of /proc/<pid>/stat; the name in it may hold anything, brackets and blanks included. */
export function readTicks(stat: string): Ticks | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
  if (user === undefined || system === undefined || endedUser === undefined || endedSystem === undefined) {
    return undefined;
  }
  return { own: user + system, ended: endedUser + endedSystem };
}

/** Microseconds of processor time of a process's living threads: finer than the ticks above, without its children. */
export async function threadsCpuUs(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const texts = await Promise.all(
    threads.map((thread) => readOr(`/proc/${pid}/task/${thread}/schedstat`, '')),
  );
  return texts.reduce((sum, text) => sum + Number(text.split(' ')[0] ?? 0) / 1_000, 0);
}
