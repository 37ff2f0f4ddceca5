/**
 * A PgBouncer before a Postgres: installed, or from Debian's package. Promises: undefined, after a line that says why, where
 * it cannot be had.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { exists, findNobody, isOpenToOthers, isRoot } from '../../src/local/machine.ts';
import { poll } from '../../src/timing/retry.ts';
import { query } from './own-postgres.ts';
import { debianProgram } from './releases.ts';

export interface Pooler {
  /** The same database and user, through the pooler. */
  through(url: string): string;
  stop(): Promise<void>;
}

const READY_MS_MAX = 20_000;

/**
 * Starts one in the folder of a server.
 * @param urls every user who will come, with the password
 */
export async function startPgBouncer(
  mode: 'transaction' | 'session',
  parent: string,
  urls: readonly string[],
): Promise<Pooler | undefined> {
  const folder = await mkdtemp(join(parent, 'pgbouncer-'));
  await chmod(folder, 0o755);
  try {
    const { file, env } = await reachable(await debianProgram('pgbouncer', 'usr/sbin/pgbouncer'), folder);
    const first = new URL(urls[0] ?? '');
    const port = await freePort();
    const quoted = (text: string) => `"${decodeURIComponent(text).replaceAll('"', '""')}"`;
    const users = urls
      .map((each) => new URL(each))
      .map((each) => `${quoted(each.username)} ${quoted(each.password)}\n`);
    await writeFile(join(folder, 'users.txt'), users.join(''));
    const settings = join(folder, 'pgbouncer.ini');
    await writeFile(
      settings,
      `[databases]
* = host=${first.hostname} port=${first.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, 'users.txt')}
pool_mode = ${mode}
default_pool_size = 4
`,
    );
    const account = isRoot() ? await findNobody() : {};
    const child = spawn(file, [settings], { ...account, env: { ...process.env, ...env } });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk;
    });
    const ended = once(child, 'exit');
    const through = (url: string) => {
      const at = new URL(url);
      at.host = `127.0.0.1:${port}`;
      return at.href;
    };
    const answers = () =>
      query(through(urls[0] ?? ''), 'SELECT 1').then(
        () => true,
        () => (child.exitCode === null ? undefined : false),
      );
    const isReady = await poll(answers, { everyMs: 50, timeoutMs: READY_MS_MAX });
    if (isReady !== true) {
      child.kill('SIGKILL');
      throw new Error(`it did not start: ${log}`);
    }
    return {
      through,
      stop: async () => {
        child.kill('SIGKILL');
        await ended;
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    console.log(`skipped, no PgBouncer: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** It refuses to run as root, and another user cannot read root's cache: then program and libraries are copied. */
async function reachable(program: { file: string; env: Record<string, string> }, folder: string) {
  if (!isRoot() || (await isOpenToOthers(program.file))) return program;
  const file = join(folder, 'pgbouncer');
  await cp(program.file, file);
  await chmod(file, 0o755);
  const copies: string[] = [];
  for (const [i, library] of (program.env.LD_LIBRARY_PATH ?? '').split(':').entries()) {
    if (!(await exists(library))) continue;
    const copy = join(folder, `lib${i}`);
    await cp(library, copy, { recursive: true, verbatimSymlinks: true });
    copies.push(copy);
  }
  return { file, env: { LD_LIBRARY_PATH: copies.join(':') } };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
