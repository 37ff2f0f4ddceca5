/**
 * The life of a reservation over HTTP: reserve, alone or in a batch, look, confirm, release, extend.
 * Promises: an order is checked once, by the engine; nothing else is between it and the network.
 */
import type { FastifyInstance } from 'fastify';
import {
  confirmInput,
  extendInput,
  type ReserveInput,
  releaseInput,
  reserveInput,
} from '../../domain/inputs/orders.ts';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import { actorOf } from '../actor.ts';
import { AllocationExplainer } from '../allocation-explainer.ts';
import { type Answer, batchResponse } from '../answers.ts';
import { reservationBody } from '../bodies.ts';
import { decided, refused } from '../decisions.ts';
import type { ProblemCode } from '../problems.ts';
import type { Routes } from '../route.ts';
import {
  BATCH_ORDERS_MAX,
  batchOrder,
  batchResults,
  orderParams,
  reserveBatchBody,
  reserveBatchShown,
} from '../schemas/orders.ts';
import { jsonSchema } from '../schemas.ts';

const tag = 'reservations';
const RESERVATION = { description: 'The reservation as it stands.', $ref: 'Reservation#' };
const REPEATED = {
  description: 'An earlier try was done: the reservation as it stands now.',
  $ref: 'Reservation#',
};
const OF_A_RESERVATION: readonly ProblemCode[] = ['unknown-reservation', 'quarantined', 'not-ready'];
const OF_AN_OPEN_ONE: readonly ProblemCode[] = [
  ...OF_A_RESERVATION,
  'reservation-expired',
  'already-released',
];

export interface ReservationsOptions {
  /** How long an order is held that does not say. */
  readonly holdSecondsDefault: number;
  readonly batchBodyBytesMax: number;
}

/** Declares the routes of orders. */
export function declareReservations(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  { holdSecondsDefault, batchBodyBytesMax }: ReservationsOptions,
): void {
  const servedFrom = new AllocationExplainer(hot.places);

  function reserve(order: ReserveInput): Promise<Answer> {
    const {
      orderId,
      lines,
      holdSeconds = holdSecondsDefault,
      customerId,
      saleId,
      shipTo,
      allocation,
      actor,
    } = order;
    const input = { orderId, lines, holdSeconds, customerId, saleId, shipTo, allocation, actor };
    return hot.reserve(input).then((decision) => {
      if (decision.outcome === 'refused') return refused(decision.refusal);
      const { value, replayed } = decision;
      if (replayed) return { status: 200, body: reservationBody(value), replayed };
      return { status: 201, body: reservationBody(value, servedFrom.explain(value, shipTo)), replayed };
    });
  }

  routes.declareCommand(app, {
    method: 'POST',
    url: '/v1/reservations',
    name: 'reserve',
    tag,
    summary: 'Hold stock for an order, all lines or none',
    description: `The order id names the request for good: the same request again gets the first answer again, with 200 and
\`Idempotent-Replayed: true\`; the same id with other content is refused. Without \`holdSeconds\` the units are held
${holdSecondsDefault} seconds. Where the outcome of a try is unknown (503), repeat it under the same id.`,
    input: reserveInput,
    answers: { 201: { description: 'Held.', $ref: 'Reservation#' }, 200: REPEATED },
    problems: [
      'insufficient-stock',
      'unknown-item',
      'order-conflict',
      'stocktake-in-progress',
      'unknown-sale',
      'sale-not-open',
      'sale-closed',
      'customer-required',
      'purchase-limit-exceeded',
      'ledger-backlog',
      'quarantined',
      'not-ready',
    ],
    handle: reserve,
  });

  routes.declare(app, {
    method: 'POST',
    url: '/v1/reservations/batch',
    name: 'reserveBatch',
    tag,
    summary: `Hold stock for up to ${BATCH_ORDERS_MAX} orders, each for itself`,
    description: `Each order is held or refused alone, in the order given, and answered in its place with the status and the body it
would have had by itself; a bad one is 400 in its place. Repeat the whole under the same order ids where an outcome is unknown.`,
    body: reserveBatchBody,
    bodyShown: reserveBatchShown,
    bodyBytesMax: batchBodyBytesMax,
    answers: { 200: { description: 'The answer of each order.', ...jsonSchema(batchResults, 'output') } },
    handle: async (request) => {
      const actor = actorOf(request);
      const answerOf = async (order: unknown): Promise<Answer> => {
        const input = batchOrder.compose(order, actor);
        if ('problem' in input) return input;
        try {
          return await reserve(input.command);
        } catch (error) {
          return routes.failed(error, request.id);
        }
      };
      return batchResponse(await Promise.all(request.body.reservations.map(answerOf)));
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/reservations/:orderId',
    name: 'getReservation',
    tag,
    summary: 'Look at a reservation',
    params: orderParams,
    answers: { 200: RESERVATION },
    problems: OF_A_RESERVATION,
    handle: async (request) => decided(await hot.reservation(request.params.orderId), 200, reservationBody),
  });

  routes.declareCommand(app, {
    method: 'POST',
    url: '/v1/reservations/:orderId/confirm',
    name: 'confirm',
    tag,
    summary: 'The order is paid: what it holds is sold',
    description: `A partial confirm returns the remainder at once and closes the hold. A payment that comes after the hold expired is
refused, or with \`reacquire\` takes the stock again where it is there; where it is not, the case is listed for people (GET /v1/shortfalls).`,
    input: confirmInput,
    answers: { 200: RESERVATION },
    problems: [
      ...OF_AN_OPEN_ONE,
      'already-confirmed',
      'exceeds-reservation',
      'paid-but-short',
      'stocktake-in-progress',
    ],
    handle: async (input) => decided(await hot.confirm(input), 200, reservationBody),
  });

  routes.declareCommand(app, {
    method: 'POST',
    url: '/v1/reservations/:orderId/release',
    name: 'release',
    tag,
    summary: 'The order is cancelled: what it holds goes back on sale',
    description: `A partial release keeps the rest held. The same lines again are a repeat and return nothing more; give each
release a \`releaseId\` of its own where the same lines are to return twice.`,
    input: releaseInput,
    answers: { 200: RESERVATION },
    problems: [...OF_AN_OPEN_ONE, 'already-confirmed', 'exceeds-reservation', 'too-many-partial-releases'],
    handle: async (input) => decided(await hot.release(input), 200, reservationBody),
  });

  routes.declareCommand(app, {
    method: 'POST',
    url: '/v1/reservations/:orderId/extend',
    name: 'extend',
    tag,
    summary: 'Hold a live reservation longer',
    input: extendInput,
    answers: { 200: RESERVATION },
    problems: [...OF_AN_OPEN_ONE, 'already-confirmed', 'lifetime-exceeded'],
    handle: async (input) => decided(await hot.extend(input), 200, reservationBody),
  });
}
