/**
 * Sends low-stock alerts to webhooks, as Standard Webhooks specifies. Promises: write-behind never waits for it; an alert is
 * sent at least once, under one id, until the receiver has it or about a day is over, also when a worker dies. Any number
 * of workers may send. Refuses to know: who registered a webhook.
 */
import type { Logger } from 'pino';
import type { ClaimedDelivery, WebhookQueue } from '../../ledger/webhooks/queue.ts';
import type { Webhooks } from '../../ledger/webhooks/webhooks.ts';
import { pause, Retry } from '../../timing/retry.ts';
import { type PostAnswer, post } from './post.ts';
import { signatures } from './signature.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

export interface WebhookLimits {
  /** The waits between attempts; after the last attempt the delivery is given up. */
  readonly waitsMs: readonly number[];
  /** One attempt, from the connection to the end of the answer. */
  readonly attemptMsMax: number;
  /** A worker that has not settled an attempt by then counts as dead. Far longer than an attempt. */
  readonly claimMs: number;
  /** Deliveries on their way at once. */
  readonly sendsMax: number;
  /** Those of one webhook, so that a receiver that hangs leaves room for the others. */
  readonly sendsPerWebhookMax: number;
  /** How often an idle sender looks for new alerts. */
  readonly pollMs: number;
  /** How long a sender that stops waits for what it is sending. */
  readonly stopMsMax: number;
}

/** Ten attempts in some 23 hours: soon at first, because most receivers only restart; then over a night without staff. */
export const WEBHOOK_LIMITS_DEFAULT: WebhookLimits = {
  waitsMs: [
    5 * SECOND_MS,
    30 * SECOND_MS,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    8 * HOUR_MS,
    8 * HOUR_MS,
  ],
  attemptMsMax: 10 * SECOND_MS,
  claimMs: MINUTE_MS,
  sendsMax: 32,
  sendsPerWebhookMax: 4,
  pollMs: SECOND_MS,
  stopMsMax: 2 * SECOND_MS,
};
/** Waits vary by this share in both directions, so that what failed together does not come back together. */
const JITTER = 0.2;
const RETRY_WAIT_MS_MIN = 100;
const RETRY_WAIT_MS_MAX = 10 * SECOND_MS;
const COUNT_EVERY_MS = 10 * SECOND_MS;
const TIDY_EVERY_MS = HOUR_MS;

/** The receiver wants no more of this webhook. */
const STATUS_GONE = 410;
/** Who disables a webhook whose receiver is gone. */
const ACTOR_WORKER = 'worker';

export interface WebhookSenderOptions {
  /** On connections of their own, so that a slow statement here never delays write-behind. */
  readonly queue: WebhookQueue;
  readonly webhooks: Webhooks;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly limits?: Partial<WebhookLimits> | undefined;
}

export interface WebhookSenderStatus {
  /** Deliveries on their way, and given up, as of the last count. */
  readonly pending: number;
  readonly gaveUp: number;
  readonly sending: number;
}

/** Starts at once and runs until stopped, whatever happens to Postgres and to the receivers. */
export function startWebhookSender(options: WebhookSenderOptions): WebhookSender {
  return new WebhookSender(options);
}

