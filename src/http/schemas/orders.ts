/** Shapes of orders: what is asked for, what is held, and why from there. */
import { z } from 'zod';
import {
  ALLOCATIONS,
  HOLD_SECONDS_MAX,
  HOLD_SECONDS_MIN,
  LINES_MAX,
  RESERVATION_STATUSES,
  SKIP_REASONS,
} from '../../domain/language.ts';
import {
  id,
  latitude,
  longitude,
  oneOf,
  orderId,
  quantity,
  sku,
  strict,
  time,
  units,
  warehouse,
  whole,
} from '../schemas.ts';

const LINES_WORDS = `give 1 to ${LINES_MAX} lines of {sku, quantity}`;
/** The most orders in one call of POST /v1/reservations/batch. */
export const BATCH_ORDERS_MAX = 500;

// Requests -----------------------------------------------------------------------------------------------

const holdSeconds = whole(HOLD_SECONDS_MIN, HOLD_SECONDS_MAX);
const partLines = z
  .array(strict({ sku, quantity }), LINES_WORDS)
  .min(1, LINES_WORDS)
  .max(LINES_MAX, LINES_WORDS)
  .optional()
  .meta({
    description: 'The part that is meant; left out means all that is held. Lines of one SKU are added up.',
  });

export const orderParams = strict({ orderId });
export const reserveBody = strict({
  orderId,
  lines: z
    .array(strict({ sku, quantity, warehouse: warehouse.optional() }), LINES_WORDS)
    .min(1, LINES_WORDS)
    .max(LINES_MAX, LINES_WORDS)
    .meta({ description: 'Reserved as a whole or not at all. Without a warehouse the engine chooses one.' }),
  holdSeconds: holdSeconds.optional().meta({ description: 'How long the units are held unpaid (BR-003).' }),
  customerId: id('Who buys; the limit of a sale counts by it.', 'C-7').optional(),
  saleId: id(
    'The sale this order takes part in; its SKU is drawn from what the sale set aside.',
    'S-1111',
  ).optional(),
  shipTo: strict({ latitude, longitude })
    .optional()
    .meta({ description: 'Where it goes: the warehouses nearest to it are tried first.' }),
  allocation: oneOf(ALLOCATIONS).optional().meta({
    description:
      '`single`, the default: one warehouse for the whole order, else one for each line. `split`: a line may come from several.',
  }),
});
const BATCH_WORDS = `give 1 to ${BATCH_ORDERS_MAX} orders`;
/** As it is checked: each order is checked alone, so that a bad one is told in its place. */
export const reserveBatchBody = strict({
  reservations: z.array(z.unknown(), BATCH_WORDS).min(1, BATCH_WORDS).max(BATCH_ORDERS_MAX, BATCH_WORDS),
});
/** As it is shown. */
export const reserveBatchShown = strict({
  reservations: z.array(reserveBody).min(1).max(BATCH_ORDERS_MAX),
});
export const confirmBody = strict({
  lines: partLines,
  reacquire: z.boolean('use true or false').optional().meta({
    description:
      'A payment that came after the hold expired takes the stock again, in one step, if it is there. Default false.',
  }),
  proposeTransferTo: id(
    'The warehouse that should have served: what others serve instead is proposed as a transfer to it.',
    'TPE',
  ).optional(),
});
export const releaseBody = strict({
  lines: partLines,
  releaseId: id('Tells two equal partial releases of one order apart.', 'R-1').optional(),
});
export const extendBody = strict({
  holdSeconds: holdSeconds.meta({
    description: 'The units are held this long from now on; never shorter than before.',
  }),
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
          'Why these warehouses: in the first answer to a reserve with `shipTo`, or where one was passed by.',
      }),
  })
  .meta({ description: 'A reservation as it stands.' });
export const batchResults = z.object({
  results: z
    .array(z.object({ status: units, body: z.record(z.string(), z.unknown()) }))
    .meta({ description: 'What each order would have been answered alone, in the order asked.' }),
});
