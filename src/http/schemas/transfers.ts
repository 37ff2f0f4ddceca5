/** Shapes of transfers between warehouses, and of proposals to make one. */
import { z } from 'zod';
import { strict } from '../../domain/inputs/declare.ts';
import { oneOf } from '../../domain/inputs/fields.ts';
import { dispatchTransferInput, transferId } from '../../domain/inputs/goods.ts';
import { TRANSFER_STATUSES } from '../../domain/language.ts';
import type { ProposalState } from '../../ledger/read/transfers.ts';
import { next, page, time, units } from '../schemas.ts';

// Requests -----------------------------------------------------------------------------------------------

const PROPOSAL_HINT = 'use the id of a proposal';
export const transferParams = strict({ transferId });

const { actor: _, ...dispatch } = dispatchTransferInput.schema.shape;
export const dispatchBody = strict({
  ...dispatch,
  proposalId: z
    .int(PROPOSAL_HINT)
    .min(1, PROPOSAL_HINT)
    .optional()
    .meta({ description: 'The proposal this transfer answers; it is then settled.' }),
});
export const transfersQuery = strict({ state: oneOf(TRANSFER_STATUSES).optional(), ...page });

export const PROPOSAL_STATES = [
  'open',
  'dismissed',
  'transferred',
] as const satisfies readonly ProposalState[];
export const proposalParams = strict({
  proposalId: z
    .string(PROPOSAL_HINT)
    .regex(/^[1-9][0-9]{0,14}$/, PROPOSAL_HINT)
    .meta({ description: 'The number of the proposal.' }),
});
export const proposalsQuery = strict({ state: oneOf(PROPOSAL_STATES).optional(), ...page });

// Answers ------------------------------------------------------------------------------------------------

const figures = {
  transferId: z.string(),
  status: z.enum(TRANSFER_STATUSES),
  sku: z.string(),
  from: z.string(),
  to: z.string(),
  quantity: units,
  inTransit: units,
  received: units,
  rejected: units.meta({ description: 'Arrived unfit.' }),
  returned: units.meta({ description: 'Back in the source after a cancellation.' }),
};
export const transfer = z.object(figures).meta({
  description: 'A transfer as it stands: quantity = inTransit + received + rejected + returned.',
});
export const transfersPage = z.object({
  transfers: z.array(
    z.object({
      ...figures,
      dispatchedAt: time,
      closedAt: time.optional(),
      actor: z.string(),
      reason: z.string().optional(),
    }),
  ),
  next,
});
export const proposal = z
  .object({
    proposalId: units,
    state: z.enum(PROPOSAL_STATES),
    sku: z.string(),
    from: z.string(),
    to: z.string(),
    quantity: units,
    orderId: z.string().meta({ description: 'The order that was served from elsewhere.' }),
    actor: z.string(),
    at: time,
    decidedAt: time.optional(),
    decidedBy: z.string().optional(),
  })
  .meta({ description: 'A transfer that a confirmation proposed (調撥).' });
export const proposalsPage = z.object({ proposals: z.array(proposal), next });
