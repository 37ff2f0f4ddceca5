/** What a DATABASE_URL may say, what is made of it, and in which words the rest is refused. */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { readConfig, WrongConfiguration } from '../../src/config.ts';
import { readDatabaseUrl } from '../../src/ledger/database-url.ts';

/** What node-postgres makes of it. */
function clientOf(url: string) {
  const { host, port, user, password, database, ssl } = new pg.Client({
    connectionString: readDatabaseUrl(url).connectionString,
  });
  return { host, port, user, password, database, ssl };
}

const AT_DB = { host: 'db.example', port: 5432, user: 'ann', password: 'hush', database: 'shop', ssl: false };

describe('a URL', () => {
  test.each([
    ['postgres://ann:hush@db.example:5432/shop', AT_DB],
    ['postgresql://ann:hush@db.example/shop', AT_DB],
    ['postgres://ann:hush@db.example/shop?schema=tea&pooler=session', AT_DB],
    ['postgres://ann:p%40ss%2F%3F%23%25@db.example/shop', { ...AT_DB, password: 'p@ss/?#%' }],
    ['postgres://ann:hush@/shop?host=/var/run/postgresql', { ...AT_DB, host: '/var/run/postgresql' }],
    ['postgres://ann:hush@%2Fvar%2Frun%2Fpostgresql/shop', { ...AT_DB, host: '/var/run/postgresql' }],
    ['postgres:///shop?host=/run/pg&user=ann&password=hush', { ...AT_DB, host: '/run/pg' }],
    ['postgres://ann:hush@[::1]:6000/shop', { ...AT_DB, host: '::1', port: 6000 }],
  ])('%s is read as it says', (url, expected) => {
    expect(clientOf(url)).toEqual(expected);
    expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  test.each([
    ['postgres://h/d', 'public'],
    ['postgres://h/d?schema=tea', 'tea'],
    ['postgres://h/d?options=-c%20search_path=tea', 'tea'],
    ['postgres://h/d?options=-csearch_path=tea%20-c%20work_mem=64MB', 'tea'],
    ['postgres://h/d?options=--search_path=tea', 'tea'],
  ])('%s means the schema %s', (url, schema) => {
    expect(readDatabaseUrl(url).schema).toBe(schema);
    expect(readDatabaseUrl(url).connectionString).not.toContain('search_path');
  });

  test('keeps other options', () => {
    const { connectionString } = readDatabaseUrl(
      'postgres://h/d?options=-csearch_path=tea%20-c%20work_mem=64MB',
    );
    expect(new URL(connectionString).searchParams.get('options')).toBe('-c work_mem=64MB');
  });

  test.each(['prefer', 'require', 'verify-ca', 'verify-full'])(
    'sslmode=%s checks certificate and host',
    (mode) => {
      expect(clientOf(`postgres://h/d?sslmode=${mode}`).ssl).toEqual({});
      expect(readDatabaseUrl(`postgres://h/d?sslmode=${mode}`).connectionString).toContain('verify-full');
    },
  );

  test.each([
    ['sslmode=disable', false],
    ['sslmode=no-verify', { rejectUnauthorized: false }],
    ['sslrootcert=system', {}],
    ['sslmode=require&uselibpqcompat=true', { rejectUnauthorized: false }],
  ])('?%s is what node-postgres makes of it', (words, ssl) => {
    expect(clientOf(`postgres://h/d?${words}`).ssl).toEqual(ssl);
  });

  test('reads the files of certificates', async () => {
    const file = join(tmpdir(), `holdfast-${process.pid}.pem`);
    await writeFile(file, 'pem');
    const { ssl } = clientOf(`postgres://h/d?sslrootcert=${file}&sslcert=${file}&sslkey=${file}`);
    expect(ssl).toMatchObject({ ca: 'pem', cert: 'pem' });
  });
});

test.each([
  ['mysql://ann:hush@h/d', 'begins with postgres://'],
  ['postgres://', 'names neither a host'],
  ['postgres:///shop', 'names neither a host'],
  ['postgres://ann:hush@/shop', 'postgres:///database?host=/var/run/postgresql'],
  ['postgres://ann:hu#sh@h/d', '%23 for #'],
  ['postgres://ann:hu/sh@h/d', '%2F for /'],
  ['postgres://ann:hush@a,b/d', 'names several hosts'],
  ['postgres://ann:hush@h/d?schema=Tea', 'say ?schema=name'],
  ['postgres://ann:hush@h/d?schema=a%22b', 'say ?schema=name'],
  ['postgres://ann:hush@h/d?options=-csearch_path=tea,public', 'say ?schema=name'],
  ['postgres://ann:hush@h/d?sslmode=allow', 'its sslmode is none of'],
  ['postgres://ann:hush@h/d?sslmode=verify-full&sslrootcert=/no/such.pem', 'cannot read: /no/such.pem'],
  ['postgres://ann:hush@h/d?pooler=transaction', 'its pooler is not "session"'],
])('%s is refused: %s', (url, words) => {
  let problem: unknown;
  try {
    readConfig({ DATABASE_URL: url });
  } catch (error) {
    problem = error;
  }
  expect(problem).toBeInstanceOf(WrongConfiguration);
  expect(String(problem)).toContain('DATABASE_URL: its value, which is not shown, ');
  expect(String(problem)).toContain(words);
  expect(String(problem)).not.toContain('hush');
});
