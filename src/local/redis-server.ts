/**
 * A Redis of our own for `npm start` and for tests: found on this machine or brought from the distribution,
 * and run with every write on disk before it is answered. Never touches a Redis it did not start.
 */
import { mkdir, realpath } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fetchDebianPackages, libraryPath, unpackedFolder } from './debian-packages.ts';
import {
  findCacheFolder,
  findPrograms,
  type Program,
  runCommand,
  type Search,
  searchFolders,
} from './machine.ts';
import { type LocalServer, type ProbeResult, runServer } from './server-process.ts';

/** Functions and streams as our Lua uses them, and the append-only folder, came with 7.0. */
const REDIS_MAJOR_MIN = 7;
const PROBE_MAX_MS = 1_000;
/** An append-only Redis has nothing left to save when it is told to end. */
const STOP_MAX_MS = 10_000;

export interface RedisOptions extends Search {
  /** Holds all that is ours; Redis keeps to its folder `redis/`. */
  dataFolder: string;
  /** Wished port; the one of the last start, or any free one, when absent or taken. */
  port?: number;
  /** `always` by default: what Redis acknowledged is on disk. */
  appendFsync?: 'always' | 'everysec';
  /** Hears one line for each step that takes time or surprises. */
  log: (line: string) => void;
}

/**
 * Starts Redis on the loopback interface, or takes over the one an earlier run left on this folder.
 * @throws when no Redis 7.0 can be found or brought (the message has the command to run), when the folder is
 * in use, or when the server does not get ready (the message has its log).
 */
export async function startRedis(options: RedisOptions): Promise<LocalServer> {
  const { log, appendFsync = 'always' } = options;
  await mkdir(join(options.dataFolder, 'redis'), { recursive: true });
  const home = await realpath(join(options.dataFolder, 'redis'));
  const pidFile = join(home, 'redis.pid');
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    daemonize: 'no',
    pidfile: pidFile,
    // The title would replace the command line, by which a server left behind is recognised.
    'set-proc-title': 'no',
    save: '',
    appendonly: 'yes',
    appendfsync: appendFsync,
    'no-appendfsync-on-rewrite': 'no',
    'maxmemory-policy': 'noeviction',
  };
  const server = await runServer({
    name: 'redis-server',
    program: await findRedis(options, home),
    home,
    pidFile,
    identity: ['--dir', home, '--port'],
    settings: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    wishedPort: options.port,
    stopSignal: 'SIGTERM',
    stopMaxMs: STOP_MAX_MS,
    log,
    probe: pingRedis,
  });
  return { ...server, url: `redis://127.0.0.1:${server.port}` };
}

async function findRedis(options: RedisOptions, home: string): Promise<Program> {
  const misses: string[] = [];
  const folders = searchFolders(options.searchPath);
  const installed = [
    ...(await findPrograms('redis-server', folders)),
    ...(await findPrograms('valkey-server', folders)),
  ];
  for (const file of installed) {
    const version = await versionOf(file, {});
    if (isUsable(version)) return { file, env: {}, route: `${version}, installed here (${file})` };
    misses.push(`${file} is ${version ?? 'not runnable'}`);
  }

  const wish = { ...options, name: 'redis-server', packages: ['redis-server', 'redis-tools'] };
  const cacheFolder = await findCacheFolder(options, home);
  const kept = await fromPackages(unpackedFolder({ ...wish, cacheFolder }));
  if (kept) return kept;
  try {
    const fetched = await fromPackages(await fetchDebianPackages({ ...wish, cacheFolder }));
    if (fetched) return fetched;
    misses.push("the distribution's package is too old or does not run");
  } catch (error) {
    misses.push(`it could not be fetched: ${error instanceof Error ? error.message : error}`);
  }
  throw new Error(
    `No Redis ${REDIS_MAJOR_MIN}.0 or newer. Install one (Debian, Ubuntu: sudo apt-get install redis-server; ` +
      `macOS: brew install redis), or name a running one: REDIS_URL=redis://host:port\n` +
      `Looked on PATH and in ${cacheFolder}; ${misses.join('; ') || 'nothing found'}`,
  );
}

async function fromPackages(tree: string): Promise<Program | undefined> {
  const file = join(tree, 'usr/bin/redis-server');
  const env = { LD_LIBRARY_PATH: await libraryPath(tree) };
  const version = await versionOf(file, env);
  return isUsable(version)
    ? { file, env, route: `${version}, from Debian packages kept in ${tree}` }
    : undefined;
}

/** Such as `Redis 7.0.15` or `Valkey 8.0.1`; undefined when the file does not run here. */
async function versionOf(file: string, env: Record<string, string>): Promise<string | undefined> {
  const words = await runCommand(file, ['--version'], { timeoutMs: 5_000, env }).catch(() => '');
  const match = words.match(/^(\w+) server v=(\d+\.\d+\.\d+)/);
  return match ? `${match[1]} ${match[2]}` : undefined;
}

const isUsable = (version = ''): boolean => Number(version.match(/ (\d+)\./)?.[1] ?? 0) >= REDIS_MAJOR_MIN;

/** One PING over a connection of its own. */
function pingRedis(port: number): Promise<ProbeResult> {
  return new Promise((answer) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const finish = (result: ProbeResult) => {
      socket.destroy();
      answer(result);
    };
    socket.setTimeout(PROBE_MAX_MS, () => finish('silent'));
    socket.once('error', () => finish('silent'));
    socket.once('close', () => finish('silent'));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (bytes) => {
      const words = bytes.toString('latin1');
      finish(words.startsWith('+PONG') ? 'ready' : words.startsWith('-LOADING') ? 'starting' : 'silent');
    });
  });
}
