/**
 * The address of Redis, as REDIS_URL has it: a server, a primary that Sentinels know, or a socket.
 * Promises: a URL is understood whole, or the error says what is wrong with it and shows no secret.
 */

/** Files and names of a TLS connection; each may be absent. */
export interface TlsFiles {
  /** The certificates to trust, in place of those of the system. */
  readonly ca: string | undefined;
  /** The certificate and key with which this process says who it is. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** The name that the server's certificate must have, in place of the host in the URL. */
  readonly servername: string | undefined;
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Where Redis is, and who asks. */
export interface RedisAddress {
  readonly at:
    | ({ readonly kind: 'server' } & HostAndPort)
    | { readonly kind: 'socket'; readonly path: string }
    | {
        readonly kind: 'sentinel';
        readonly sentinels: readonly HostAndPort[];
        /** The name under which the Sentinels know the primary. */
        readonly name: string;
        readonly username: string | undefined;
        readonly password: string | undefined;
      };
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** Undefined: without TLS. */
  readonly tls: TlsFiles | undefined;
}

/** The URL is wrong; the message continues the sentence "REDIS_URL: its value ...". */
export class WrongRedisUrl extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WrongRedisUrl';
  }
}

const SHAPES =
  'redis://host:port/database, rediss://, redis+sentinel://host:port,host:port/name/database, rediss+sentinel:// or unix:///path?db=1';
const PORT = 6_379;
const SENTINEL_PORT = 26_379;
const TLS_PARAMETERS = ['ca', 'cert', 'key', 'servername'];

/**
 * Reads a URL.
 * @throws {WrongRedisUrl}
 * @example readRedisUrl('redis+sentinel://s1:26379,s2:26379,s3:26379/mymaster?sentinelPassword=word')
 */
export function readRedisUrl(text: string): RedisAddress {
  const match = /^([a-z+]+):\/\/(?:([^/?#]*)@)?([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(text);
  if (!match) throw new WrongRedisUrl(`has none of the shapes ${SHAPES}`);
  const [, scheme = '', user, hosts = '', path = '', query = ''] = match;
  const isTls = scheme.startsWith('rediss');
  const base = { ...readUser(user), tls: undefined };
  switch (scheme) {
    case 'redis':
    case 'rediss': {
      const parameters = readQuery(query, isTls ? TLS_PARAMETERS : []);
      const at = { kind: 'server', ...readHost(hosts, PORT) } as const;
      return {
        ...base,
        at,
        database: readDatabase(path.slice(1)),
        tls: isTls ? readTls(parameters) : undefined,
      };
    }
    case 'redis+sentinel':
    case 'rediss+sentinel': {
      const own = ['sentinelUsername', 'sentinelPassword'];
      const parameters = readQuery(query, isTls ? [...own, ...TLS_PARAMETERS] : own);
      const [name = '', database = '', ...more] = path.slice(1).split('/');
      if (name === '' || more.length > 0) {
        throw new WrongRedisUrl('does not name the primary after the Sentinels: host:port,host:port/name');
      }
      const at = {
        kind: 'sentinel',
        sentinels: hosts.split(',').map((host) => readHost(host, SENTINEL_PORT)),
        name: decode(name),
        username: parameters.sentinelUsername,
        password: parameters.sentinelPassword,
      } as const;
      return { ...base, at, database: readDatabase(database), tls: isTls ? readTls(parameters) : undefined };
    }
    case 'unix':
    case 'redis+unix': {
      if (hosts !== '' || path === '') throw new WrongRedisUrl('names no file: unix:///run/redis.sock');
      const { db = '' } = readQuery(query, ['db']);
      return { ...base, at: { kind: 'socket', path: decode(path) }, database: readDatabase(db) };
    }
    default:
      throw new WrongRedisUrl(`has none of the shapes ${SHAPES}`);
  }
}

/** What an error calls the address: without user and password. */
export function nameOfRedis({ at }: RedisAddress): string {
  switch (at.kind) {
    case 'server':
      return `Redis at ${hostText(at)}`;
    case 'socket':
      return `Redis at ${at.path}`;
    case 'sentinel':
      return `the Redis primary "${at.name}" of the Sentinels ${at.sentinels.map(hostText).join(', ')}`;
  }
}

function hostText({ host, port }: HostAndPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function readUser(text: string | undefined): Pick<RedisAddress, 'username' | 'password'> {
  if (text === undefined || text === '') return { username: undefined, password: undefined };
  const colon = text.indexOf(':');
  if (colon < 0) throw new WrongRedisUrl('has a user without a password: user:password@ or :password@');
  return { username: decode(text.slice(0, colon)) || undefined, password: decode(text.slice(colon + 1)) };
}

function readHost(text: string, portDefault: number): HostAndPort {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^[\]:@\s,]+))(?::(\d{1,5}))?$/i.exec(text);
  const port = Number(match?.[3] ?? portDefault);
  if (!match || port < 1 || port > 65_535) {
    throw new WrongRedisUrl(
      'names no host and port as host:port (in user and password write @ as %40, / as %2F, ? as %3F, # as %23)',
    );
  }
  return { host: match[1] ?? match[2] ?? '', port };
}

function readDatabase(text: string): number {
  if (!/^\d{0,5}$/.test(text)) {
    throw new WrongRedisUrl('names its database by something other than a number: /1');
  }
  return Number(text);
}

function readTls({ ca, cert, key, servername }: Partial<Record<string, string>>): TlsFiles {
  if ((cert === undefined) !== (key === undefined)) {
    throw new WrongRedisUrl('has only one of ?cert= and &key=: a certificate needs its key');
  }
  return { ca, cert, key, servername };
}

/** `a=1&b=2`; a plus is a plus, unlike in a form. */
function readQuery(text: string, known: readonly string[]): Partial<Record<string, string>> {
  const parameters: Partial<Record<string, string>> = {};
  for (const part of text === '' ? [] : text.split('&')) {
    const [name = '', ...value] = part.split('=');
    if (!known.includes(name)) {
      const may = known.length > 0 ? `; here it may have ${known.join(', ')}` : '';
      throw new WrongRedisUrl(`has an unknown parameter "${name.slice(0, 32)}"${may}`);
    }
    parameters[name] = decode(value.join('='));
  }
  return parameters;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new WrongRedisUrl('has a % that no two hexadecimal digits follow: write it as %25');
  }
}
