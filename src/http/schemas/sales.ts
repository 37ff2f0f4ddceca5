/** Shapes of flash sales, and of late payments that found no stock. */
import { z } from 'zod';
import { strict } from '../../domain/inputs/declare.ts';
import { oneOf, orderId, printable, sku } from '../../domain/inputs/fields.ts';
import { saleId, saleTerms } from '../../domain/inputs/goods.ts';
import { REASON_LENGTH_MAX } from '../../domain/language.ts';
import { SALE_STATES } from '../bodies.ts';
import { next, page, time, units } from '../schemas.ts';

// Requests -----------------------------------------------------------------------------------------------

export const saleParams = strict({ saleId });

const INSTANT_HINT = 'use a time as ISO 8601 with its zone, such as 2026-11-11T00:00:00+08:00';
function instant(what: string, example: string) {
  return z.iso
    .datetime({ offset: true, error: INSTANT_HINT })
    .refine((text) => Date.parse(text) > 0, INSTANT_HINT)
    .meta({ description: what, examples: [example] });
}
export const scheduleBody = strict({
  saleId,
  sku,
  opensAt: instant('From here on it sells.', '2026-11-11T00:00:00+08:00'),
  closesAt: instant(
    'From here on it does not; what it did not sell is there for everybody.',
    '2026-11-12T00:00:00+08:00',
  ),
  quantity: saleTerms.quantity,
  limitPerCustomer: saleTerms.limitPerCustomer,
}).refine(({ opensAt, closesAt }) => !(Date.parse(closesAt) <= Date.parse(opensAt)), {
  path: ['closesAt'],
  message: 'must be later than opensAt',
});
export const salesQuery = strict({ sku: sku.optional(), ...page });

export const shortfallParams = strict({ orderId });
export const SHORTFALL_STATES = ['open', 'resolved'] as const;
export const shortfallsQuery = strict({
  state: oneOf(['open', 'all']).optional().meta({
    description: '`open`: those that are to be resolved. `all`, the default.',
  }),
  ...page,
});
export const resolveBody = strict({
  resolution: printable(1, REASON_LENGTH_MAX).meta({
    description: 'What was done about it.',
    examples: ['refunded, voucher sent'],
  }),
});

// Answers ------------------------------------------------------------------------------------------------

const terms = {
  saleId: z.string(),
  sku: z.string(),
  opensAt: time,
  closesAt: time,
  quantity: units,
  limitPerCustomer: units.meta({ description: '0: no limit.' }),
  state: z.enum(SALE_STATES),
};
export const sale = z
  .object({
    ...terms,
    left: units.meta({ description: 'Still to be had in the sale; 0 once it is closed.' }),
    reserved: units.meta({ description: 'Held and not paid yet.' }),
    sold: units,
    released: units,
    expired: units,
    conversion: z
      .number()
      .nullable()
      .meta({ description: 'Units sold of all units ever held; null before the first.' }),
  })
  .meta({ description: 'A sale with its live figures, in units.' });
export const salesPage = z.object({
  sales: z.array(
    z.object({ ...terms, scheduledAt: time, scheduledBy: z.string(), closedBy: z.string().optional() }),
  ),
  next,
});

export const shortfall = z
  .object({
    orderId: z.string(),
    state: z.enum(SHORTFALL_STATES),
    lines: z.array(z.object({ sku: z.string(), warehouse: z.string(), quantity: units })).meta({
      description: 'What was paid.',
    }),
    actor: z.string(),
    at: time,
    resolution: z.string().optional(),
    resolvedBy: z.string().optional(),
    resolvedAt: time.optional(),
  })
  .meta({ description: 'A late payment that found no stock: people have to resolve it.' });
export const shortfallsPage = z.object({ shortfalls: z.array(shortfall), next });
