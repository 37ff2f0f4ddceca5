/**
 * A local Redis for `npm start` and for tests: found on this machine or downloaded from the distribution, and run so that
 * every write is on disk before it is acknowledged. Never touches a Redis it did not start.
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

/** Lua and streams as Holdfast uses them, and the append-only folder, need 7.0. */
const REDIS_MAJOR_MIN = 7;
const PROBE_MAX_MS = 1_000;
/** An append-only Redis has nothing to save when it stops. */
const STOP_MAX_MS = 10_000;

export interface RedisOptions extends Search {
  /** Redis uses its folder `redis/`. */
  dataFolder: string;
  /** Default, also where it is taken: the port of the last start, or any free one. */
  port?: number;
  /** Default `always`: what Redis has acknowledged is on disk. */
  appendFsync?: 'always' | 'everysec';
  /** Gets a line for each step that takes time and for each surprise. */
  log: (line: string) => void;
}

/**
 * Starts Redis on the loopback interface, or takes over the one that an earlier run left running on this folder.
 * @throws where no Redis 7.0 can be found or downloaded (the message has the command to run), where the folder is in use,
 * or where the server does not become ready (the message has its log)
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
    // The title would replace the command line, by which a server of an earlier run is recognised.
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
    preferredPort: options.port,
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

  const request = { ...options, name: 'redis-server', packages: ['redis-server', 'redis-tools'] };
  const cacheFolder = await findCacheFolder(options, home);
  const kept = await fromPackages(unpackedFolder({ ...request, cacheFolder }));
  if (kept) return kept;
  try {
    const fetched = await fromPackages(await fetchDebianPackages({ ...request, cacheFolder }));
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

/** Such as `Redis 7.0.15` or `Valkey 8.0.1`; undefined where the file does not run here. */
async function versionOf(file: string, env: Record<string, string>): Promise<string | undefined> {
  const output = await runCommand(file, ['--version'], { timeoutMs: 5_000, env }).catch(() => '');
  const match = output.match(/^(\w+) server v=(\d+\.\d+\.\d+)/);
  return match ? `${match[1]} ${match[2]}` : undefined;
}

const isUsable = (version = ''): boolean => Number(version.match(/ (\d+)\./)?.[1] ?? 0) >= REDIS_MAJOR_MIN;

/** Sends one PING over a new connection. */
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
      const reply = bytes.toString('latin1');
      finish(reply.startsWith('+PONG') ? 'ready' : reply.startsWith('-LOADING') ? 'starting' : 'silent');
    });
  });
}