/** A running sender; see {@link startWebhookSender}. */
export class WebhookSender {
  readonly #options: WebhookSenderOptions;
  readonly #limits: WebhookLimits;
  readonly #sending = new Set<Promise<void>>();
  /** Aborts what is being sent. */
  readonly #cutting = new AbortController();
  readonly #done: Promise<void>;
  /** Ends the pause of the loop. */
  #waking = new AbortController();
  #isStopping = false;
  #counts = { pending: 0, gaveUp: 0 };
  #countAtMs = Number.NEGATIVE_INFINITY;
  #tidyAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
    this.#limits = { ...WEBHOOK_LIMITS_DEFAULT, ...options.limits };
    this.#done = this.#run();
  }

  /** As of the last count. Never waits. */
  status(): WebhookSenderStatus {
    return { ...this.#counts, sending: this.#sending.size };
  }

  /** Takes nothing new, waits for at most `stopMsMax` for what is being sent, and leaves the rest to the next worker. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#waking.abort();
    await this.#done;
    const cut = setTimeout(() => this.#cutting.abort(), this.#limits.stopMsMax);
    await Promise.all(this.#sending);
    clearTimeout(cut);
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    const retry = new Retry({ waitMsMin: RETRY_WAIT_MS_MIN, waitMsMax: RETRY_WAIT_MS_MAX });
    while (!this.#isStopping) {
      this.#waking = new AbortController();
      let waitMs = this.#limits.pollMs;
      try {
        // More than one step's worth does not wait for the next poll.
        if (await this.#look()) waitMs = 0;
        retry.progressed();
      } catch (error) {
        log.warn({ err: error }, 'webhook deliveries cannot be read now, which is tried again');
        waitMs = retry.nextWaitMs('the ledger is away');
      }
      if (waitMs > 0 && !this.#isStopping) await pause(waitMs, this.#waking.signal);
    }
  }

  /** @returns whether there is more to do at once */
  async #look(): Promise<boolean> {
    const { queue } = this.#options;
    const { sendsMax, sendsPerWebhookMax, claimMs } = this.#limits;
    const spread = await queue.spread();
    const free = sendsMax - this.#sending.size;
    const claimed = free > 0 ? await queue.claim(free, sendsPerWebhookMax, claimMs) : [];
    for (const delivery of claimed) this.#launch(delivery);
    await this.#countAndTidy();
    return spread > 0 && this.#sending.size < sendsMax;
  }

  async #countAndTidy(): Promise<void> {
    const { queue } = this.#options;
    const nowMs = performance.now();
    if (nowMs - this.#countAtMs >= COUNT_EVERY_MS) {
      this.#counts = await queue.counts();
      this.#countAtMs = nowMs;
    }
    if (nowMs - this.#tidyAtMs >= TIDY_EVERY_MS) {
      await queue.tidy();
      this.#tidyAtMs = nowMs;
    }
  }

  #launch(delivery: ClaimedDelivery): void {
    const sending = this.#attempt(delivery)
      .catch((error: unknown) => {
        // Its outcome is unknown, so it is sent again when the claim has run out: at least once, under the same id.
        const { id, webhookId } = delivery;
        this.#options.log.warn({ err: error, webhookId, delivery: id }, 'a delivery could not be settled');
      })
      .finally(() => {
        this.#sending.delete(sending);
        this.#waking.abort();
      });
    this.#sending.add(sending);
  }

  async #attempt(delivery: ClaimedDelivery): Promise<void> {
    const { queue, webhooks, log } = this.#options;
    const late = AbortSignal.timeout(this.#limits.attemptMsMax);
    const answer = await send(delivery, AbortSignal.any([late, this.#cutting.signal])).catch(failureText);
    const isAnswer = typeof answer !== 'string';
    if (!isAnswer && this.#cutting.signal.aborted) return queue.release(delivery);
    const outcome = isAnswer ? { status: answer.status, answer: answer.text } : { status: undefined, answer };
    if (isAnswer && answer.status >= 200 && answer.status < 300) return queue.delivered(delivery, outcome);
    const { webhookId, attempts, id } = delivery;
    if (outcome.status === STATUS_GONE) {
      // First, so that nothing else is sent to it.
      await webhooks.disable(webhookId, ACTOR_WORKER);
      await queue.failed(delivery, outcome, undefined);
      log.warn({ webhookId, delivery: id }, 'the receiver of a webhook is gone (410): it was disabled');
      return;
    }
    const waitMs = this.#waitMs(attempts, isAnswer ? answer.retryAfterMs : undefined);
    await queue.failed(delivery, outcome, waitMs);
    if (waitMs === undefined)
      log.warn({ webhookId, delivery: id, attempts, status: outcome.status }, 'a delivery was given up');
  }

  /** Until the next attempt; undefined where there is none. A receiver may ask for more time, within the longest wait. */
  #waitMs(attempts: number, requestedMs = 0): number | undefined {
    const { waitsMs } = this.#limits;
    const waitMs = waitsMs[attempts - 1];
    if (waitMs === undefined) return undefined;
    const requested = Math.min(requestedMs, Math.max(...waitsMs));
    return Math.max(requested, waitMs * (1 - JITTER + 2 * JITTER * Math.random()));
  }
}

async function send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<PostAnswer> {
  const message = {
    id: delivery.messageId,
    timestampSeconds: Math.floor(delivery.claimedAtMs / SECOND_MS),
    body: bodyOf(delivery),
  };
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Holdfast',
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestampSeconds),
    'webhook-signature': signatures(message, delivery.secrets),
  };
  return post(delivery.url, headers, message.body, signal);
}

/** From the ledger's entry alone, so that every attempt sends the same bytes. */
function bodyOf({ alert }: ClaimedDelivery): string {
  const { id: alertId, sku, warehouse, available, safetyStock, version } = alert;
  return JSON.stringify({
    type: 'low-stock.triggered',
    timestamp: new Date(alert.atMs).toISOString(),
    data: { alertId, sku, warehouse, available, safetyStock, version },
  });
}

/** Why no answer came, for those who run the receiver. */
function failureText(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError') return 'no answer in time';
  const code = 'code' in error ? String(error.code) : '';
  return [...new Set([code, error.message])].filter((word) => word !== '').join(': ') || error.name;
}
