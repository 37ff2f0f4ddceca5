/**
 * Another process of the benchmark, told what to do one thing after the other. Promises: it ends with this one, and one
 * that has ended, or stays silent, is an error and not a wait for ever.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A worker may have a backlog to carry before it answers. */
const ANSWER_MS_MAX = 120_000;

/** @param file beside this one, run as it is */
export function startChild(file: string, args: readonly string[] = []): ChildProcess {
  return fork(new URL(file, import.meta.url), args, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** Tells it something, and waits for its answer. @throws where there is none, or it is `{ failure }` */
export async function ask(child: ChildProcess, told: string | object): Promise<object> {
  child.send(told);
  return heard(child);
}

/** The next thing it says. */
export async function heard(child: ChildProcess): Promise<object> {
  const over = new AbortController();
  const limit = AbortSignal.any([over.signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  try {
    const said = await Promise.race([
      once(child, 'message', { signal: limit }).then(([message]) => message as object),
      once(child, 'exit', { signal: limit }).then(() => ({ failure: 'it ended' })),
    ]);
    if ('failure' in said) throw new Error(`${child.spawnargs[2]} failed: ${said.failure}`);
    return said;
  } finally {
    over.abort();
  }
}
