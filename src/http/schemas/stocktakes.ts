/** Shapes of count sheets: what is locked, what was counted, how far it is (BR-007). */
import { z } from 'zod';
import { strict } from '../../domain/inputs/declare.ts';
import { oneOf, reason, sku, warehouse } from '../../domain/inputs/fields.ts';
import { counted, leaseSeconds, stocktakeId } from '../../domain/inputs/goods.ts';
import { STOCKTAKE_LINES_MAX, STOCKTAKE_STATUSES } from '../../domain/language.ts';
import { limit, nextId, time, units } from '../schemas.ts';

// Requests -----------------------------------------------------------------------------------------------

export const stocktakeParams = strict({ stocktakeId });

const SKUS_HINT = `give 1 to ${STOCKTAKE_LINES_MAX} SKUs`;
export const startBody = strict({
  stocktakeId,
  warehouse,
  sku: sku.optional().meta({ description: 'One item; a refusal is then the answer itself.' }),
  skus: z.array(sku, SKUS_HINT).min(1, SKUS_HINT).max(STOCKTAKE_LINES_MAX, SKUS_HINT).optional().meta({
    description: 'Several items. Without `sku` and `skus` every SKU of the warehouse is meant.',
  }),
  leaseSeconds,
}).refine(({ sku, skus }) => sku === undefined || skus === undefined, {
  path: ['skus'],
  message: 'give sku or skus, not both',
});

const IN_EACH_HINT = 'name it in each of counts';
const COUNTS_HINT = `give 1 to ${STOCKTAKE_LINES_MAX} counts of {sku, counted}`;
const lineWarehouse = warehouse.optional().meta({
  description:
    'Needed where the sheet has the SKU in several warehouses; given, a large sheet is not looked through.',
});
export const completeBody = strict({
  counted: counted.optional(),
  sku: sku.optional().meta({ description: 'Needed where the sheet has several lines.' }),
  warehouse: lineWarehouse,
  counts: z
    .array(strict({ sku, warehouse: lineWarehouse, counted }), COUNTS_HINT)
    .min(1, COUNTS_HINT)
    .max(STOCKTAKE_LINES_MAX, COUNTS_HINT)
    .optional()
    .meta({ description: 'Many lines at once, in the place of `counted`; each is answered for itself.' }),
  reason: reason.optional(),
  shortfall: oneOf(['refuse', 'release-newest']).optional().meta({
    description:
      'Where less was counted than is held and sold: `refuse`, the default, or release the newest holds until it fits.',
  }),
})
  .refine(({ counted, counts }) => counted !== undefined || counts !== undefined, {
    path: ['counted'],
    message: 'give counted, or counts',
  })
  .refine(({ counted, counts }) => counted === undefined || counts === undefined, {
    path: ['counts'],
    message: 'give counted, or counts',
  })
  .refine(({ counted, counts, sku }) => !counts || counted !== undefined || sku === undefined, {
    path: ['sku'],
    message: IN_EACH_HINT,
  })
  .refine(({ counted, counts, warehouse }) => !counts || counted !== undefined || warehouse === undefined, {
    path: ['warehouse'],
    message: IN_EACH_HINT,
  });
export const cancelBody = strict({
  sku: sku.optional().meta({ description: 'Without it every line that is still counted is cancelled.' }),
  warehouse: lineWarehouse,
});
export const sheetsQuery = strict({
  state: oneOf(['open', 'all']).optional().meta({
    description: '`open`: with a line still to be counted. `all`, the default.',
  }),
  after: stocktakeId.optional().meta({ description: 'The `next` of the page before.' }),
  limit,
});

// Answers ------------------------------------------------------------------------------------------------

const line = z.object({
  sku: z.string(),
  warehouse: z.string(),
  status: z.enum(STOCKTAKE_STATUSES),
  until: time.meta({ description: 'When the lock ends by itself, or would have.' }),
  before: units.meta({ description: 'The total in the books when it was locked.' }),
  counted: units.optional(),
  difference: units.optional(),
});
export const sheetChange = z.object({
  stocktakeId: z.string(),
  lines: z.array(line),
  refused: z
    .array(z.object({ sku: z.string(), warehouse: z.string(), code: z.string(), detail: z.string() }))
    .meta({ description: 'Items of many that it could not be done for, and why.' }),
});

const count = z.object({
  sku: z.string(),
  warehouse: z.string(),
  before: units,
  counted: units,
  difference: units,
  released: z.array(z.string()).optional().meta({
    description: 'Orders whose holds were released to fit; of the first answer only.',
  }),
});
const countResults = z.object({
  results: z
    .array(
      z.object({
        sku: z.string(),
        warehouse: z.string().optional(),
        status: units,
        body: z.record(z.string(), z.unknown()),
      }),
    )
    .meta({ description: 'What each of `counts` would have been answered alone, in the order given.' }),
});
export const countAnswer = z.union([count, countResults]);

const progress = z.object({ total: units, counted: units, cancelled: units, lapsed: units, open: units });
export const sheet = z.object({ stocktakeId: z.string(), progress, lines: z.array(line) });
export const sheetsPage = z.object({
  stocktakes: z.array(
    z.object({
      stocktakeId: z.string(),
      startedAt: time,
      startedBy: z.string(),
      progress,
      difference: units.meta({
        description: 'Units counted less those in the books, over the lines counted.',
      }),
    }),
  ),
  next: nextId,
});
