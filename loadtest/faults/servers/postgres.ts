/**
 * A Postgres that is meant to be mistreated: killed, frozen, put back to a dump, replaced by a standby that lags.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { choosePort } from '../../../src/local/data-folder.ts';
import { type Account, exists, findNobody, isRoot, runCommand } from '../../../src/local/machine.ts';
import { findPostgres, type PostgresBinaries } from '../../../src/local/postgres-binaries.ts';
import { Unavailable } from '../../command.ts';
import { ServerProcess } from './process.ts';

const USER = 'holdfast';
const TOOL_MS_MAX = 120_000;
const QUERY_MS_MAX = 30_000;

/** Binaries, and as whom they run. */
export interface PostgresPrograms {
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
}

/** @throws where there is no Postgres */
export async function findPostgresPrograms(
  folder: string,
  log: (line: string) => void,
): Promise<PostgresPrograms> {
  const binaries = await findPostgres({}, undefined, folder, log);
  return { binaries, account: isRoot() ? await findNobody() : undefined };
}

export class PostgresNode {
  readonly port: number;
  readonly process: ServerProcess;
  readonly #folder: string;
  readonly #programs: PostgresPrograms;
  readonly #password: string;

  private constructor(folder: string, programs: PostgresPrograms, port: number, password: string) {
    this.#folder = folder;
    this.#programs = programs;
    this.#password = password;
    this.port = port;
    const { binaries, account } = programs;
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      shared_buffers: '64MB',
      max_connections: '80',
      wal_level: 'replica',
      // In the cluster's folder: a killed server leaves nothing elsewhere.
      dynamic_shared_memory_type: 'mmap',
    };
    this.process = new ServerProcess({
      name: `postgres on ${port}`,
      file: binaries.file,
      args: [
        ...['-D', join(folder, 'cluster'), '-p', String(port)],
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      env: binaries.env,
      account,
      logFile: join(folder, 'postgres.log'),
      isReady: () =>
        this.query('postgres', 'SELECT 1').then(
          () => true,
          () => false,
        ),
    });
  }

  /** Makes an empty cluster. */
  static async create(folder: string, programs: PostgresPrograms): Promise<PostgresNode> {
    const password = randomBytes(12).toString('hex');
    const node = await PostgresNode.#place(folder, programs, password);
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, password, { mode: 0o644 });
    await node.#run('initdb', [
      ...[`--pgdata=${join(folder, 'cluster')}`, `--username=${USER}`, `--pwfile=${passwordFile}`],
      ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'],
    ]);
    return node;
  }

  static async #place(folder: string, programs: PostgresPrograms, password: string): Promise<PostgresNode> {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    const port = await choosePort(folder, undefined, () => {});
    const cluster = join(folder, 'cluster');
    await mkdir(cluster, { recursive: true, mode: 0o700 });
    if (programs.account) await chown(cluster, programs.account.uid, programs.account.gid);
    return new PostgresNode(folder, programs, port, password);
  }

  /** The URL of a database, through another port where there is one in between. */
  url(database: string, port = this.port): string {
    return `postgres://${USER}:${this.#password}@127.0.0.1:${port}/${database}`;
  }

  /** A standby of this server, made by pg_basebackup and started. @param port through which it gets its log */
  async standby(folder: string, port: number): Promise<PostgresNode> {
    const node = await PostgresNode.#place(folder, this.#programs, this.#password);
    await node.#run('pg_basebackup', [
      ...['-R', '--checkpoint=fast', '--no-sync', '--wal-method=stream'],
      ...['-D', join(folder, 'cluster'), '-d', this.url('postgres', port)],
    ]);
    await node.process.start();
    return node;
  }

  async dump(database: string, file: string): Promise<void> {
    await rm(file, { force: true });
    await this.#run('pg_dump', ['--format=custom', '-Z', '0', '-f', file, this.url(database)]);
  }

  /** Puts the database back as the dump has it; whoever is connected is cut off, as by a person who does this in a hurry. */
  async restore(database: string, file: string): Promise<void> {
    // Nobody may come back before it is whole.
    await this.query('postgres', `ALTER DATABASE ${database} ALLOW_CONNECTIONS false`);
    await this.query('postgres', `DROP DATABASE ${database} WITH (FORCE)`);
    const unfinished = `${database}_restored`;
    await this.query('postgres', `CREATE DATABASE ${unfinished} TEMPLATE template0`);
    await this.#run('pg_restore', ['--exit-on-error', '-d', this.url(unfinished), file]);
    await this.query('postgres', `ALTER DATABASE ${unfinished} RENAME TO ${database}`);
  }

  /** One statement over a connection of its own. */
  async query(
    database: string,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({
      connectionString: this.url(database),
      ssl: false,
      connectionTimeoutMillis: QUERY_MS_MAX,
      query_timeout: QUERY_MS_MAX,
    });
    client.on('error', () => {}); // the query fails as well
    try {
      await client.connect();
      return (await client.query(text, [...values])).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.process.thaw();
    await this.process.stop('SIGQUIT');
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @throws {Unavailable} where this Postgres came without the tool */
  async #run(tool: string, args: readonly string[]): Promise<void> {
    const { binaries, account } = this.#programs;
    const file = tool === 'initdb' ? binaries.initdb : join(dirname(binaries.file), tool);
    if (!(await exists(file))) throw new Unavailable(`${dirname(file)} has no ${tool}`);
    // What these two make belongs to the account that Postgres runs as.
    const own = ['initdb', 'pg_basebackup'].includes(tool) ? { account } : {};
    await runCommand(file, [...args], { timeoutMs: TOOL_MS_MAX, env: binaries.env, cwd: '/', ...own });
  }
}
