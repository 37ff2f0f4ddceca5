/** Shapes of items, movements and warehouses. */
import { z } from 'zod';
import { QUANTITY_MAX } from '../../domain/language.ts';
import {
  id,
  latitude,
  limit,
  longitude,
  nextId,
  oneOf,
  orderId,
  printable,
  quantity,
  reason,
  sku,
  strict,
  time,
  units,
  warehouse,
  whole,
} from '../schemas.ts';

// Requests -----------------------------------------------------------------------------------------------

export const skuParams = strict({ sku });
export const itemParams = strict({ sku, warehouse });
export const warehouseParams = strict({ warehouse });

const movement = {
  movementId: id('The movement, named by the caller; repeating it moves nothing twice.', 'M-1'),
  sku,
  warehouse,
};
export const receiveBody = strict({ ...movement, quantity, reason: reason.optional() });
export const issueBody = strict({
  ...movement,
  quantity,
  reason: reason.meta({ description: 'Why they are gone: the ledger keeps it.', examples: ['water damage'] }),
});
export const shipBody = strict({
  ...movement,
  quantity,
  orderId: orderId.optional(),
  reason: reason.optional(),
});
export const returnBody = strict({
  ...movement,
  quantity,
  orderId: orderId.optional(),
  disposition: oneOf(['restock', 'write-off']).optional().meta({
    description:
      '`restock`, the default: they go on sale again. `write-off`: they cannot be sold; only the ledger hears of them, and needs a `reason`.',
  }),
  reason: reason.optional(),
});
export const correctBody = strict({
  ...movement,
  total: whole(0, QUANTITY_MAX).meta({
    description: 'What the total is to be; available takes the difference.',
  }),
  expectedVersion: whole(0, Number.MAX_SAFE_INTEGER).meta({
    description: 'The version of the item as it was seen; another one refuses the correction.',
    examples: [12],
  }),
  reason: reason.meta({ description: 'Why: the ledger keeps it.', examples: ['two boxes behind the shelf'] }),
});
export const safetyStockBody = strict({
  quantity: whole(0, QUANTITY_MAX).meta({
    description: 'The alert fires when available falls under it (BR-005); 0 is off.',
  }),
});

const NAME_LENGTH_MAX = 100;
export const warehouseBody = strict({
  name: printable(1, NAME_LENGTH_MAX).meta({ description: 'For people.', examples: ['Taipei'] }),
  latitude: latitude.optional().meta({ description: 'With `longitude`, or neither.' }),
  longitude: longitude.optional(),
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
