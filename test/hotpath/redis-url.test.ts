/**
 * The shapes of REDIS_URL: each is understood whole, and what is wrong with one is said without showing a secret.
 */
import { expect, test } from 'vitest';
import { nameOfRedis, readRedisUrl } from '../../src/hotpath/redis-url.ts';

const tls = { ca: undefined, cert: undefined, key: undefined, servername: undefined };
const nobody = { username: undefined, password: undefined, tls: undefined };
const s = (host: string, port: number) => ({ host, port });

test.each([
  ['redis://h', { ...nobody, at: { kind: 'server', ...s('h', 6_379) }, database: 0 }],
  ['redis://h:1/', { ...nobody, at: { kind: 'server', ...s('h', 1) }, database: 0 }],
  ['redis://[::1]:7/15', { ...nobody, at: { kind: 'server', ...s('::1', 7) }, database: 15 }],
  [
    'redis://:p%40ss@h/2',
    { ...nobody, password: 'p@ss', at: { kind: 'server', ...s('h', 6_379) }, database: 2 },
  ],
  [
    'rediss://api:a:b+c@h?ca=/tmp/ca.pem&servername=redis.shop',
    {
      username: 'api',
      password: 'a:b+c',
      at: { kind: 'server', ...s('h', 6_379) },
      database: 0,
      tls: { ...tls, ca: '/tmp/ca.pem', servername: 'redis.shop' },
    },
  ],
  [
    'redis+sentinel://u:p@s1,s2:2,[::2]:3/shop/4?sentinelUsername=w&sentinelPassword=a+b%26',
    {
      username: 'u',
      password: 'p',
      at: {
        kind: 'sentinel',
        sentinels: [s('s1', 26_379), s('s2', 2), s('::2', 3)],
        name: 'shop',
        username: 'w',
        password: 'a+b&',
      },
      database: 4,
      tls: undefined,
    },
  ],
  [
    'unix:///run/redis.sock?db=1',
    { ...nobody, at: { kind: 'socket', path: '/run/redis.sock' }, database: 1 },
  ],
  [
    'redis+unix://:p@/run/redis.sock',
    { ...nobody, password: 'p', at: { kind: 'socket', path: '/run/redis.sock' }, database: 0 },
  ],
])('%s is understood', (url, address) => {
  expect(readRedisUrl(url)).toEqual(address);
});

test.each([
  ['redis://api:hush@h/shop', 'something other than a number'],
  ['redis://api:hush@h/1/2', 'something other than a number'],
  ['redis://api:hush@h?db=1', 'unknown parameter "db"'],
  ['redis://api:hush@h?family=6', 'unknown parameter "family"'],
  ['redis://hush@h', 'a user without a password'],
  ['redis://api:hush#1@h', 'none of the shapes'],
  ['redis://api:hush/1@h', 'no host and port'],
  ['redis://api:hush%@h', '%25'],
  ['redis://api:hush@h:65536', 'no host and port'],
  ['redis://api:hush@a,b', 'no host and port'],
  ['rediss://api:hush@h?cert=/tmp/c.pem', 'a certificate needs its key'],
  ['redis://api:hush@h?ca=/tmp/ca.pem', 'unknown parameter "ca"'],
  ['redis+sentinel://api:hush@s1,s2', 'does not name the primary'],
  ['redis+sentinel://api:hush@s1/shop/x', 'something other than a number'],
  ['redis+sentinel://api:hush@s1/shop/1/2', 'does not name the primary'],
  ['redis+sentinel://api:hush@s1,/shop', 'no host and port'],
  ['unix://api:hush@host/run/redis.sock', 'names no file'],
  ['valkey://api:hush@h', 'none of the shapes'],
])('%s is refused, and says why without the password', (url, why) => {
  const read = () => readRedisUrl(url);
  expect(read).toThrow(why);
  expect(read).not.toThrow('hush');
});

test('an error names a server without user and password', () => {
  expect(nameOfRedis(readRedisUrl('redis://u:hush@[::1]:7'))).toBe('Redis at [::1]:7');
  expect(nameOfRedis(readRedisUrl('redis+sentinel://u:hush@a,b/shop?sentinelPassword=hush'))).toBe(
    'the Redis primary "shop" of the Sentinels a:26379, b:26379',
  );
});
