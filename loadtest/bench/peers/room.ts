/** What the peers share: connections, servers and a worker, made when they are first asked for, closed together. */
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Bench } from '../figures.ts';
import { closeServer, type Server, type ServerKind, startServer } from '../http-load.ts';
import { type LedgerWorker, startLedgerWorker } from './ledger-worker.ts';
import { POOL, type Room } from './peer.ts';
import { type Replica, startReplica } from './replica.ts';

export interface OpenRoom extends Room {
  close(): Promise<void>;
}

export function openRoom(bench: Bench): OpenRoom {
  let pool: Promise<pg.Pool> | undefined;
  let worker: Promise<LedgerWorker> | undefined;
  let replica: Promise<Replica> | undefined;
  const servers = new Map<ServerKind, Promise<Server>>();
  const connections: Redis[] = [];
  return {
    bench,
    postgres: () => {
      pool ??= bench.stores.databaseUrl().then(openPool);
      return pool;
    },
    connections: async (count) => {
      const missing = Array.from(
        { length: Math.max(0, count - connections.length) },
        () => new Redis(bench.stores.redisUrl, { lazyConnect: true }),
      );
      await Promise.all(missing.map((redis) => redis.connect()));
      connections.push(...missing);
      return connections;
    },
    worker: () => {
      worker ??= startLedgerWorker(bench.stores);
      return worker;
    },
    replica: () => {
      replica ??= startReplica(bench.stores);
      return replica;
    },
    server: async (kind) => {
      const running = servers.get(kind);
      if (running) return running;
      const starting = startServer(kind, bench.stores.redisUrl);
      servers.set(kind, starting);
      // Each measurement opens it anew, on the partition as it is then.
      await closeServer(await starting);
      return starting;
    },
    close: async () => {
      for (const redis of connections) redis.disconnect();
      // What failed to start was told where it was asked for.
      for (const server of servers.values()) await server.then(({ child }) => child.kill()).catch(() => {});
      await worker?.then((running) => running.close()).catch(() => {});
      await replica?.then((running) => running.close()).catch(() => {});
      await pool?.then((open) => open.end()).catch(() => {});
    },
  };
}

/** All its connections made, so that no measurement begins with them. */
async function openPool(connectionString: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString, max: POOL, idleTimeoutMillis: 0 });
  const clients = await Promise.all(Array.from({ length: POOL }, () => pool.connect()));
  for (const client of clients) client.release();
  // Of a connection that breaks, the query on it tells.
  pool.on('error', () => {});
  return pool;
}
