/**
 * Goal: what happens on the wire: slow and broken clients are ended in time, limits hold, and a server that closes
 * finishes what it has begun. Method: real sockets; conditions are awaited, nothing sleeps.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { HttpLimits } from '../../src/http/limits.ts';
import { type OpenServer, openServer } from './open-server.ts';
import { openRedisLink } from './redis-link.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Wire {
  readonly socket: Socket;
  /** All that came so far. */
  text(): string;
  readonly ended: Promise<unknown>;
}

async function listen(
  limits: Partial<HttpLimits> = {},
  engine: Parameters<typeof openServer>[0] = {},
): Promise<OpenServer> {
  const server = await openServer(engine, { limits });
  closers.push(() => server.close());
  await server.stock('A', 100);
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  return server;
}

async function dial(server: OpenServer): Promise<Wire> {
  const socket = connect((server.app.server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  const ended = once(socket, 'close');
  closers.push(async () => socket.destroy());
  await once(socket, 'connect');
  return { socket, text: () => text, ended };
}

function reserve(orderId: string): string {
  const body = JSON.stringify({ orderId, lines: [{ sku: 'A', quantity: 1 }] });
  return `POST /v1/reservations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

test('headers that do not come to an end are answered 408, and the connection ends', async () => {
  const server = await listen({ headersMsMax: 100, requestMsMax: 300_000, slowClientsCheckMs: 20 });
  const { socket, text, ended } = await dial(server);
  socket.write('POST /v1/reservations HTTP/1.1\r\nHost: x\r\nContent-');
  await ended;
  expect(statuses(text())).toEqual([408]);
  expect(text()).toContain('application/problem+json');
  expect(JSON.parse(text().split('\r\n\r\n')[1] ?? '')).toMatchObject({ code: 'request-timeout' });
});

test('so is a body that does not', async () => {
  const server = await listen({ headersMsMax: 100, requestMsMax: 200, slowClientsCheckMs: 20 });
  const before = await server.dump();
  const { socket, text, ended } = await dial(server);
  socket.write(reserve('slow').slice(0, -5));
  await ended;
  expect(statuses(text())).toEqual([408]);
  expect(await server.dump()).toBe(before);
});

test('a connection on which nothing moves ends', async () => {
  const server = await listen({ silenceMsMax: 100 });
  const { ended, text } = await dial(server);
  await ended;
  expect(text()).toBe('');
});

test('headers of more than 16 KiB are answered 431', async () => {
  const server = await listen();
  const { socket, text, ended } = await dial(server);
  socket.write(`GET /livez HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(16 * 1_024)}\r\n\r\n`);
  await ended;
  expect(statuses(text())).toEqual([431]);
  expect(text()).toContain('"code":"headers-too-large"');
});

test.each([
  ['what is no HTTP', 'hello\r\n\r\n'],
  ['a method nobody knows', 'BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n'],
  [
    'two lengths',
    'POST /v1/reservations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
  ],
])('%s is answered 400, and the connection ends', async (_what, bytes) => {
  const server = await listen();
  const { socket, text, ended } = await dial(server);
  socket.write(bytes);
  await ended;
  expect(statuses(text())).toEqual([400]);
  expect(text()).toContain('"code":"invalid-request"');
});

test('a body above the limit ends the connection before it is read', async () => {
  const server = await listen();
  const { socket, text, ended } = await dial(server);
  socket.write(
    'POST /v1/reservations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 140000\r\n\r\n{',
  );
  await ended;
  expect(statuses(text())).toEqual([413]);
});

test('connections have a limit', async () => {
  const server = await listen({ connectionsMax: 2 });
  const first = await dial(server);
  await dial(server);
  const third = await dial(server);
  await third.ended;
  first.socket.write(reserve('C-1'));
  await expect.poll(() => statuses(first.text())).toEqual([201]);
});

test('a connection is renewed after so many requests', async () => {
  const server = await listen({ requestsPerConnectionMax: 2 });
  const { socket, text } = await dial(server);
  socket.write(reserve('K-1'));
  await expect.poll(() => statuses(text())).toEqual([201]);
  expect(text()).not.toMatch(/Connection: close/i);
  socket.write(reserve('K-2'));
  await expect.poll(() => statuses(text())).toEqual([201, 201]);
  expect(text()).toMatch(/Connection: close/i);
});

test('a server that closes answers what it has begun, refuses what comes after, and ends', async () => {
  const link = await openRedisLink();
  closers.push(() => link.cut(true));
  const server = await listen({}, { redisUrl: link.url, timeoutMs: 20_000 });
  const busy = await dial(server);
  const idle = await dial(server);
  idle.socket.write(reserve('G-0'));
  await expect.poll(() => statuses(idle.text())).toEqual([201]);

  link.hold();
  const batches = server.hot.counts.batches;
  busy.socket.write(reserve('G-1'));
  await expect.poll(() => server.hot.counts.batches).toBe(batches + 1);
  const closed = server.app.close();
  // The idle connection goes at once, though its keep-alive has 30 s to run.
  await idle.ended;
  busy.socket.write(reserve('G-2'));
  link.resume();
  await busy.ended;
  await closed;
  expect(statuses(busy.text())).toEqual([201, 503]);
  expect(busy.text()).toMatch(/retry-after: 1\r\n.*"code":"unavailable","outcome":"nothing-happened"/is);
  await expect(dial(server)).rejects.toThrow();
  const { outcome } = await server.hot.reservation('G-1');
  expect(outcome).toBe('done');
});

test('a connection that was busy when closing began does not keep the server open', async () => {
  const link = await openRedisLink();
  closers.push(() => link.cut(true));
  const server = await listen({}, { redisUrl: link.url, timeoutMs: 20_000 });
  const busy = await dial(server);
  link.hold();
  const batches = server.hot.counts.batches;
  busy.socket.write(reserve('W-1'));
  await expect.poll(() => server.hot.counts.batches).toBe(batches + 1);
  const startedAtMs = performance.now();
  const closed = server.app.close();
  link.resume();
  await closed;
  expect(statuses(busy.text())).toEqual([201]);
  expect(performance.now() - startedAtMs).toBeLessThan(10_000);
});
