/** Words for items and what moves them: movements and counts. */
import { QUANTITY_MAX, STOCKTAKE_LINES_MAX } from '../../domain/language.ts';
import { JSON_TYPE, LOOK_AT_ITEM, type ProblemWords, posting, URL } from '../problem-words.ts';

const LOOK_AT_COUNT = `curl ${URL}/v1/stocktakes/COUNT-7`;

export const STOCK_WORDS = {
  'unknown-item': {
    title: 'No such item',
    cause: 'The SKU was never received, or not in the warehouse named, or not yet at the time asked about.',
    remedy: 'Correct the SKU or the warehouse, or receive stock first: the first receipt makes the item.',
    curl: `curl ${URL}/v1/stock/receive ${JSON_TYPE} -d '{"movementId":"M-1","sku":"TEA-1","warehouse":"TPE","quantity":100}'`,
    members: { items: 'One {sku, warehouse?} for each item that is not known.' },
  },
  'movement-conflict': {
    title: 'This movement id was used for another movement',
    cause: 'A movement id names one movement for good (BR-006). The same id came with other content.',
    remedy:
      'Use a new movement id for a new movement. To repeat one, send exactly what was sent the first time.',
    curl: LOOK_AT_ITEM,
  },
  'quantity-limit-exceeded': {
    title: 'An item cannot hold that many units',
    cause: `The total of one SKU in one warehouse may be ${QUANTITY_MAX.toLocaleString('en')}.`,
    remedy: 'Check the quantity: a figure like this is mostly a slip.',
    curl: LOOK_AT_ITEM,
    members: { total: 'The units the item has now.' },
  },
  'exceeds-sold': {
    title: 'More is shipped than was sold',
    cause: 'Only sold units leave the building as a shipment. Nothing was moved.',
    remedy:
      'Confirm the order first, or ship at most what `sold` says. Goods that leave unsold are an issue.',
    curl: LOOK_AT_ITEM,
    members: { sold: 'The units that are sold and not shipped yet.' },
  },
  'version-conflict': {
    title: 'The item has changed since it was looked at',
    cause:
      'A correction names the version its corrector saw, and the item has moved on. Nothing was changed.',
    remedy: 'Look at the item again, work the total out anew, and correct under a new movement id.',
    curl: LOOK_AT_ITEM,
    members: { version: 'The version of the item now.' },
  },
  'stocktake-in-progress': {
    title: 'The item is being counted',
    cause:
      'While an item is counted nothing is taken from it or added to it (BR-007). No hold on it expires before the count ends.',
    remedy:
      'Repeat after `until`, under the same id, or earlier if the count ends earlier. To end it now: complete or cancel it.',
    curl: `curl -X POST ${URL}/v1/stocktakes/COUNT-7/cancel`,
    members: { items: 'One {sku, warehouse, stocktakeId, until} for each item that is locked.' },
  },
  'unknown-stocktake': {
    title: 'No such stocktake',
    cause: 'No count was started under this id, or the item named is not on its sheet.',
    remedy: 'Check the id, the SKU and the warehouse.',
    curl: `curl ${URL}/v1/stocktakes`,
  },
  'stocktake-ended': {
    title: 'This count has ended',
    cause:
      'The item was counted before, the count was cancelled, or its lease ran out and the lock ended by itself.',
    remedy: 'Start a new count under a new id, with a longer `leaseSeconds` where the lease ran out.',
    curl: posting('/v1/stocktakes', {
      stocktakeId: 'COUNT-8',
      sku: 'TEA-1',
      warehouse: 'TPE',
      leaseSeconds: 3_600,
    }),
    members: { countStatus: 'How it ended: COUNTED, CANCELLED or LAPSED.' },
  },
  'stocktake-full': {
    title: 'The count sheet is full',
    cause: `A sheet has ${STOCKTAKE_LINES_MAX.toLocaleString('en')} lines at most. Nothing was locked beyond that.`,
    remedy: 'Count the rest under another id, naming its `skus`.',
    curl: LOOK_AT_COUNT,
  },
  'count-below-committed': {
    title: 'Less is there than was promised',
    cause:
      'What was counted, or the total to correct to, is below what is held and sold. Nothing was changed.',
    remedy:
      'Count again; for a count, `shortfall: "release-newest"` releases the newest holds until it fits. Sold units are never released: what is missing of them is to be found or refunded.',
    curl: posting('/v1/stocktakes/COUNT-7/complete', {
      sku: 'TEA-1',
      counted: 3,
      shortfall: 'release-newest',
    }),
    members: {
      counted: 'What was counted.',
      reserved: 'Units held by orders.',
      sold: 'Units sold and not shipped yet.',
    },
  },
  'unknown-warehouse': {
    title: 'Nothing stands in this warehouse',
    cause: 'The ledger knows no SKU in it, so there is nothing to count.',
    remedy:
      'Check the name. The first receipt of a SKU puts it there; the ledger hears of it a moment later.',
    curl: `curl ${URL}/v1/warehouses`,
  },
} as const satisfies Record<string, ProblemWords>;
