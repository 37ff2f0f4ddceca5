/**
 * A Redis that is meant to be mistreated: killed, frozen, cut from power, put back to an earlier state, made a replica.
 */
import { cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { choosePort } from '../../../src/local/data-folder.ts';
import type { Program } from '../../../src/local/machine.ts';
import { ServerProcess } from './process.ts';

export interface RedisNodeOptions {
  readonly program: Program;
  readonly folder: string;
  readonly appendFsync: 'always' | 'everysec';
  /** Files to preload, and what they read from the environment. */
  readonly preload?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const COMMAND_MS_MAX = 5_000;
const PORT_OF_NOBODY = 1;

export class RedisNode {
  readonly port: number;
  readonly process: ServerProcess;
  /** For the laboratory itself. */
  readonly admin: Redis;
  readonly #options: RedisNodeOptions;

  private constructor(options: RedisNodeOptions, port: number) {
    this.#options = options;
    this.port = port;
    this.admin = adminOf(port);
    const { program, folder, preload = [] } = options;
    this.process = new ServerProcess({
      name: `redis-server on ${port}`,
      file: program.file,
      args: [join(folder, 'redis.conf')],
      env: {
        ...program.env,
        ...options.env,
        HOLDFAST_SYNCED: join(folder, 'synced'),
        ...(preload.length > 0 ? { LD_PRELOAD: preload.join(':') } : {}),
      },
      logFile: join(folder, 'redis.log'),
      isReady: async () => (await this.admin.ping().catch(() => '')) === 'PONG',
    });
  }

  static async create(options: RedisNodeOptions): Promise<RedisNode> {
    const { folder } = options;
    await mkdir(join(folder, 'data'), { recursive: true });
    await mkdir(join(folder, 'synced'), { recursive: true });
    const port = await choosePort(folder, undefined, () => {});
    const settings = {
      port,
      bind: '127.0.0.1',
      dir: join(folder, 'data'),
      save: '""',
      appendonly: 'yes',
      appendfsync: options.appendFsync,
      'no-appendfsync-on-rewrite': 'no',
      'maxmemory-policy': 'noeviction',
      'repl-diskless-sync-delay': 0,
      'repl-backlog-ttl': 0,
      // Frozen for seconds, a replica is still one.
      'repl-timeout': 60,
    };
    const text = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
    await writeFile(join(folder, 'redis.conf'), text.join(''));
    return new RedisNode(options, port);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.admin.disconnect();
    this.process.thaw();
    await this.process.kill();
  }

  /** Makes it a replica; without a primary it becomes one itself. */
  async follow(primary: RedisNode | undefined): Promise<void> {
    if (primary) await this.admin.replicaof('127.0.0.1', primary.port);
    else await this.admin.replicaof('NO', 'ONE');
  }

  /**
   * It stays a replica and gets nothing any more, as behind a cable that was cut. A frozen one would not do: the kernel goes on receiving
   * for it.
   */
  async loseTouch(): Promise<void> {
    await this.admin.replicaof('127.0.0.1', PORT_OF_NOBODY);
  }

  /** Replicas that are in sync with it. */
  async replicas(): Promise<number> {
    const info = await this.admin.info('replication').catch(() => '');
    return [...info.matchAll(/^slave\d+:.*\bstate=online\b/gm)].length;
  }

  /** Copies its folder as it is at this moment, as a backup does. */
  async copyTo(target: string): Promise<void> {
    await rm(target, { recursive: true, force: true });
    await cp(join(this.#options.folder, 'data'), target, { recursive: true });
  }

  /** Puts a copy in the place of its folder. The server is not running. */
  async putBack(copy: string): Promise<void> {
    const data = join(this.#options.folder, 'data');
    await rm(data, { recursive: true, force: true });
    await cp(copy, data, { recursive: true });
  }

  /**
   * Kills it, and takes from its files what was not synced.
   * @param keptShare of the bytes that were written and not synced, from 0 to 1: a disk may have some of them
   * @returns bytes lost
   */
  async cutPower(keptShare: number): Promise<number> {
    await this.process.kill();
    const { folder } = this.#options;
    const aof = join(folder, 'data', 'appendonlydir');
    let lost = 0;
    for (const name of await readdir(aof)) {
      const file = join(aof, name);
      const { ino, size } = await stat(file);
      const noted = Number(await readFile(join(folder, 'synced', String(ino)), 'utf8').catch(() => '0'));
      if (noted >= size) continue;
      const length = noted + Math.floor((size - noted) * keptShare);
      lost += size - length;
      await truncate(file, length);
    }
    return lost;
  }

  /** Whether the preloaded code notes syncs: a server that does not load it would show nothing. */
  async notesSyncs(): Promise<boolean> {
    return (await readdir(join(this.#options.folder, 'synced'))).length > 0;
  }
}

/** A connection of the laboratory's own: it comes back by itself, and never sends twice. */
export function adminOf(port: number): Redis {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    enableOfflineQueue: true,
    maxRetriesPerRequest: 1,
    autoResendUnfulfilledCommands: false,
    commandTimeout: COMMAND_MS_MAX,
    retryStrategy: () => 20,
  });
  redis.on('error', () => {}); // its commands fail with the same error
  return redis;
}
