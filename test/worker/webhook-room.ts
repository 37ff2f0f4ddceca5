/**
 * A ledger in which alerts are set off, receivers that answer as a test says, and senders between them, each with the
 * rights it has in a process of its own.
 */
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import type { Delivery } from '../../src/ledger/webhooks/deliveries.ts';
import {
  startWebhookSender,
  type WebhookLimits,
  type WebhookSender,
} from '../../src/worker/webhooks/webhooks.ts';
import { until } from '../holdfast.ts';
import { alertBell } from '../ledger/alerting.ts';
import { newEpoch } from '../ledger/chunks.ts';
import { migratedDatabase } from '../ledger/room.ts';
import { type Answering, openReceiver, type Receiver } from './receiver.ts';

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
/** Waits that a test can sit out; time-outs as they are. */
const LIMITS: Partial<WebhookLimits> = { waitsMs: [10, 10, 10], pollMs: 20 };

export class WebhookRoom {
  readonly database: Awaited<ReturnType<typeof migratedDatabase>>;
  /** With the rights of the API. */
  readonly api: Ledger;
  /** Sets alerts off. */
  readonly ring: ReturnType<typeof alertBell>;
  /** What senders have said. */
  readonly warnings: string[] = [];
  /** Run in reverse when the room closes. */
  readonly closers: (() => Promise<unknown>)[] = [];

  constructor(database: WebhookRoom['database'], writer: Ledger, api: Ledger) {
    this.database = database;
    this.api = api;
    this.ring = alertBell(writer);
    this.closers.push(
      () => database.drop(),
      () => writer.close(),
      () => api.close(),
    );
  }

  static async open(): Promise<WebhookRoom> {
    const database = await migratedDatabase();
    const writer = await openLedger({ databaseUrl: database.url });
    await writer.beginEpoch(0, newEpoch(1));
    return new WebhookRoom(
      database,
      writer,
      await openLedger({ databaseUrl: database.url, role: 'holdfast_api' }),
    );
  }

  async close(): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) await close();
  }

  async receiver(answering?: Answering): Promise<Receiver> {
    const opened = await openReceiver(answering);
    this.closers.push(() => opened.close());
    return opened;
  }

  /** With the rights of the worker. */
  async workerLedger(applicationName = 'webhooks-test'): Promise<Ledger> {
    const ledger = await openLedger({ databaseUrl: this.database.url, applicationName, poolMax: 2 });
    this.closers.push(() => ledger.close());
    return ledger;
  }

  async sender(limits: Partial<WebhookLimits> = {}, ledger?: Ledger): Promise<WebhookSender> {
    const { webhookQueue: queue, webhooks } = ledger ?? (await this.workerLedger());
    const log = { info() {}, warn: (...said: unknown[]) => void this.warnings.push(String(said[1])) };
    const started = startWebhookSender({ queue, webhooks, log, limits: { ...LIMITS, ...limits } });
    this.closers.push(() => started.stop());
    return started;
  }

  put(webhookId: string, url: string, secret: string | undefined = SECRET) {
    return this.api.webhooks.put({ webhookId, url, secret, actor: 'tester' });
  }

  /** Newest first. */
  async deliveries(webhookId = 'hook'): Promise<readonly Delivery[]> {
    return (await this.api.webhookDeliveries.page(webhookId, undefined, 1_000))?.deliveries ?? [];
  }

  /** Waits until a webhook has so many deliveries, all of them in this state. */
  async untilAll(state: Delivery['state'], count: number, webhookId = 'hook'): Promise<void> {
    await until(async () => {
      const all = await this.deliveries(webhookId);
      return all.length === count && all.every((delivery) => delivery.state === state);
    });
  }
}
