/** Shapes of orders in answers, and of batches; the commands themselves are declared in domain/inputs/orders.ts. */
import { z } from 'zod';
import { strict } from '../../domain/inputs/declare.ts';
import { orderId } from '../../domain/inputs/fields.ts';
import { reserveInput } from '../../domain/inputs/orders.ts';
import { RESERVATION_STATUSES, SKIP_REASONS } from '../../domain/language.ts';
import { CommandBody } from '../command-body.ts';
import { time, units } from '../schemas.ts';

/** The most orders in one call of POST /v1/reservations/batch. */
export const BATCH_ORDERS_MAX = 500;

// Requests -----------------------------------------------------------------------------------------------

export const orderParams = strict({ orderId });
/** One order of a batch. */
export const batchOrder = new CommandBody(reserveInput);
const BATCH_HINT = `give 1 to ${BATCH_ORDERS_MAX} orders`;
/** As it is checked: each order is checked alone, so that a bad one is refused in its place. */
export const reserveBatchBody = strict({
  reservations: z.array(z.unknown(), BATCH_HINT).min(1, BATCH_HINT).max(BATCH_ORDERS_MAX, BATCH_HINT),
});
/** As it is shown. */
export const reserveBatchShown = strict({
  reservations: z.array(batchOrder.schema).min(1).max(BATCH_ORDERS_MAX),
});

// Answers ------------------------------------------------------------------------------------------------

const distanceKm = z.number().optional().meta({
  description: 'To `shipTo` along the surface; left out where the place of the warehouse is not known.',
});
export const reservation = z
  .object({
    orderId: z.string(),
    status: z.enum(RESERVATION_STATUSES),
    lines: z.array(z.object({ sku: z.string(), warehouse: z.string(), quantity: units })).meta({
      description:
        'What is held; once CONFIRMED, what was sold; once RELEASED or EXPIRED, what returned last.',
    }),
    reservedAt: time,
    expiresAt: time,
    resolvedAt: time.optional().meta({ description: 'When it was confirmed, released or expired.' }),
    customerId: z.string().optional(),
    saleId: z.string().optional(),
    allocation: z
      .object({
        lines: z.array(z.object({ sku: z.string(), warehouse: z.string(), distanceKm })),
        passedBy: z
          .array(
            z.object({
              sku: z.string(),
              warehouse: z.string(),
              reason: z.enum(SKIP_REASONS).meta({
                description: '`short`: it had too little. `locked`: it is being counted (BR-007).',
              }),
              distanceKm,
            }),
          )
          .meta({ description: 'Warehouses that were tried before those that serve.' }),
      })
      .optional()
      .meta({
        description:
          'Why these warehouses: in the first answer to a reserve with `shipTo`, or where a warehouse was skipped.',
      }),
  })
  .meta({ description: 'A reservation as it stands.' });
export const batchResults = z.object({
  results: z
    .array(z.object({ status: units, body: z.record(z.string(), z.unknown()) }))
    .meta({ description: 'What each order would have been answered alone, in the order of the request.' }),
});
