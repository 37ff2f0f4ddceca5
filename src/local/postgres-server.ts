/**
 * A local Postgres for `npm start` and for tests: a cluster in the data folder, with checksums, a password and full
 * durability. Never touches a Postgres it did not start. Knows nothing of the ledger's tables.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { OTHER_FOLDER, openFolder, shortHash } from './data-folder.ts';
import { keepServer } from './kept-server.ts';
import { type Account, exists, findNobody, isOpenToOthers, isRoot, runCommand } from './machine.ts';
import { findPostgres, type PostgresBinaries, type PostgresSearch } from './postgres-binaries.ts';
import { clearStaleLock } from './postmaster-lock.ts';
import { diagnose, type KnownProblem, LocalStoreProblem } from './problem.ts';
import type { LocalServer, ProbeResult } from './server-process.ts';

const USER = 'holdfast';
const INITDB_MAX_MS = 120_000;
const PROBE_MAX_MS = 1_000;
const STATEMENT_MAX_MS = 30_000;
/** A fast shutdown writes one checkpoint: the pages of up to 2 GB of write-ahead log. */
const STOP_MAX_MS = 60_000;
/** Where root's clusters go when `nobody` cannot reach the data folder. Not /var/tmp: old files are deleted there. */
const ROOT_DATA_FOLDER = '/var/lib/holdfast';
/** A new cluster takes 40 MB, and each file of its log 16. */
const SPACE_BYTES_MIN = 64_000_000;

const KNOWN_PROBLEMS: readonly KnownProblem[] = [
  [/No space left on device/, 'its disk is full: make room'],
  [
    /pre-existing shared memory block|lock file "postmaster.pid" already exists/,
    'processes of a Postgres that ran on this data have not ended: end them (the log names them), then start again',
  ],
  [
    /database files are incompatible with server/,
    `another release of Postgres made this data: install that one, or ${OTHER_FOLDER}`,
  ],
  [
    /has wrong ownership|Permission denied/,
    'its files belong to another user: start as that user, or give them to this one (chown -R)',
  ],
  [/has invalid permissions/, 'its folder `cluster` is open to others: chmod 700 it'],
  [
    /could not locate a valid checkpoint record|invalid checkpoint record|could not open file "global\/pg_control"/,
    `its data is damaged: restore a copy of the folder, or ${OTHER_FOLDER}`,
  ],
];

export interface PostgresOptions extends PostgresSearch {
  /** Postgres uses its folder `postgres/`. */
  dataFolder: string;
  /** Default, also where it is taken: the port of the last start, or any free one. */
  port?: number;
  /** Created where it does not exist. Default: `holdfast`. */
  database?: string;
  /** Gets a line for each step that takes time and for each surprise. */
  log: (line: string) => void;
}

/**
 * Starts Postgres on the loopback interface, or takes over the one that an earlier run left running on this folder, and starts
 * it again whenever it ends by itself.
 *
 * The database user is a superuser, who can run programs on this machine, and every user of the machine can connect to
 * the loopback interface. So it has a random password (scram), saved next to the cluster.
 * @throws {LocalStoreProblem} where no PostgreSQL can be found or downloaded (the message has the command to run), where the
 * folder cannot be used, or where the server does not become ready (the message has its log)
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalServer> {
  const { log, database = USER } = options;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(database))
    throw new LocalStoreProblem(`Not a plain database name: ${database}`);
  const account = isRoot() ? await findNobody() : undefined;
  const preferred = await openFolder(join(options.dataFolder, 'postgres'), SPACE_BYTES_MIN);
  const home = await findHome(preferred, account);
  const cluster = join(home, 'cluster');

  // A cluster runs only under the major version that made it.
  const major = (await exists(cluster)) ? await madeBy(cluster) : undefined;
  const binaries = await findPostgres(options, major, home, log);
  const address = async (port: number, name: string) => {
    const password = (await readFile(join(home, 'password'), 'utf8')).trim();
    return `postgres://${USER}:${password}@127.0.0.1:${port}/${name}`;
  };

  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    // No Unix socket: its folder would need a short path that both this user and `nobody` can use.
    unix_socket_directories: '',
    shared_buffers: '256MB',
    max_wal_size: '2GB',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
  };
  const server = await keepServer({
    name: 'postgres',
    program: binaries,
    home,
    spaceBytesMin: SPACE_BYTES_MIN,
    pidFile: join(cluster, 'postmaster.pid'),
    identity: ['-D', cluster, '-p'],
    settings: Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    account,
    preferredPort: options.port,
    stopSignal: 'SIGINT',
    stopMaxMs: STOP_MAX_MS,
    log,
    knownProblems: KNOWN_PROBLEMS,
    prepare: async () => {
      if (!(await exists(cluster))) await makeCluster(binaries, home, cluster, account);
    },
    beforeLaunch: () => clearStaleLock(cluster, log),
    probe: async (port) => probePostgres(await address(port, 'postgres')),
  });
  try {
    await makeDatabase(await address(server.port, 'postgres'), database);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const place =
    home === preferred
      ? ''
      : `; data in ${home}: Postgres started by root runs as nobody, who cannot read ${preferred}`;
  return Object.assign(server, {
    url: await address(server.port, database),
    route: `${server.route}${place}`,
  });
}

/** The major version of a cluster. */
async function madeBy(cluster: string): Promise<number> {
  const text = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'EACCES' ? 'this user may not read it' : 'it has no PG_VERSION';
    throw new LocalStoreProblem(
      `The Postgres data in ${cluster} cannot be used: ${why}. Restore a copy of it or move it away, or ${OTHER_FOLDER}.`,
      { cause: error },
    );
  });
  return Number.parseInt(text, 10);
}

