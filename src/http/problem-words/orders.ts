/** Words for what can happen to an order: it is short, known, over or not what it was. */
import { HOLD_SECONDS_DEFAULT, LIFETIME_SECONDS_MAX, PARTIAL_RELEASES_MAX } from '../../domain/language.ts';
import {
  LOOK_AT_ITEM,
  LOOK_AT_ORDER,
  type ProblemWords,
  RESERVATION_MEMBER,
  SHORTAGES_MEMBER,
  URL,
} from '../problem-words.ts';

export const ORDER_WORDS = {
  'insufficient-stock': {
    title: 'There is not enough stock',
    cause:
      'At least one line asks for more than is available. An order is reserved as a whole or not at all (BR-002), so nothing was.',
    remedy: `Ask for at most what \`shortages\` says is available, or try again later: unpaid holds return after ${HOLD_SECONDS_DEFAULT / 60} minutes.`,
    curl: LOOK_AT_ITEM,
    members: SHORTAGES_MEMBER,
  },
  'order-conflict': {
    title: 'This order id was used for another order',
    cause:
      'An order id names one request for good (BR-006). The same id came with other lines or another hold time.',
    remedy:
      'Use a new order id for a new order. To repeat a request, send exactly what was sent the first time.',
    curl: LOOK_AT_ORDER,
  },
  'unknown-reservation': {
    title: 'No such reservation',
    cause: 'No order was reserved under this id, or it ended more than a day ago and is in the ledger only.',
    remedy: 'Check the order id; for an old order ask the ledger.',
    curl: `curl '${URL}/v1/ledger?orderId=A-1001'`,
  },
  'reservation-expired': {
    title: 'The reservation has expired',
    cause:
      'It was not paid in time (BR-003), and its units went back on sale. It is never revived behind a buyer who came after.',
    remedy:
      'Reserve again under a new order id. If the buyer has paid already and stock is short, return the payment.',
    curl: LOOK_AT_ORDER,
    members: RESERVATION_MEMBER,
  },
  'already-released': {
    title: 'The reservation was released before',
    cause: 'A reservation resolves once. This one was cancelled, and its units went back on sale.',
    remedy: 'Reserve again under a new order id.',
    curl: LOOK_AT_ORDER,
    members: RESERVATION_MEMBER,
  },
  'already-confirmed': {
    title: 'The reservation was confirmed before',
    cause: 'A reservation resolves once. This one was paid; its units are sold.',
    remedy: 'Nothing needs to be done for the payment. Goods that come back are a return, not a release.',
    curl: LOOK_AT_ORDER,
    members: RESERVATION_MEMBER,
  },
  'exceeds-reservation': {
    title: 'More is named than the reservation holds',
    cause:
      'A partial confirm or release names a SKU the reservation does not hold, or more of it than is held.',
    remedy: 'Name at most what is held; leave `lines` out to mean all of it.',
    curl: LOOK_AT_ORDER,
    members: { excess: 'One {sku, requested, held} for each SKU of which too much is named.' },
  },
  'lifetime-exceeded': {
    title: 'The reservation cannot be extended that far',
    cause: `However often it is extended, a reservation lives ${LIFETIME_SECONDS_MAX / 3_600} hours at most (BR-003).`,
    remedy: 'Ask for an extension that ends before `latestExpiresAt`, or confirm the order.',
    curl: LOOK_AT_ORDER,
    members: { latestExpiresAt: 'The latest time to which it can be extended.' },
  },
  'too-many-partial-releases': {
    title: 'The reservation was released in parts too often',
    cause: `Each partial release leaves its name on the reservation, ${PARTIAL_RELEASES_MAX} at most.`,
    remedy: 'Release all that is left: leave `lines` out.',
    curl: `curl -X POST ${URL}/v1/reservations/A-1001/release`,
  },
  'paid-but-short': {
    title: 'The payment came too late, and the stock is gone',
    cause:
      'The hold had expired when the payment came; it was to be taken again (`reacquire`) and is not there. Nothing was taken; the case is on the list of shortfalls.',
    remedy:
      'Receive stock and confirm again with `reacquire`, or return the payment and resolve the case. It closes by itself once the order is confirmed.',
    curl: `curl ${URL}/v1/shortfalls`,
    members: SHORTAGES_MEMBER,
  },
  'unknown-shortfall': {
    title: 'No such case',
    cause: 'No payment of this order came short, or the ledger has not heard of it yet.',
    remedy: 'Look it up in the list.',
    curl: `curl ${URL}/v1/shortfalls`,
  },
} as const satisfies Record<string, ProblemWords>;
