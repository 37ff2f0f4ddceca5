/**
 * Late payments that found no stock, for the people who make it good.
 * Promises: a case is resolved once; the first resolution is kept.
 */
import type { FastifyInstance } from 'fastify';
import type { Shortfall } from '../../ledger/read/shortfalls.ts';
import { checkedActorOf } from '../actor.ts';
import { problem } from '../answers.ts';
import { iso, isoOf } from '../bodies.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { Routes } from '../route.ts';
import {
  resolveBody,
  shortfall,
  shortfallParams,
  shortfallsPage,
  shortfallsQuery,
} from '../schemas/sales.ts';
import { jsonSchema } from '../schemas.ts';

const tag = 'reservations';

/** Declares the routes of late payments. */
export function declareShortfalls(app: FastifyInstance, routes: Routes, ledger: LedgerClient): void {
  routes.declare(app, {
    method: 'GET',
    url: '/v1/shortfalls',
    name: 'listShortfalls',
    tag,
    summary: 'List payments that came too late and found no stock, newest first',
    description: 'A confirm with `reacquire` that was refused `paid-but-short` leaves one, a moment later.',
    query: shortfallsQuery,
    answers: { 200: { description: 'One page.', ...jsonSchema(shortfallsPage, 'output') } },
    handle: async (request) => {
      const { state, ...page } = request.query;
      const query = { ...page, openOnly: state === 'open' };
      const { shortfalls, next } = await ledger.query((known) => known.shortfalls.page(query));
      return { status: 200, body: { shortfalls: shortfalls.map(shortfallBody), next } };
    },
  });

  routes.declare(app, {
    method: 'POST',
    url: '/v1/shortfalls/:orderId/resolve',
    name: 'resolveShortfall',
    tag,
    summary: 'Say what was done about a late payment',
    description:
      'Where goods were found, confirm the order with `reacquire` instead: that resolves the case by itself.',
    params: shortfallParams,
    body: resolveBody,
    answers: { 200: { description: 'The case as it stands.', ...jsonSchema(shortfall, 'output') } },
    problems: ['unknown-shortfall'],
    handle: async (request) => {
      const actor = checkedActorOf(request);
      const { orderId } = request.params;
      const given = { orderId, resolution: request.body.resolution, actor };
      const resolved = await ledger.execute(({ shortfalls }) => shortfalls.resolve(given));
      if (!resolved) return problem('unknown-shortfall', 'No payment of this order came short.');
      const { shortfall, isResolvedNow } = resolved;
      return { status: 200, body: shortfallBody(shortfall), replayed: !isResolvedNow };
    },
  });
}

function shortfallBody(view: Shortfall): object {
  const { orderId, lines, actor, atMs, resolution, resolvedBy, resolvedAtMs } = view;
  const state = resolvedAtMs === undefined ? 'open' : 'resolved';
  return {
    orderId,
    state,
    lines,
    actor,
    at: iso(atMs),
    resolution,
    resolvedBy,
    resolvedAt: isoOf(resolvedAtMs),
  };
}
