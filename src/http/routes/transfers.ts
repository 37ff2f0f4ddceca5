/**
 * Transfers over HTTP: goods that left one warehouse and arrive, whole or in parts, in another.
 * Promises: the engine answers about transfers in transit, the ledger about those of long ago.
 */
import type { FastifyInstance } from 'fastify';
import { cancelTransferInput, receiveTransferInput } from '../../domain/inputs/goods.ts';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import type { TransferDocument } from '../../ledger/write/documents.ts';
import { checkedActorOf } from '../actor.ts';
import { type Answer, unfinished } from '../answers.ts';
import { iso, isoOf, transferBody } from '../bodies.ts';
import type { BookedBefore } from '../booked-before.ts';
import { decided } from '../decisions.ts';
import { LedgerAway, type LedgerClient } from '../ledger-client.ts';
import type { ProblemCode } from '../problems.ts';
import type { Routes } from '../route.ts';
import { dispatchBody, transferParams, transfersPage, transfersQuery } from '../schemas/transfers.ts';
import { jsonSchema } from '../schemas.ts';
import { refuseSettled, settle } from './proposals.ts';

const tag = 'transfers';
const TRANSFER = { description: 'The transfer as it stands.', $ref: 'Transfer#' };
const OF_GOODS: readonly ProblemCode[] = ['stocktake-in-progress', 'quarantined', 'not-ready'];
const OF_A_TRANSFER: readonly ProblemCode[] = [
  'unknown-transfer',
  'transfer-ended',
  'quantity-limit-exceeded',
  ...OF_GOODS,
];

/** Declares the routes of transfers. */
export function declareTransfers(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  ledger: LedgerClient,
  booked: BookedBefore,
): void {
  routes.declare(app, {
    method: 'POST',
    url: '/v1/transfers',
    name: 'dispatchTransfer',
    tag,
    summary: 'Goods leave one warehouse for another: they are in transit (調撥)',
    description: 'They leave the source at once and belong to no warehouse until they are received.',
    body: dispatchBody,
    answers: {
      201: { description: 'On their way.', $ref: 'Transfer#' },
      200: { ...TRANSFER, description: 'A repeat: the transfer as it stands now.' },
    },
    problems: [
      'transfer-conflict',
      'insufficient-stock',
      'unknown-item',
      'unknown-proposal',
      'proposal-ended',
      'ledger-backlog',
      ...OF_GOODS,
    ],
    handle: async (request) => {
      const { proposalId, ...transfer } = request.body;
      const input = { ...transfer, actor: checkedActorOf(request) };
      if (proposalId === undefined) return decided(await booked.dispatchTransfer(input), 201, transferBody);
      // A repeat finds its proposal settled by the first try, and its transfer there.
      const isRepeat = (await hot.transfer(transfer.transferId)).outcome === 'done';
      const refusal = isRepeat ? undefined : await refuseSettled(ledger, proposalId);
      if (refusal) return refusal;
      const answer = decided(await booked.dispatchTransfer(input), 201, transferBody);
      return answer.problem === undefined ? await settling(answer, proposalId, input.actor) : answer;
    },
  });

  async function settling(answer: Answer, proposalId: number, actor: string): Promise<Answer> {
    try {
      await settle(ledger, proposalId, 'transferred', actor);
      return answer;
    } catch (error) {
      if (!(error instanceof LedgerAway)) throw error;
      return unfinished('The goods are on their way, but the proposal stays open.', error.retryAfterSeconds);
    }
  }

  routes.declareCommand(app, {
    method: 'POST',
    url: '/v1/transfers/:transferId/receive',
    name: 'receiveTransfer',
    tag,
    summary: 'Goods of a transfer arrived, all or a part, sound or not',
    description: `What is neither received nor rejected stays in transit. The same figures again are a repeat; give each receipt a
\`receiptId\` of its own where equal parts arrive.`,
    input: receiveTransferInput,
    answers: { 200: TRANSFER },
    problems: [...OF_A_TRANSFER, 'exceeds-transit', 'too-many-receipts'],
    handle: async (input) => decided(await hot.receiveTransfer(input), 200, transferBody),
  });

  routes.declareCommand(app, {
    method: 'POST',
    url: '/v1/transfers/:transferId/cancel',
    name: 'cancelTransfer',
    tag,
    summary: 'What is still in transit returns to its source',
    input: cancelTransferInput,
    answers: { 200: TRANSFER },
    problems: OF_A_TRANSFER,
    handle: async (input) => decided(await hot.cancelTransfer(input), 200, transferBody),
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/transfers/:transferId',
    name: 'getTransfer',
    tag,
    summary: 'Look at a transfer',
    params: transferParams,
    answers: { 200: TRANSFER },
    problems: ['unknown-transfer', 'not-ready'],
    handle: async (request) => {
      const { transferId } = request.params;
      const decision = await hot.transfer(transferId);
      if (decision.outcome === 'refused' && ledger.isThere) {
        const known = await ledger.query((known) => known.transfers.one(transferId));
        if (known) return { status: 200, body: transferBody(known) };
      }
      return decided(decision, 200, transferBody);
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/transfers',
    name: 'listTransfers',
    tag,
    summary: 'List transfers, newest first',
    query: transfersQuery,
    answers: { 200: { description: 'One page.', ...jsonSchema(transfersPage, 'output') } },
    handle: async (request) => {
      const { state: status, ...page } = request.query;
      const { transfers, next } = await ledger.query((known) => known.transfers.page({ ...page, status }));
      return { status: 200, body: { transfers: transfers.map(recordBody), next } };
    },
  });
}

function recordBody(record: TransferDocument): object {
  const { actor, reason, dispatchedAtMs, closedAtMs } = record;
  return {
    ...transferBody(record),
    dispatchedAt: iso(dispatchedAtMs),
    closedAt: isoOf(closedAtMs),
    actor,
    reason: reason === '' ? undefined : reason,
  };
}
