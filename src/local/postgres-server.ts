/**
 * A local Postgres for `npm start` and for tests: a cluster in the data folder, with checksums, a password and full
 * durability. Never touches a Postgres it did not start. Knows nothing of the ledger's tables.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { shortHash } from './data-folder.ts';
import { type Account, exists, findNobody, isOpenToOthers, isRoot, runCommand } from './machine.ts';
import { findPostgres, type PostgresBinaries, type PostgresSearch } from './postgres-binaries.ts';
import { type LocalServer, type ProbeResult, runServer } from './server-process.ts';

const USER = 'holdfast';
const INITDB_MAX_MS = 120_000;
const PROBE_MAX_MS = 1_000;
const STATEMENT_MAX_MS = 30_000;
/** A fast shutdown writes one checkpoint: the pages of up to 2 GB of write-ahead log. */
const STOP_MAX_MS = 60_000;
/** Where root's clusters go when `nobody` cannot reach the data folder. Not /var/tmp: old files are deleted there. */
const ROOT_DATA_FOLDER = '/var/lib/holdfast';

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
 * Starts Postgres on the loopback interface, or takes over the one that an earlier run left running on this folder.
 *
 * The database user is a superuser, who can run programs on this machine, and every user of the machine can connect to
 * the loopback interface. So it has a random password (scram), saved next to the cluster.
 * @throws where no PostgreSQL can be found or downloaded (the message has the command to run), where the folder is in use,
 * or where the server does not become ready (the message has its log)
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalServer> {
  const { log, database = USER } = options;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(database)) throw new Error(`Not a plain database name: ${database}`);
  const account = isRoot() ? await findNobody() : undefined;
  await mkdir(join(options.dataFolder, 'postgres'), { recursive: true });
  const preferred = await realpath(join(options.dataFolder, 'postgres'));
  const home = await findHome(preferred, account);
  const cluster = join(home, 'cluster');

  // A cluster runs only under the major version that made it. Not being allowed to read it is an error.
  const made = await exists(cluster);
  const major = made ? Number.parseInt(await readFile(join(cluster, 'PG_VERSION'), 'utf8'), 10) : undefined;
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
  const server = await runServer({
    name: 'postgres',
    program: binaries,
    home,
    pidFile: join(cluster, 'postmaster.pid'),
    identity: ['-D', cluster, '-p'],
    settings: Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    account,
    preferredPort: options.port,
    stopSignal: 'SIGINT',
    stopMaxMs: STOP_MAX_MS,
    log,
    prepare: async () => {
      if (!(await exists(cluster))) await makeCluster(binaries, home, cluster, account);
    },
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
  return { ...server, url: await address(server.port, database), route: `${server.route}${place}` };
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
  await runCommand(binaries.initdb, args, { timeoutMs: INITDB_MAX_MS, env: binaries.env, cwd: '/', account });
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
