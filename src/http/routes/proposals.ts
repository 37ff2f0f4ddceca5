/**
 * Transfer proposals over HTTP (調撥): what confirmations proposed, and what became of it.
 * Promises: a proposal is settled once; a later call gets how.
 */
import type { FastifyInstance } from 'fastify';
import type { Proposal, ProposalState } from '../../ledger/read/transfers.ts';
import { checkedActorOf } from '../actor.ts';
import { type Problem, problem } from '../answers.ts';
import { iso, isoOf } from '../bodies.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { Routes } from '../route.ts';
import { proposal, proposalParams, proposalsPage, proposalsQuery } from '../schemas/transfers.ts';
import { emptyBody, jsonSchema } from '../schemas.ts';

const tag = 'transfers';

/** Declares the routes of transfer proposals. */
export function declareProposals(app: FastifyInstance, routes: Routes, ledger: LedgerClient): void {
  routes.declare(app, {
    method: 'GET',
    url: '/v1/transfer-proposals',
    name: 'listTransferProposals',
    tag,
    summary: 'List transfers that confirmations proposed, newest first',
    description:
      'A confirmation with `proposeTransferTo` leaves one for each line that another warehouse served.',
    query: proposalsQuery,
    answers: { 200: { description: 'One page.', ...jsonSchema(proposalsPage, 'output') } },
    handle: async (request) => {
      const { proposals, next } = await ledger.query(({ transfers }) => transfers.proposals(request.query));
      return { status: 200, body: { proposals: proposals.map(proposalBody), next } };
    },
  });

  routes.declare(app, {
    method: 'POST',
    url: '/v1/transfer-proposals/:proposalId/dismiss',
    name: 'dismissTransferProposal',
    tag,
    summary: 'No goods are sent for this proposal',
    params: proposalParams,
    body: emptyBody,
    answers: { 200: { description: 'The proposal as it stands.', ...jsonSchema(proposal, 'output') } },
    problems: ['unknown-proposal', 'proposal-ended'],
    handle: async (request) => {
      const settled = await settle(
        ledger,
        Number(request.params.proposalId),
        'dismissed',
        checkedActorOf(request),
      );
      if (!settled) return unknown();
      const { proposal, isDecidedNow } = settled;
      if (proposal.state !== 'dismissed') return ended(proposal);
      return { status: 200, body: proposalBody(proposal), replayed: !isDecidedNow };
    },
  });
}

/** Writes down what became of a proposal, where nobody has before. @throws {LedgerAway} */
export function settle(
  ledger: LedgerClient,
  id: number,
  state: Exclude<ProposalState, 'open'>,
  actor: string,
) {
  return ledger.execute(({ transfers }) => transfers.decide({ id, state, actor }));
}

/** The answer where a transfer cannot be made for this proposal any more, or it was never made. @throws {LedgerAway} */
export async function refuseSettled(ledger: LedgerClient, id: number): Promise<Problem | undefined> {
  const found = await ledger.query(({ transfers }) => transfers.proposal(id));
  if (!found) return unknown();
  return found.state === 'open' ? undefined : ended(found);
}

function unknown(): Problem {
  return problem('unknown-proposal', 'No proposal of this number.');
}

function ended(proposal: Proposal): Problem {
  return problem('proposal-ended', `The proposal is ${proposal.state}.`, {
    proposal: proposalBody(proposal),
  });
}

function proposalBody({ id, atMs, decidedAtMs, ...rest }: Proposal): object {
  return { proposalId: id, ...rest, at: iso(atMs), decidedAt: isoOf(decidedAtMs) };
}
