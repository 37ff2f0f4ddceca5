/** A server with a ledger behind its routes of alerts, asked with the rights of the API, and a way to set alerts off. */
import { ledgerHandle } from '../../src/ledger/handle.ts';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import { alertBell } from '../ledger/alerting.ts';
import { newEpoch } from '../ledger/chunks.ts';
import { migratedDatabase } from '../ledger/room.ts';
import { ledgerWith, type OpenServer, openServer } from './open-server.ts';

export interface AlertServer extends OpenServer {
  /** With the rights of the worker. */
  readonly ledger: Ledger;
  readonly owner: Awaited<ReturnType<typeof migratedDatabase>>['owner'];
  readonly ring: ReturnType<typeof alertBell>;
}

export async function openAlertServer(): Promise<AlertServer> {
  const database = await migratedDatabase();
  const ledger = await openLedger({ databaseUrl: database.url });
  await ledger.beginEpoch(0, newEpoch(1));
  const handle = ledgerHandle({ databaseUrl: database.url });
  const server = await openServer({}, { ledger: handle });
  return {
    ...server,
    ledger,
    owner: database.owner,
    ring: alertBell(ledger),
    close: async () => {
      await server.close();
      await handle.close();
      await ledger.close();
      await database.drop();
    },
  };
}

/** A server whose ledger does not answer. */
export async function openServerWithLedgerAway(): Promise<OpenServer> {
  const away = () => Promise.reject(new Error('SELECT secret FROM webhook_secrets'));
  const alerts = { page: away, acknowledge: away };
  const webhooks = { list: away, put: away, disable: away };
  const webhookDeliveries = { page: away, retry: away };
  return openServer({}, { ledger: ledgerWith({ alerts, webhooks, webhookDeliveries }) });
}
