/**
 * The life of a reservation over HTTP: reserve, look, confirm, release, extend.
 * Promises: nothing between the network and the engine but a check of the shape: this is the road of every order.
 */
import type { FastifyInstance } from 'fastify';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import { decided, reservationBody } from '../answers.ts';
import type { ProblemCode } from '../problems.ts';
import { actorOf, type Routes } from '../route.ts';
import { confirmBody, extendBody, orderParams, releaseBody, reserveBody } from '../schemas.ts';

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

/** @param holdSecondsDefault how long an order is held that does not say */
export function declareReservations(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  holdSecondsDefault: number,
): void {
  routes.declare(app, {
    method: 'POST',
    url: '/v1/reservations',
    name: 'reserve',
    tag,
    summary: 'Hold stock for an order, all lines or none',
    description: `The order id names the request for good: the same request again gets the first answer again, with 200 and
\`Idempotent-Replayed: true\`; the same id with other content is refused. Without \`holdSeconds\` the units are held
${holdSecondsDefault} seconds. Where the outcome of a try is unknown (503), repeat it under the same id.`,
    body: reserveBody,
    answers: { 201: { description: 'Held.', $ref: 'Reservation#' }, 200: REPEATED },
    problems: [
      'insufficient-stock',
      'unknown-item',
      'order-conflict',
      'ledger-backlog',
      'quarantined',
      'not-ready',
    ],
    handle: (request) => {
      const { orderId, lines, holdSeconds = holdSecondsDefault } = request.body;
      return hot
        .reserve({ orderId, lines, holdSeconds, actor: actorOf(request) })
        .then((decision) => decided(decision, 201, reservationBody));
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

  routes.declare(app, {
    method: 'POST',
    url: '/v1/reservations/:orderId/confirm',
    name: 'confirm',
    tag,
    summary: 'The order is paid: what it holds is sold',
    description: 'A partial confirm returns the remainder at once and closes the hold.',
    params: orderParams,
    body: confirmBody,
    bodyMayBeMissing: true,
    answers: { 200: RESERVATION },
    problems: [...OF_AN_OPEN_ONE, 'already-confirmed', 'exceeds-reservation'],
    handle: async (request) => {
      const input = { orderId: request.params.orderId, lines: request.body.lines, actor: actorOf(request) };
      return decided(await hot.confirm(input), 200, reservationBody);
    },
  });

  routes.declare(app, {
    method: 'POST',
    url: '/v1/reservations/:orderId/release',
    name: 'release',
    tag,
    summary: 'The order is cancelled: what it holds goes back on sale',
    description: `A partial release keeps the rest held. The same lines again are a repeat and return nothing more; give each
release a \`releaseId\` of its own where the same lines are to return twice.`,
    params: orderParams,
    body: releaseBody,
    bodyMayBeMissing: true,
    answers: { 200: RESERVATION },
    problems: [...OF_AN_OPEN_ONE, 'already-confirmed', 'exceeds-reservation', 'too-many-partial-releases'],
    handle: async (request) => {
      const { lines, releaseId } = request.body;
      const input = { orderId: request.params.orderId, lines, releaseId, actor: actorOf(request) };
      return decided(await hot.release(input), 200, reservationBody);
    },
  });

  routes.declare(app, {
    method: 'POST',
    url: '/v1/reservations/:orderId/extend',
    name: 'extend',
    tag,
    summary: 'Hold a live reservation longer',
    params: orderParams,
    body: extendBody,
    answers: { 200: RESERVATION },
    problems: [...OF_AN_OPEN_ONE, 'already-confirmed', 'lifetime-exceeded'],
    handle: async (request) => {
      const { holdSeconds } = request.body;
      const input = { orderId: request.params.orderId, holdSeconds, actor: actorOf(request) };
      return decided(await hot.extend(input), 200, reservationBody);
    },
  });
}
