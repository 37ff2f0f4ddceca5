/**
 * Two releases on the same stores: this one, and the one before it, which is built from the history of the repository
 * into .holdfast/releases/. Each runs as processes of its own, as it would in production.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { builtProgram } from '../services.ts';

/** The last commit of the release before this one. */
export const COMMIT_BEFORE = '8ba7b78b25846d6af7f5305db40c44e446fa089a';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const RELEASES = join(ROOT, '.holdfast', 'releases');
const run = promisify(execFile);

export interface Stores {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly prefix: string;
}

export interface Release {
  readonly name: 'before' | 'now';
  /** Arguments of `node` that run the program. */
  program(name: 'serve' | 'work' | 'migrate' | 'reconcile'): readonly string[];
}

export const RELEASE_NOW: Release = {
  name: 'now',
  program: (name) => [builtProgram(name)],
};

/** Whether the history reaches back to the release before. */
export async function isReleaseBeforeThere(): Promise<boolean> {
  return run('git', ['cat-file', '-e', `${COMMIT_BEFORE}^{commit}`], { cwd: ROOT }).then(
    () => true,
    () => false,
  );
}

/** Builds the release before, once; takes some seconds the first time. */
export async function releaseBefore(): Promise<Release> {
  const folder = join(RELEASES, COMMIT_BEFORE);
  const isBuilt = await access(folder).then(
    () => true,
    () => false,
  );
  if (!isBuilt) await build(folder);
  return { name: 'before', program: (name) => [join(folder, 'dist', `${name}.js`)] };
}

/** The folder gets its name when it is whole, so that two runs can build at the same time. */
async function build(folder: string): Promise<void> {
  await mkdir(RELEASES, { recursive: true });
  const building = await mkdtemp(join(RELEASES, 'building-'));
  try {
    const archive = join(building, 'release.tar');
    const paths = ['src', 'lua', 'package.json', 'tsconfig.json'];
    await run('git', ['archive', '-o', archive, COMMIT_BEFORE, ...paths], { cwd: ROOT });
    await run('tar', ['-x', '-f', archive, '-C', building]);
    await symlink(join(ROOT, 'node_modules'), join(building, 'node_modules'));
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    await run(process.execPath, [compiler, '-p', 'tsconfig.json'], { cwd: building });
    await rename(building, folder);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    // Another run was faster.
    const isThere = error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY';
    if (!isThere) throw error;
  }
}

/** A program of a release under way. */
export interface Program {
  readonly release: Release;
  /** All it has written so far. */
  output(): string;
  /** Asks it to stop and waits until it has ended. */
  stop(): Promise<void>;
}

export interface Api extends Program {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly isReplayed: boolean;
}

/** Programs that still run; a test ends them. */
export class Programs {
  readonly #running = new Set<Program>();

  async api(release: Release, stores: Stores): Promise<Api> {
    const program = await this.#start(release, 'serve', stores, { PORT: '0' });
    const url = await written(program, /"url":"(http:\/\/[^"]+)"/);
    return {
      ...program,
      call: async (method, path, body, headers = {}) => {
        const answer = await fetch(`${url}${path}`, {
          method,
          headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return {
          status: answer.status,
          body: (await answer.json()) as Record<string, unknown>,
          isReplayed: answer.headers.get('idempotent-replayed') === 'true',
        };
      },
    };
  }

  async worker(release: Release, stores: Stores): Promise<Program> {
    const program = await this.#start(release, 'work', stores, { HOLDFAST_WORKER_PORT: '0' });
    await written(program, /"metricsPort":(\d+)/);
    return program;
  }

  async migrate(release: Release, stores: Stores): Promise<void> {
    await run(process.execPath, [...release.program('migrate')], { env: environment(stores) });
  }

  /** Compares hot path and ledger by the command line tool of this release. */
  async reconcile(stores: Stores): Promise<Record<string, unknown>> {
    const args = [...RELEASE_NOW.program('reconcile'), '--json', '--wait', '20'];
    const { stdout } = await run(process.execPath, args, { env: environment(stores) }).catch(
      (error: { stdout: string; stderr: string }) => {
        if (!error.stdout) throw error;
        return error;
      },
    );
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((program) => program.stop()));
  }

  async #start(
    release: Release,
    name: 'serve' | 'work',
    stores: Stores,
    extra: Record<string, string>,
  ): Promise<Program> {
    const child = spawn(process.execPath, release.program(name), {
      env: { ...environment(stores), ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    const program: Program = { release, output: () => output, stop: () => stop(child) };
    const tracked = { ...program, stop: () => stop(child).finally(() => this.#running.delete(program)) };
    this.#running.add(program);
    await once(child, 'spawn');
    return tracked;
  }
}

function environment({ redisUrl, databaseUrl, prefix }: Stores): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    REDIS_URL: redisUrl,
    DATABASE_URL: databaseUrl,
    HOLDFAST_PREFIX: prefix,
  };
}

const KILL_AFTER_MS = 10_000;
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await ended;
  clearTimeout(timer);
}

const START_MS_MAX = 60_000;
/** What a program writes once it is ready: the first group of the pattern. */
async function written(program: Program, pattern: RegExp): Promise<string> {
  const endMs = Date.now() + START_MS_MAX;
  for (;;) {
    const found = pattern.exec(program.output())?.[1];
    if (found !== undefined) return found;
    if (Date.now() > endMs) throw new Error(`not ready in time, it wrote: ${program.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
