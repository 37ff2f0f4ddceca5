/** What the peers share: connections, a server, a worker; made when first needed, closed together. */
import pg from 'pg';
import type { Bench } from '../figures.ts';
import { closeServer, type Server, startServer } from '../http-load.ts';
import { type LedgerWorker, startLedgerWorker } from './ledger-worker.ts';
import { POOL, type Room } from './peer.ts';

export interface OpenRoom extends Room {
  close(): Promise<void>;
}

export function openRoom(bench: Bench): OpenRoom {
  let pool: Promise<pg.Pool> | undefined;
  let worker: Promise<LedgerWorker> | undefined;
  let server: Promise<Server> | undefined;
  return {
    bench,
    postgres: () => {
      pool ??= bench.stores.databaseUrl().then(openPool);
      return pool;
    },
    worker: () => {
      worker ??= startLedgerWorker(bench.stores);
      return worker;
    },
    server: () => {
      server ??= startClosedServer(bench);
      return server;
    },
    close: async () => {
      // What failed to start was reported where it was needed.
      await server?.then(({ child }) => child.kill()).catch(() => {});
      await worker?.then((running) => running.close()).catch(() => {});
      await pool?.then((open) => open.end()).catch(() => {});
    },
  };
}

/** Each measurement opens it anew, on the partition as it is then. */
async function startClosedServer({ stores }: Bench): Promise<Server> {
  const server = await startServer('real', stores.redisUrl);
  await closeServer(server);
  return server;
}

/** All its connections made, so that no measurement begins with them. */
async function openPool(connectionString: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString, max: POOL, idleTimeoutMillis: 0 });
  const clients = await Promise.all(Array.from({ length: POOL }, () => pool.connect()));
  for (const client of clients) client.release();
  // The query on a connection that breaks reports it.
  pool.on('error', () => {});
  return pool;
}
