/**
 * Ways to Redis other than a plain port: a socket, TLS with certificates, Sentinels over TLS. Each sells an order; a wrong
 * certificate is an error that says so.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRedis, openConnection } from '../../src/hotpath/connection.ts';
import { openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { openPartition } from '../../src/hotpath/partition.ts';
import { WrongRedisUrl } from '../../src/hotpath/redis-url.ts';
import { outcome } from '../domain/sentences.ts';
import { endRedisServers, freePort, ownFolder, ownRedis } from '../servers/own-redis.ts';

afterAll(endRedisServers);

const receipt = { movementId: 'M-1', sku: 'TEA', warehouse: 'east', quantity: 9 };

async function sells(redisUrl: string): Promise<void> {
  const redis = connectRedis(redisUrl);
  await openConnection(redis);
  await openPartition(redis, partitionKeys('ways'), 1);
  redis.disconnect();
  const hot = await openHotInventory({ redisUrl, prefix: 'ways' });
  expect(outcome(await hot.receive(receipt))).toBe('done');
  await hot.close();
}
const why = (redisUrl: string): Promise<string> =>
  openHotInventory({ redisUrl, timeoutMs: 2_000 }).then(
    () => 'opened',
    (error: Error) => error.message,
  );

test('a socket, also with a database', async () => {
  const socket = join(await ownFolder(), 'redis.sock');
  await ownRedis([`unixsocket ${socket}`], { isPlain: false });
  await sells(`unix://${socket}`);
  await sells(`redis+unix://${socket}?db=3`);
  expect(await why(`unix://${socket}.none`)).toMatch(
    /Redis at .*redis\.sock\.none cannot be reached.*ENOENT/,
  );
});

function openssl(folder: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
}
const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('openssl is not here: the ways over TLS are not tested');
    return false;
  }
})();

describe.skipIf(!hasOpenssl)('TLS', () => {
  let folder: string;
  const file = (name: string): string => join(folder, name);

  /** A certificate that one authority signed: for the host `redis.shop` and 127.0.0.1, or for a client. */
  function sign(name: string, extension: string): void {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`];
    openssl(folder, 'req', ...key, '-out', `${name}.csr`, '-subj', `/CN=${name}`, '-addext', extension);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    openssl(
      folder,
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.pem`,
      ...by,
      '-copy_extensions',
      'copy',
    );
  }
  const serves = (port: string): string[] => [
    `tls-port ${port}`,
    `tls-cert-file ${file('server.pem')}`,
    `tls-key-file ${file('server.key')}`,
    `tls-ca-cert-file ${file('ca.pem')}`,
    'tls-replication yes',
  ];
  const trust = (): string => `ca=${file('ca.pem')}&cert=${file('api.pem')}&key=${file('api.key')}`;

  beforeAll(async () => {
    folder = await ownFolder();
    for (const name of ['ca', 'other'])
      openssl(
        folder,
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
      );
    sign('server', 'subjectAltName=DNS:redis.shop,IP:127.0.0.1');
    sign('named', 'subjectAltName=DNS:redis.shop');
    sign('api', 'subjectAltName=DNS:api');
  });

  test('with an authority of its own and a certificate for each side', async () => {
    const server = await ownRedis(serves('$PORT'), { isPlain: false });
    const base = `rediss://127.0.0.1:${server.port}`;
    await sells(`${base}/2?${trust()}`);
    expect(await why(`${base}?ca=${file('other.pem')}`)).toMatch(/cannot be reached.*certificate/i);
    expect(await why(base)).toMatch(/cannot be reached.*certificate/i);
    // Without a certificate of its own the client is sent away.
    expect(await why(`${base}?ca=${file('ca.pem')}`)).toMatch(/cannot be reached/);
    expect(await why(`redis://127.0.0.1:${server.port}`)).toMatch(/cannot be reached/);
    const missing = () => connectRedis(`${base}?ca=${file('none.pem')}`);
    expect(missing).toThrow(WrongRedisUrl);
    expect(missing).toThrow('?ca= that cannot be read');
  });

  test('with a certificate for another name than the address needs ?servername=', async () => {
    const lines = serves('$PORT').map((line) => line.replaceAll('server.', 'named.'));
    const server = await ownRedis([...lines, 'tls-auth-clients no'], { isPlain: false });
    const url = `rediss://127.0.0.1:${server.port}?ca=${file('ca.pem')}`;
    expect(await why(url)).toMatch(/cannot be reached.*127\.0\.0\.1/);
    await sells(`${url}&servername=redis.shop`);
  });

  test('to Sentinels and to the primary that they name', async () => {
    const port = await freePort();
    await ownRedis(serves('$PORT'), { port, isPlain: false });
    const sentinel = await ownRedis([...serves('$PORT'), `sentinel monitor shop 127.0.0.1 ${port} 1`], {
      sentinel: true,
      isPlain: false,
    });
    const url = `rediss+sentinel://127.0.0.1:${sentinel.port}/shop/1?${trust()}`;
    await sells(url);
  });
});
