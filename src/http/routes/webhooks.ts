/**
 * Webhooks: addresses to which alerts are posted, and what became of each post.
 * Promises: a secret is shown once, to the caller for whom it was made. Refuses to know: how anything is sent.
 */
import type { FastifyInstance } from 'fastify';
import type { Delivery } from '../../ledger/webhooks/deliveries.ts';
import type { Webhook } from '../../ledger/webhooks/webhooks.ts';
import { checkedActorOf } from '../actor.ts';
import { type Answer, problem } from '../answers.ts';
import { iso, isoOf } from '../bodies.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { Routes } from '../route.ts';
import {
  deliveriesPage,
  deliveriesQuery,
  delivery,
  deliveryParams,
  webhook,
  webhookBody,
  webhookParams,
  webhooksPage,
} from '../schemas/alerts.ts';
import { emptyBody, jsonSchema } from '../schemas.ts';

const tag = 'alerts';
const WEBHOOK = jsonSchema(webhook.omit({ secret: true }), 'output');
const WEBHOOK_WITH_SECRET = jsonSchema(webhook, 'output');

const ABOUT = `Each low-stock alert that fires from now on is posted to \`url\` as Standard Webhooks 1.0.0 says: headers
\`webhook-id\`, \`webhook-timestamp\` and \`webhook-signature\`, and the body
\`{"type": "low-stock.triggered", "timestamp", "data": {"alertId", "sku", "warehouse", "available", "safetyStock", "version"}}\`.
Any answer of 2xx within 10 seconds takes it; everything else is tried again for about a day, under the same \`webhook-id\`.
A receiver may get a message twice and in any order, and knows it by that id. A new webhook without a \`secret\` gets one made,
shown in this one answer. Another \`secret\` than before takes over at once; the one before signs too for a day.`;

function unknownWebhook(webhookId: string): Answer {
  return problem('unknown-webhook', `There is no webhook ${webhookId}.`);
}

/** Declares the routes of webhooks. */
export function declareWebhooks(app: FastifyInstance, routes: Routes, ledger: LedgerClient): void {
  routes.declare(app, {
    method: 'PUT',
    url: '/v1/webhooks/:webhookId',
    name: 'setWebhook',
    tag,
    summary: 'Have alerts posted to an address, or change it',
    description: ABOUT,
    params: webhookParams,
    body: webhookBody,
    answers: {
      201: { description: 'Set.', ...WEBHOOK_WITH_SECRET },
      200: { description: 'Changed, or set as it was.', ...WEBHOOK },
    },
    problems: ['too-many-webhooks'],
    handle: async (request) => {
      const put = { ...request.body, webhookId: request.params.webhookId, actor: checkedActorOf(request) };
      const done = await ledger.execute(({ webhooks }) => webhooks.put(put));
      if (done.outcome === 'too-many')
        return problem('too-many-webhooks', `There are ${done.limit} already.`, { limit: done.limit });
      const body = { ...webhookAnswer(done.webhook), secret: done.madeSecret };
      if (done.outcome === 'created') return { status: 201, body };
      return { status: 200, body, replayed: done.outcome === 'unchanged' };
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/webhooks',
    name: 'listWebhooks',
    tag,
    summary: 'See where alerts are posted to',
    answers: { 200: { description: 'All of them, by id.', ...jsonSchema(webhooksPage, 'output') } },
    handle: async () => {
      const webhooks = await ledger.query(({ webhooks }) => webhooks.list());
      return { status: 200, body: { webhooks: webhooks.map(webhookAnswer), next: null } };
    },
  });

  routes.declare(app, {
    method: 'POST',
    url: '/v1/webhooks/:webhookId/disable',
    name: 'disableWebhook',
    tag,
    summary: 'Post no more alerts to an address',
    description:
      'Deliveries on their way are given up. Setting the webhook again enables it, for alerts from then on.',
    params: webhookParams,
    body: emptyBody,
    answers: { 200: { description: 'Disabled.', ...WEBHOOK } },
    problems: ['unknown-webhook'],
    handle: async (request) => {
      const { webhookId } = request.params;
      const actor = checkedActorOf(request);
      const done = await ledger.execute(({ webhooks }) => webhooks.disable(webhookId, actor));
      if (!done) return unknownWebhook(webhookId);
      return { status: 200, body: webhookAnswer(done.webhook), replayed: done.replayed };
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/webhooks/:webhookId/deliveries',
    name: 'listDeliveries',
    tag,
    summary: 'See what became of each alert on its way to a webhook, newest first',
    description: 'What was settled is kept for 30 days.',
    params: webhookParams,
    query: deliveriesQuery,
    answers: { 200: { description: 'One page.', ...jsonSchema(deliveriesPage, 'output') } },
    problems: ['unknown-webhook'],
    handle: async (request) => {
      const { webhookId } = request.params;
      const { after, limit } = request.query;
      const page = await ledger.query(({ webhookDeliveries }) =>
        webhookDeliveries.page(webhookId, after, limit),
      );
      if (!page) return unknownWebhook(webhookId);
      return { status: 200, body: { deliveries: page.deliveries.map(deliveryBody), next: page.next } };
    },
  });

  routes.declare(app, {
    method: 'POST',
    url: '/v1/webhooks/:webhookId/deliveries/:id/retry',
    name: 'retryDelivery',
    tag,
    summary: 'Send a delivery now, whatever became of it',
    description: 'It keeps its `messageId`, by which the receiver knows a repeat.',
    params: deliveryParams,
    body: emptyBody,
    answers: { 200: { description: 'On its way.', ...jsonSchema(delivery, 'output') } },
    problems: ['unknown-webhook', 'unknown-delivery', 'webhook-disabled'],
    handle: async (request) => {
      const { webhookId, id } = request.params;
      const retried = await ledger.execute(({ webhookDeliveries }) =>
        webhookDeliveries.retry(webhookId, Number(id)),
      );
      switch (retried) {
        case 'unknown-webhook':
          return unknownWebhook(webhookId);
        case 'unknown-delivery':
          return problem(retried, `Webhook ${webhookId} has no delivery ${id}.`);
        case 'webhook-disabled':
          return problem(retried, `Nothing is sent to ${webhookId}.`);
        default:
          return { status: 200, body: deliveryBody(retried) };
      }
    },
  });
}

function webhookAnswer({ createdAtMs, updatedAtMs, disabledAtMs, ...view }: Webhook): object {
  return {
    ...view,
    createdAt: iso(createdAtMs),
    updatedAt: iso(updatedAtMs),
    disabledAt: isoOf(disabledAtMs),
  };
}

function deliveryBody(view: Delivery): object {
  const { createdAtMs, lastAttemptAtMs, nextAttemptAtMs, settledAtMs, ...rest } = view;
  return {
    ...rest,
    createdAt: iso(createdAtMs),
    lastAttemptAt: isoOf(lastAttemptAtMs),
    nextAttemptAt: isoOf(nextAttemptAtMs),
    settledAt: isoOf(settledAtMs),
  };
}
