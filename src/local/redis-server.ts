/**
 * A local Redis or Valkey for `npm start` and for tests, run so that every write is on disk before it is acknowledged, and
 * kept running. Never touches a Redis it did not start.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { openFolder } from './data-folder.ts';
import { markEngine, markedEngine } from './engine-name.ts';
import { keepServer } from './kept-server.ts';
import type { Search } from './machine.ts';
import type { KnownProblem } from './problem.ts';
import { type EngineChoice, findEngine } from './redis-engines.ts';
import type { LocalServer, ProbeResult } from './server-process.ts';

const PROBE_MAX_MS = 1_000;
/** An append-only Redis has nothing to save when it stops. */
const STOP_MAX_MS = 10_000;
/** For a few seconds of a rush, and for the log that says what is wrong. */
const SPACE_BYTES_MIN = 16_000_000;

const KNOWN_PROBLEMS: readonly KnownProblem[] = [
  [/No space left on device|MISCONF.*disk/, 'its disk is full: make room'],
  [
    /Can't handle RDB format version|Unknown RDB format|not compatible.*RDB/i,
    'its data was written by a newer or another engine: start it under that one (HOLDFAST_LOCAL_REDIS), or name another data folder (HOLDFAST_DATA=/path npm start)',
  ],
  [
    /Bad file format reading the append only file|AOF.*(corrupt|damaged)|Unexpected end of file reading/i,
    'its append-only file is damaged: mend a copy of it with redis-check-aof --fix, or move the folder away, and it is filled from the ledger',
  ],
  [
    /Permission denied|Can't open.*append.*file/i,
    'its files belong to another user: start as that user, or give them to this one (chown -R)',
  ],
];

export interface RedisOptions extends Search {
  /** Redis uses its folder `redis/`. */
  dataFolder: string;
  /** Default, also where it is taken: the port of the last start, or any free one. */
  port?: number;
  /** Default `always`: what Redis has acknowledged is on disk. */
  appendFsync?: 'always' | 'everysec';
  /** Default `debian`, the oldest that is supported: what runs there runs on the newer ones. */
  engine?: EngineChoice;
  /** Gets a line for each step that takes time and for each surprise. */
  log: (line: string) => void;
}

/**
 * Starts Redis on the loopback interface, or takes over the one that an earlier run left running on this folder, and starts it
 * again whenever it ends by itself.
 * @throws {LocalStoreProblem} where no Redis 7.0 can be found or fetched, or none that reads the data (the message has what
 * to do), where the folder cannot be used, or where the server does not become ready (the message has its log)
 */
export async function startRedis(options: RedisOptions): Promise<LocalServer> {
  const { log, appendFsync = 'always', engine: choice = 'debian' } = options;
  const home = await openFolder(join(options.dataFolder, 'redis'), SPACE_BYTES_MIN);
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
  const wrote = await markedEngine(home);
  const program = await findEngine({ ...options, choice, home, wrote });
  const server = await keepServer({
    name: 'redis-server',
    program,
    home,
    spaceBytesMin: SPACE_BYTES_MIN,
    pidFile,
    identity: ['--dir', home, '--port'],
    settings: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    preferredPort: options.port,
    stopSignal: 'SIGTERM',
    stopMaxMs: STOP_MAX_MS,
    log,
    knownProblems: KNOWN_PROBLEMS,
    probe: pingRedis,
  });
  // After its start: an engine that cannot read the data has written nothing.
  await markEngine(home, program.engine);
  return Object.assign(server, { url: `redis://127.0.0.1:${server.port}` });
}

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
