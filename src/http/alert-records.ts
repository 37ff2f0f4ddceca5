/**
 * What the HTTP room asks of the ledger about alerts and webhooks, and tells it; handed in by the composition root.
 * Promises: as readers.ts does. What is told may be told again.
 */

export const ALERT_STATES = ['open', 'acknowledged', 'all'] as const;
export const DELIVERY_STATES = ['pending', 'delivered', 'gave-up'] as const;

export interface AlertView {
  readonly id: number;
  readonly sku: string;
  readonly warehouse: string;
  readonly available: number;
  readonly safetyStock: number;
  readonly version: number;
  readonly atMs: number;
  readonly acknowledgedAtMs?: number | undefined;
  readonly acknowledgedBy?: string | undefined;
  readonly note?: string | undefined;
}

export interface WebhookView {
  readonly webhookId: string;
  readonly url: string;
  readonly actor: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly disabledAtMs?: number | undefined;
  readonly disabledBy?: string | undefined;
  readonly pending: number;
  readonly gaveUp: number;
}

export interface DeliveryView {
  readonly id: number;
  readonly messageId: string;
  readonly alertId: number;
  readonly state: (typeof DELIVERY_STATES)[number];
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly lastAttemptAtMs?: number | undefined;
  readonly lastStatus?: number | undefined;
  readonly lastAnswer?: string | undefined;
  readonly nextAttemptAtMs?: number | undefined;
  readonly settledAtMs?: number | undefined;
}

interface Page {
  readonly after?: number | undefined;
  readonly limit: number;
}

export interface AlertRecords {
  /** Newest first. */
  alerts(
    query: Page & {
      readonly sku?: string | undefined;
      readonly warehouse?: string | undefined;
      readonly state: (typeof ALERT_STATES)[number];
    },
  ): Promise<{ readonly alerts: readonly AlertView[]; readonly next: number | null }>;
  /** Undefined where there is no such alert. */
  acknowledge(given: {
    readonly alertId: number;
    readonly actor: string;
    readonly note?: string | undefined;
  }): Promise<{ readonly alert: AlertView; readonly replayed: boolean } | undefined>;

  /** All of them, by id. */
  webhooks(): Promise<readonly WebhookView[]>;
  putWebhook(put: {
    readonly webhookId: string;
    readonly url: string;
    readonly secret?: string | undefined;
    readonly actor: string;
  }): Promise<
    | {
        readonly outcome: 'created' | 'updated' | 'unchanged';
        readonly webhook: WebhookView;
        /** Where this call made one. Never logged. */
        readonly madeSecret?: string | undefined;
      }
    | { readonly outcome: 'too-many'; readonly limit: number }
  >;
  /** Undefined where there is no such webhook. */
  disableWebhook(
    webhookId: string,
    actor: string,
  ): Promise<{ readonly webhook: WebhookView; readonly replayed: boolean } | undefined>;
  /** Newest first; undefined where there is no such webhook. */
  deliveries(
    webhookId: string,
    page: Page,
  ): Promise<{ readonly deliveries: readonly DeliveryView[]; readonly next: number | null } | undefined>;
  retryDelivery(
    webhookId: string,
    deliveryId: number,
  ): Promise<DeliveryView | 'unknown-webhook' | 'unknown-delivery' | 'webhook-disabled'>;
}
