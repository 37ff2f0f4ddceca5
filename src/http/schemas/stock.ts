/** Shapes of items, warehouses and the movements whose body is not the command itself (domain/inputs/goods.ts). */
import { z } from 'zod';
import { strict } from '../../domain/inputs/declare.ts';
import { latitude, longitude, oneOf, printable, reason, sku, warehouse } from '../../domain/inputs/fields.ts';
import { correctInput, shipInput } from '../../domain/inputs/goods.ts';
import { limit, nextId, time, units } from '../schemas.ts';

// Requests -----------------------------------------------------------------------------------------------

export const skuParams = strict({ sku });
export const itemParams = strict({ sku, warehouse });
export const warehouseParams = strict({ warehouse });

const { actor: _, ...ofOrder } = shipInput.schema.shape;
export const returnBody = strict({
  ...ofOrder,
  disposition: oneOf(['restock', 'write-off']).optional().meta({
    description:
      '`restock`, the default: they go on sale again. `write-off`: they cannot be sold; they are only recorded, with a `reason`.',
  }),
  reason: reason.optional(),
});
const { actor: __, quantity: total, ...correction } = correctInput.schema.shape;
export const correctBody = strict({ ...correction, total });

const PLACE_HINT = 'give latitude and longitude, or neither';
const NAME_LENGTH_MAX = 100;
export const warehouseBody = strict({
  name: printable(1, NAME_LENGTH_MAX).meta({ description: 'For people.', examples: ['Taipei'] }),
  latitude: latitude.optional().meta({ description: 'With `longitude`, or neither.' }),
  longitude: longitude.optional(),
})
  .refine(({ latitude, longitude }) => latitude !== undefined || longitude === undefined, {
    path: ['latitude'],
    message: PLACE_HINT,
  })
  .refine(({ latitude, longitude }) => longitude !== undefined || latitude === undefined, {
    path: ['longitude'],
    message: PLACE_HINT,
  });
export const warehousesQuery = strict({
  after: warehouse.optional().meta({ description: 'The `next` of the page before.' }),
  limit,
});

// Answers ------------------------------------------------------------------------------------------------

const figures = { total: units, available: units, reserved: units, sold: units };
const stock = {
  ...figures,
  safetyStock: units,
  version: units,
  stocktake: z
    .object({ stocktakeId: z.string(), until: time })
    .optional()
    .meta({ description: 'While it is counted (BR-007): by whom, and when the lock ends by itself.' }),
};
export const item = z
  .object({ sku: z.string(), warehouse: z.string(), ...stock })
  .meta({ description: 'One SKU in one warehouse: total = available + reserved + sold (BR-004).' });
export const skuStock = z
  .object({ sku: z.string(), ...figures, warehouses: z.array(z.object({ warehouse: z.string(), ...stock })) })
  .meta({ description: 'One SKU over all its warehouses.' });

export const warehouseAnswer = z.object({
  warehouse: z.string(),
  name: z.string(),
  latitude: z.number().optional(),
  longitude: z.number().optional(),
});
export const warehousesPage = z.object({
  warehouses: z.array(warehouseAnswer),
  next: nextId,
});
