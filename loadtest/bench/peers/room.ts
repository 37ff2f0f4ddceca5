/** What the peers share: connections to Postgres, a server process, a worker process. */
import pg from 'pg';
import type { Bench } from '../figures.ts';
import { closeServer, startServer } from '../http-load.ts';
import { startLedgerWorker } from './ledger-worker.ts';
import { POOL, type Room } from './peer.ts';

/** All made beforehand, so that no measurement begins with it. */
export async function openRoom(bench: Bench): Promise<Room & { close(): Promise<void> }> {
  const { stores } = bench;
  const connectionString = await stores.databaseUrl();
  const postgres = new pg.Pool({ connectionString, max: POOL, idleTimeoutMillis: 0 });
  // The query on a connection that breaks reports it.
  postgres.on('error', () => {});
  const clients = await Promise.all(Array.from({ length: POOL }, () => postgres.connect()));
  for (const client of clients) client.release();
  const worker = await startLedgerWorker(stores);
  const server = await startServer('real', stores.redisUrl);
  // Each measurement opens it anew, on the partition as it is then.
  await closeServer(server);
  const close = async () => {
    server.child.kill();
    await worker.close().catch(() => {});
    await postgres.end().catch(() => {});
  };
  return { bench, postgres, worker, server, close };
}
