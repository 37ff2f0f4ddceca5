/** Words for flash sales: their window, their quota and what one customer may buy. */
import { SALES_PER_SKU_MAX } from '../../domain/language.ts';
import { type ProblemWords, posting, URL } from '../problem-words.ts';

const LOOK_AT_SALE = `curl ${URL}/v1/sales/S-1111`;
const BUY = posting('/v1/reservations', {
  orderId: 'A-1002',
  customerId: 'C-7',
  saleId: 'S-1111',
  lines: [{ sku: 'TEA-1', quantity: 1 }],
});

export const SALE_WORDS = {
  'unknown-sale': {
    title: 'No such sale',
    cause: 'No sale was scheduled under this id, or it ended long ago.',
    remedy: 'Check the id.',
    curl: `curl ${URL}/v1/sales`,
  },
  'sale-conflict': {
    title: 'This sale id was used for another sale',
    cause: 'A sale id names one sale for good (BR-006). The same id came with other content.',
    remedy: 'Use a new id for a new sale. To repeat one, send exactly what was sent the first time.',
    curl: LOOK_AT_SALE,
  },
  'too-many-sales': {
    title: 'The SKU has too many sales',
    cause: `A SKU may have ${SALES_PER_SKU_MAX} sales that are not over.`,
    remedy: 'Close one of them, or wait until one is over.',
    curl: `curl ${URL}/v1/sales`,
  },
  'sale-not-open': {
    title: 'The sale has not begun',
    cause: 'It is before `opensAt`, by the clock of the store. Nothing was reserved.',
    remedy: 'Repeat from `opensAt` on; the same order id may be used.',
    curl: LOOK_AT_SALE,
    members: { opensAt: 'When the sale begins.' },
  },
  'sale-closed': {
    title: 'The sale is over',
    cause: 'It is `closesAt` or later, or somebody closed the sale. Nothing was reserved.',
    remedy: 'Order without `saleId`. What was reserved in time can still be paid.',
    curl: LOOK_AT_SALE,
    members: { closesAt: 'When the sale ended.' },
  },
  'customer-required': {
    title: 'The sale must know who buys',
    cause: 'It limits what one customer may buy, and the order names no `customerId`. Nothing was reserved.',
    remedy: 'Send the order with its `customerId`; the same order id may be used.',
    curl: BUY,
  },
  'purchase-limit-exceeded': {
    title: 'The customer would have more than the sale allows',
    cause:
      'What this customer holds and has bought in the sale counts over all orders, and with this order it would be more than `limit`. Nothing was reserved.',
    remedy: 'Ask for less. Units held come off when a hold is released or expires; units bought do not.',
    curl: BUY,
    members: {
      limit: 'Units one customer may have in this sale.',
      held: 'Units the customer holds unpaid.',
      bought: 'Units the customer has paid.',
    },
  },
} as const satisfies Record<string, ProblemWords>;
