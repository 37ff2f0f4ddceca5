/**
 * The ways to a Postgres: TLS with a private authority, client certificates, a socket, passwords from elsewhere; and what a
 * connection that cannot be made, or a database that cannot be used, says.
 */
import { chmod, chown, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openPool } from '../../src/ledger/connection.ts';
import { WrongPostgresSettings } from '../../src/ledger/errors.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { findNobody, isRoot, runCommand } from '../../src/local/machine.ts';
import { type OwnPostgres, query, startOwnPostgres } from '../servers/own-postgres.ts';

let postgres: OwnPostgres | undefined;
let database: string;
beforeAll(async () => {
  postgres = (await startOwnPostgres(15)) ?? (await startOwnPostgres(18));
  if (!postgres) return;
  await postgres.makeUser('owner', 'CREATEROLE');
  for (const user of ['encrypted', 'certified']) await postgres.makeUser(user);
  database = await postgres.makeDatabase('owner');
  await migrate(postgres.urlOf(database, 'owner'));
  await postgres.run('GRANT holdfast_writer TO encrypted, certified');
});
afterAll(() => postgres?.stop());

/** The way is good for all: reading, the role, a lease. */
async function expectToWork(databaseUrl: string): Promise<void> {
  const ledger = await openLedger({ databaseUrl });
  expect(await ledger.warehouses()).toEqual([]);
  const lease = await ledger.tryBecomeWorker(0);
  expect(await lease?.verify()).toBe(true);
  await lease?.release();
  await ledger.close();
}

async function isEncrypted(databaseUrl: string): Promise<boolean> {
  const options = {
    databaseUrl,
    role: 'none' as const,
    statementTimeoutMs: 9_000,
    applicationName: 't',
  };
  const pool = openPool(options, 1);
  const { rows } = await pool.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  await pool.end();
  return rows[0].ssl;
}

test('TLS that Postgres does not have is named, with the remedy', async ({ skip }) => {
  if (!postgres) return skip();
  const url = `${postgres.urlOf(database, 'owner')}?sslmode=require`;
  await expect(openLedger({ databaseUrl: url })).rejects.toThrow(
    'switch ssl on in Postgres, or leave sslmode',
  );
});

describe('with TLS and a private authority', () => {
  let files: Record<'ca' | 'cert' | 'key', string> | undefined;
  beforeAll(async () => {
    if (!postgres) return;
    files = await makeCertificates(postgres.folder).catch((error: Error) => {
      console.log(`skipped, no certificates: ${error.message}`);
      return undefined;
    });
    if (!files) return;
    const [place] = await query(postgres.url, 'SHOW hba_file');
    const rules = String(place?.hba_file);
    const before = await readFile(rules, 'utf8');
    await writeFile(
      rules,
      `hostssl all certified all cert\nhostssl all encrypted all scram-sha-256\nhostnossl all encrypted all reject\nhostnossl all certified all reject\n${before}`,
    );
    const server = join(postgres.folder, 'server');
    await postgres.run(
      `ALTER SYSTEM SET ssl_cert_file = '${server}.crt'`,
      `ALTER SYSTEM SET ssl_key_file = '${server}.key'`,
      `ALTER SYSTEM SET ssl_ca_file = '${files.ca}'`,
      'ALTER SYSTEM SET ssl = on',
      'SELECT pg_reload_conf()',
    );
  });

  /** The server's certificate is for `localhost`. */
  const at = (host: string, user: string, words: string): string => {
    const url = new URL(postgres?.urlOf(database, user) ?? '');
    url.hostname = host;
    return `${url.href}?${words}`;
  };

  test('sslrootcert names the authority, and every sslmode that encrypts checks it', async ({ skip }) => {
    if (!files) return skip();
    for (const mode of ['require', 'verify-full']) {
      const url = at('localhost', 'encrypted', `sslmode=${mode}&sslrootcert=${files.ca}`);
      await expectToWork(url);
      expect(await isEncrypted(url)).toBe(true);
    }
    expect((await migrate(at('localhost', 'owner', `sslrootcert=${files.ca}`))).applied).toEqual([]);
  });

  test('without it the certificate is refused, also with sslmode=require; no-verify takes any', async ({
    skip,
  }) => {
    if (!files) return skip();
    const url = at('localhost', 'encrypted', 'sslmode=require');
    await expect(openLedger({ databaseUrl: url })).rejects.toThrow('add sslrootcert=/path/to/ca.pem');
    expect(await isEncrypted(at('127.0.0.1', 'encrypted', 'sslmode=no-verify'))).toBe(true);
  });

  test('a host that the certificate does not name is refused', async ({ skip }) => {
    if (!files) return skip();
    const url = at('127.0.0.1', 'encrypted', `sslmode=require&sslrootcert=${files.ca}`);
    await expect(openLedger({ databaseUrl: url })).rejects.toThrow(
      'name the host in DATABASE_URL as the certificate',
    );
  });

  test('a Postgres that wants TLS says so in words for the URL', async ({ skip }) => {
    if (!files) return skip();
    const url = at('127.0.0.1', 'encrypted', '');
    await expect(openLedger({ databaseUrl: url })).rejects.toThrow('add sslmode=verify-full to DATABASE_URL');
  });

  test('a client certificate logs in, and the lack of one is named', async ({ skip }) => {
    if (!files) return skip();
    const { ca, cert, key } = files;
    await expectToWork(at('localhost', 'certified', `sslrootcert=${ca}&sslcert=${cert}&sslkey=${key}`));
    const without = openLedger({ databaseUrl: at('localhost', 'certified', `sslrootcert=${ca}`) });
    await expect(without).rejects.toThrow('add sslcert and sslkey');
  });
});

