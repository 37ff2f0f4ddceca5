/**
 * A link to the run's real Redis that a test can disturb: replies held back, or the connection cut.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { testRedisUrl } from '../services.ts';

export interface RedisLink {
  readonly url: string;
  /** Commands go through, replies wait. */
  hold(): void;
  /** Replies that waited go on their way. */
  resume(): void;
  /** Ends all connections; with `forGood` no new ones are taken. */
  cut(forGood?: boolean): Promise<void>;
}

export async function openRedisLink(): Promise<RedisLink> {
  const redis = new URL(testRedisUrl());
  const pairs = new Set<{ near: Socket; far: Socket }>();
  let isHeld = false;
  const server = createServer((near) => {
    const far = connect(Number(redis.port || 6379), redis.hostname);
    const pair = { near, far };
    pairs.add(pair);
    near.pipe(far);
    far.on('data', (chunk) => near.write(chunk));
    if (isHeld) far.pause();
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('close', end).on('error', end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(redis);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    hold: () => {
      isHeld = true;
      for (const { far } of pairs) far.pause();
    },
    resume: () => {
      isHeld = false;
      for (const { far } of pairs) far.resume();
    },
    cut: async (forGood = false) => {
      if (forGood) server.close();
      const closed = [...pairs].map(({ near }) => once(near, 'close'));
      for (const { near } of pairs) near.destroy();
      await Promise.all(closed);
    },
  };
}