/**
 * The folder for cluster, password, port and log. It is the preferred one, unless Postgres has to run as a user who cannot
 * reach it (a checkout under /root): then it is another one, and its path is saved in the preferred one. Its name is random,
 * so that deleting the data folder means starting afresh; folders of deleted data folders are removed, unless a server
 * still runs on them.
 */
async function findHome(preferred: string, account: Account | undefined): Promise<string> {
  const note = join(preferred, 'moved-to');
  const noted = await readFile(note, 'utf8').catch(() => '');
  if (noted !== '' && (await exists(noted.trim()))) return noted.trim();
  if (!account || (await exists(join(preferred, 'cluster')))) return preferred;
  await chmod(preferred, 0o755);
  if (await isOpenToOthers(preferred)) return preferred;

  const ours = `${shortHash(preferred)}-`;
  for (const name of await readdir(ROOT_DATA_FOLDER).catch(() => [])) {
    const isOrphan =
      name.startsWith(ours) && !(await exists(join(ROOT_DATA_FOLDER, name, 'cluster/postmaster.pid')));
    if (isOrphan) await rm(join(ROOT_DATA_FOLDER, name), { recursive: true });
  }
  const home = join(ROOT_DATA_FOLDER, `${ours}${randomBytes(3).toString('hex')}`);
  await mkdir(home, { recursive: true });
  await chmod(dirname(home), 0o755);
  await chmod(home, 0o755);
  await writeFile(note, `${home}\n`);
  return home;
}

/** Runs initdb in a temporary folder, which is renamed when it is complete. */
async function makeCluster(
  binaries: PostgresBinaries,
  home: string,
  cluster: string,
  account: Account | undefined,
): Promise<void> {
  const passwordFile = join(home, 'password');
  const unfinished = `${cluster}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, `${randomBytes(18).toString('hex')}\n`, { mode: 0o600 });
  if (account) {
    await chown(unfinished, account.uid, account.gid);
    await chown(passwordFile, account.uid, account.gid);
  }
  const args = [
    `--pgdata=${unfinished}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--data-checksums',
    '--encoding=UTF8',
    '--locale=C',
  ];
  // From `/`, because initdb reads its working folder, and `nobody` may not read ours.
  const setting = { timeoutMs: INITDB_MAX_MS, env: binaries.env, cwd: '/', account };
  await runCommand(binaries.initdb, args, setting).catch((error: Error) => {
    const known = diagnose(error.message, KNOWN_PROBLEMS);
    throw new LocalStoreProblem(
      known ? `No Postgres cluster could be made in ${home}: ${known}` : error.message,
      { cause: error },
    );
  });
  await rename(unfinished, cluster);
}

/** Sends one query over a new connection. */
async function probePostgres(url: string): Promise<ProbeResult> {
  try {
    await query(url, PROBE_MAX_MS, 'SELECT 1');
    return 'ready';
  } catch (error) {
    // 57P03: "the database system is starting up", or still recovering from a crash.
    return error instanceof pg.DatabaseError && error.code === '57P03' ? 'starting' : 'silent';
  }
}

async function makeDatabase(url: string, database: string): Promise<void> {
  const known = await query(url, STATEMENT_MAX_MS, 'SELECT 1 FROM pg_database WHERE datname = $1', [
    database,
  ]);
  if (known === 0) await query(url, STATEMENT_MAX_MS, `CREATE DATABASE "${database}"`);
}

/** @returns the number of rows */
async function query(url: string, timeoutMs: number, text: string, values: string[] = []): Promise<number> {
  const client = new pg.Client({
    connectionString: url,
    ssl: false,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // A broken connection makes the query fail as well; without a listener the event would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query(text, values)).rowCount ?? 0;
  } finally {
    await client.end().catch(() => undefined);
  }
}
