/**
 * Low-stock alerts (BR-005) for the people who refill: what fired, and who has seen it.
 */
import type { FastifyInstance } from 'fastify';
import type { Alert } from '../../ledger/read/alerts.ts';
import { checkedActorOf } from '../actor.ts';
import { problem } from '../answers.ts';
import { iso, isoOf } from '../bodies.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { Routes } from '../route.ts';
import { acknowledgeBody, alert, alertParams, alertsPage, alertsQuery } from '../schemas/alerts.ts';
import { jsonSchema } from '../schemas.ts';

const tag = 'alerts';

/** Declares the routes of alerts. */
export function declareAlerts(app: FastifyInstance, routes: Routes, ledger: LedgerClient): void {
  routes.declare(app, {
    method: 'GET',
    url: '/v1/alerts',
    name: 'listAlerts',
    tag,
    summary: 'Read the low-stock alerts, newest first',
    description:
      'An alert fires once when available falls under the safety stock, and is armed again when it is back at it (BR-005).',
    query: alertsQuery,
    answers: { 200: { description: 'One page.', ...jsonSchema(alertsPage, 'output') } },
    handle: async (request) => {
      const { alerts, next } = await ledger.query(({ alerts }) => alerts.page(request.query));
      return { status: 200, body: { alerts: alerts.map(alertBody), next } };
    },
  });

  routes.declare(app, {
    method: 'POST',
    url: '/v1/alerts/:id/acknowledge',
    name: 'acknowledgeAlert',
    tag,
    summary: 'Say that an alert was seen',
    description:
      'The first acknowledgement is kept, with its time, actor and note; a later one gets it as the answer.',
    params: alertParams,
    body: acknowledgeBody,
    answers: { 200: { description: 'The alert, acknowledged.', ...jsonSchema(alert, 'output') } },
    problems: ['unknown-alert'],
    handle: async (request) => {
      const given = {
        alertId: Number(request.params.id),
        actor: checkedActorOf(request),
        note: request.body.note,
      };
      const found = await ledger.execute(({ alerts }) => alerts.acknowledge(given));
      if (!found) return problem('unknown-alert', `There is no alert ${given.alertId}.`);
      return { status: 200, body: alertBody(found.alert), replayed: found.replayed };
    },
  });
}

function alertBody({ atMs, acknowledgedAtMs, ...view }: Alert): object {
  return { ...view, at: iso(atMs), acknowledgedAt: isoOf(acknowledgedAtMs) };
}
