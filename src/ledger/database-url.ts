/**
 * Reads a DATABASE_URL. Promises: what it says means the same on every connection; what node-postgres would ignore or read in
 * its own way is refused in words that name the remedy; no message has a part of the URL that may be secret.
 */
import { accessSync, constants } from 'node:fs';

/** The schema of the ledger's tables where the URL names none. */
export const SCHEMA_DEFAULT = 'public';

/** What a DATABASE_URL says. */
export interface DatabaseAddress {
  /** For node-postgres: without what only this program knows, and with its reading of `sslmode` spelled out. */
  readonly connectionString: string;
  /** The schema of the ledger's tables: `?schema=shop`, or `?options=-c search_path=shop`. */
  readonly schema: string;
  /** `?pooler=session`: the operator says that what stands between keeps a session for each connection. */
  readonly hasSessionPooler: boolean;
}

/** The URL cannot be used. The message has no secrets. */
export class WrongDatabaseUrl extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'WrongDatabaseUrl';
  }
}

const SCHEMA_PATTERN = /^[a-z_][a-z0-9_]{0,62}$/;
/** Words of `sslmode` that all mean: encrypted, and certificate and host name are checked. */
const CHECKED_SSL_MODES = ['prefer', 'require', 'verify-ca', 'verify-full'];
const SSL_MODES = ['disable', 'no-verify', ...CHECKED_SSL_MODES];
const SSL_FILES = ['sslrootcert', 'sslcert', 'sslkey'];
const EXAMPLE = 'postgres://user:password@host:5432/database';

/** @throws {WrongDatabaseUrl} */
export function readDatabaseUrl(text: string): DatabaseAddress {
  checkPlace(text);
  const [place = '', ...rest] = text.split('?');
  const query = new URLSearchParams(rest.join('?'));
  const schema = takeSchema(query);
  const pooler = query.get('pooler');
  if (pooler !== null && pooler !== 'session')
    throw new WrongDatabaseUrl('its pooler is not "session"; through any other only the API can work');
  query.delete('pooler');
  readSslMode(query);
  const left = query.toString();
  return {
    connectionString: left === '' ? place : `${place}?${left}`,
    schema,
    hasSessionPooler: pooler !== null,
  };
}

function checkPlace(text: string): void {
  // A URL with a user and no host is none for the WHATWG; libpq and node-postgres read it, for sockets.
  const forms = [text, text.replace('@/', '@socket/')];
  const form = forms.find((each) => URL.canParse(each));
  if (!/^postgres(ql)?:\/\//.test(text) || form === undefined) {
    throw new WrongDatabaseUrl(
      'is no URL that begins with postgres:// or postgresql:// and names a host or a socket; special characters of a ' +
        'password are written as %23 for #, %2F for /, %3F for ?, %25 for %',
    );
  }
  const url = new URL(form);
  if (url.hostname.includes(',')) throw new WrongDatabaseUrl('names several hosts: name the primary alone');
  const hasHost = form === text ? url.hostname !== '' : false;
  if (!hasHost && !url.searchParams.get('host')) {
    throw new WrongDatabaseUrl(
      `names neither a host (${EXAMPLE}) nor the folder of a socket (postgres:///database?host=/var/run/postgresql)`,
    );
  }
}

/** Takes the schema out of the query, so that the session set-up alone sets it. */
function takeSchema(query: URLSearchParams): string {
  let schema = query.get('schema') ?? undefined;
  query.delete('schema');
  const options = query.get('options');
  if (options !== null) {
    const found = options.match(/(?:-c\s*|--)search_path=(\S+)/);
    const left = options.replace(found?.[0] ?? '', '').trim();
    if (left === '') query.delete('options');
    else query.set('options', left);
    schema ??= found?.[1];
  }
  if (schema === undefined) return SCHEMA_DEFAULT;
  if (!SCHEMA_PATTERN.test(schema)) {
    throw new WrongDatabaseUrl(
      'its schema is not one name of 1 to 63 small letters, digits and "_": say ?schema=name',
    );
  }
  return schema;
}

function readSslMode(query: URLSearchParams): void {
  const mode = query.get('sslmode');
  if (mode !== null && !SSL_MODES.includes(mode))
    throw new WrongDatabaseUrl(`its sslmode is none of ${SSL_MODES.join(', ')}`);
  // Spelled out, because the next release of node-postgres reads the weaker words as libpq does.
  const isOurs = query.get('uselibpqcompat') !== 'true';
  if (mode !== null && isOurs && CHECKED_SSL_MODES.includes(mode)) query.set('sslmode', 'verify-full');
  if (query.get('sslrootcert') === 'system') {
    query.delete('sslrootcert');
    query.set('sslmode', 'verify-full');
  }
  for (const name of SSL_FILES) {
    const file = query.get(name);
    if (file !== null && !isReadable(file))
      throw new WrongDatabaseUrl(`its ${name} names a file that this process cannot read: ${file}`);
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