describe('by a socket', () => {
  let socket: Server | undefined;
  afterAll(() => socket?.close());

  test('a folder in ?host= and a port lead to it', async ({ skip }) => {
    if (!postgres) return skip();
    const url = new URL(postgres.urlOf(database, 'owner'));
    const folder = await mkdtemp(join(postgres.folder, 's'));
    // What is behind the socket is the same server.
    socket = createServer((near) => {
      const far = connect(Number(url.port), url.hostname);
      near.pipe(far).pipe(near);
      for (const end of [near, far]) end.on('error', () => near.destroy());
    });
    await new Promise<void>((resolve) => socket?.listen(join(folder, '.s.PGSQL.5432'), resolve));
    const user = `${url.username}:${url.password}`;
    await expectToWork(`postgres://${user}@/${database}?host=${folder}`);
    await expectToWork(`postgres://${user}@${encodeURIComponent(folder)}/${database}`);
    const nowhere = openLedger({ databaseUrl: `postgres://${user}@/${database}?host=${folder}/no` });
    await expect(nowhere).rejects.toThrow('ENOENT');
  });
});

describe('a password', () => {
  afterEach(() => {
    delete process.env.PGPASSWORD;
    delete process.env.PGPASSFILE;
  });
  /** The URL without its password, and the password. */
  const parted = (): [string, string] => {
    const url = new URL(postgres?.urlOf(database, 'owner') ?? '');
    const { password } = url;
    url.password = '';
    return [url.href, decodeURIComponent(password)];
  };

  test('comes from PGPASSWORD, or from a .pgpass, where the URL has none', async ({ skip }) => {
    if (!postgres) return skip();
    const [url, password] = parted();
    process.env.PGPASSFILE = join(postgres.folder, 'pgpass');
    await expect(openLedger({ databaseUrl: url })).rejects.toThrow('nor has PGPASSWORD, nor a ~/.pgpass');
    process.env.PGPASSWORD = password;
    await expectToWork(url);
    delete process.env.PGPASSWORD;
    await writeFile(process.env.PGPASSFILE, `*:*:*:owner:${password.replaceAll(/[\\:]/g, '\\$&')}\n`, {
      mode: 0o600,
    });
    await expectToWork(url);
  });

  test('that is wrong is named as such, and not shown', async ({ skip }) => {
    if (!postgres) return skip();
    const url = new URL(parted()[0]);
    url.password = 'wrong-one';
    const error = await openLedger({ databaseUrl: url.href }).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('the user or the password in DATABASE_URL is wrong');
    expect(String(error)).not.toContain('wrong-one');
  });
});

test('a name with two addresses, at neither of which Postgres answers, is named with both', async () => {
  const attempt = openLedger({ databaseUrl: 'postgres://ann:hush@localhost:1/shop' });
  await expect(attempt).rejects.toThrow('ECONNREFUSED 127.0.0.1:1');
  await expect(attempt).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a database in LATIN1 is refused by migration and ledger, before a table is made', async ({ skip }) => {
  if (!postgres) return skip();
  const name = await postgres.makeDatabase(
    'owner',
    "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
  );
  const url = postgres.urlOf(name, 'owner');
  for (const attempt of [() => migrate(url), () => openLedger({ databaseUrl: url })]) {
    await expect(attempt()).rejects.toThrow(WrongPostgresSettings);
    await expect(attempt()).rejects.toThrow(
      'server_encoding is LATIN1: ids may be in any script: make the database anew',
    );
  }
  expect(await query(url, `SELECT FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
});

/** An authority, a certificate of the server for `localhost`, and one of the user `certified`. */
async function makeCertificates(folder: string): Promise<Record<'ca' | 'cert' | 'key', string>> {
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => runCommand('openssl', args, { timeoutMs: 30_000, cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-subj',
    '/CN=Private authority',
  );
  for (const [name, subject, extension] of [
    ['server', '/CN=localhost', 'subjectAltName=DNS:localhost'],
    ['client', '/CN=certified', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', extension];
    await openssl(
      'req',
      '-x509',
      ...key,
      ...signed,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      '-subj',
      subject,
    );
  }
  if (isRoot()) {
    const { uid, gid } = await findNobody();
    await chown(path('server.key'), uid, gid);
  }
  await chmod(path('server.key'), 0o600);
  return { ca: path('ca.crt'), cert: path('client.crt'), key: path('client.key') };
}
