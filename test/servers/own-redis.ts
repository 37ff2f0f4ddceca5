/**
 * Redis servers of a test's own, with any settings, Sentinels included: started with the program that runs the tests' Redis.
 * Promises: what was started is gone when its file of tests has ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis, type RedisConnection } from '../../src/hotpath/connection.ts';
import type { PartitionKeys } from '../../src/hotpath/keys.ts';
import { openPartition, readControl } from '../../src/hotpath/partition.ts';
import { testRedisUrl } from '../services.ts';

/** A server that a test has started. */
export interface OwnRedis {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  /** Ends it at once, or as told; resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const running = new Set<OwnRedis>();
const links = new Set<RedisConnection>();
const folders = new Set<string>();

/** Ends every server and connection of this file; for `afterAll` or `afterEach`. */
export async function endRedisServers(): Promise<void> {
  for (const link of links) link.disconnect();
  links.clear();
  await Promise.all([...running].map((server) => server.kill('SIGKILL')));
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  folders.clear();
}

/** A connection that ends with the servers. */
export async function linkTo(url: string): Promise<RedisConnection> {
  const redis = connectRedis(url);
  links.add(redis);
  await redis.connect();
  return redis;
}

/**
 * What a worker does after it has compared Redis with the ledger, for tests without one: the partition goes on where it stands,
 * in the incarnation that Redis has now.
 */
export async function verifyByHand(redis: RedisConnection, keys: PartitionKeys): Promise<void> {
  const control = await readControl(redis, keys);
  if (control) await openPartition(redis, keys, control.epoch.number, control);
}

let program: Promise<{ file: string; env: NodeJS.ProcessEnv }> | undefined;

/** The program behind the tests' Redis, with the environment it needs; only on Linux, and only where it runs here. */
async function findProgram(): Promise<{ file: string; env: NodeJS.ProcessEnv }> {
  const redis = connectRedis(testRedisUrl());
  await redis.connect();
  const info = await redis.info('server');
  redis.disconnect();
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const environ = readFileSync(`/proc/${field('process_id')}/environ`, 'utf8').split('\0');
  const library = environ.find((line) => line.startsWith('LD_LIBRARY_PATH='))?.slice(16);
  return {
    file: field('executable'),
    env: library === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: library },
  };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A folder that is gone after the tests. */
export async function ownFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-redis-'));
  folders.add(folder);
  return folder;
}

const DURABLE = ['appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction', 'save ""'];

/**
 * Starts a server with the settings that Holdfast needs; lines of redis.conf change or add some.
 * @param isReady replaces the question whether it answers PING without a password
 */
export async function ownRedis(
  lines: readonly string[] = [],
  { sentinel = false, port, isPlain = true }: { sentinel?: boolean; port?: number; isPlain?: boolean } = {},
): Promise<OwnRedis> {
  program ??= findProgram();
  const { file, env } = await program;
  const folder = await ownFolder();
  const own = port ?? (await freePort());
  const data = join(folder, 'data');
  await mkdir(data);
  const config = [
    'bind 127.0.0.1',
    ...(isPlain ? [`port ${own}`] : ['port 0']),
    `dir ${data}`,
    ...(sentinel ? [] : [...DURABLE, 'repl-diskless-sync-delay 0']),
    ...lines.map((line) => line.replaceAll('$PORT', String(own))),
  ];
  await writeFile(join(folder, 'redis.conf'), `${config.join('\n')}\n`);
  const args = [join(folder, 'redis.conf'), ...(sentinel ? ['--sentinel'] : [])];
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const server: OwnRedis = {
    port: own,
    url: `redis://127.0.0.1:${own}`,
    folder,
    kill: async (signal = 'SIGKILL') => {
      running.delete(server);
      await end(child, signal);
    },
  };
  running.add(server);
  await ready(child);
  return server;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** Waits for the line of its log that says so. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      log = (log + bytes).slice(-4_000);
      if (/eady to accept connections|Sentinel ID is/.test(log)) resolve();
    });
    child.once('exit', () => reject(new Error(`the server ended at once: ${log}`)));
  });
}

/** A TCP address whose connections go to a server that can be changed; the connections before stay where they are. */
export class SwitchedAddress {
  target: number;
  #server = createServer((client) => {
    const server = connect(this.target, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      this.#sockets.add(from);
      from.once('close', () => this.#sockets.delete(from));
    }
  });
  readonly #sockets = new Set<Socket>();

  constructor(target: number) {
    this.target = target;
  }

  /** Begins to listen. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
