/**
 * Every way the inventory says no: one row per refusal, with its status, what it means for people, and its members. Derived
 * from it: the type Refusal, how a refusal is read from Redis, problem pages, JSON and OpenAPI.
 * Promises: a code is spelled here as in lua/ and over HTTP. Refuses to know: how any of it is written.
 */
import {
  HOLD_SECONDS_DEFAULT,
  LIFETIME_SECONDS_MAX,
  PARTIAL_RELEASES_MAX,
  QUANTITY_MAX,
  SALES_PER_SKU_MAX,
  STOCKTAKE_LINES_MAX,
  TRANSFER_RECEIPTS_MAX,
} from './limits.ts';
import type { ReservationView, StocktakeLock, StocktakeStatus, TransferView } from './views.ts';

/** One short line: `available` is the most that one order could get of it now. */
export interface Shortage {
  readonly sku: string;
  readonly warehouse?: string | undefined;
  readonly requested: number;
  readonly available: number;
}
/** An item, or a SKU in whichever warehouse. */
export interface NamedItem {
  readonly sku: string;
  readonly warehouse?: string | undefined;
}
export interface LockedItem extends StocktakeLock {
  readonly sku: string;
  readonly warehouse: string;
}
export interface Excess {
  readonly sku: string;
  readonly requested: number;
  readonly held: number;
}

/** What members hold, by kind. */
export interface MemberKinds {
  readonly units: number;
  /** The version of an item. */
  readonly version: number;
  /** Milliseconds since 1970; the member's name ends in `Ms` here, and is without it in JSON. */
  readonly time: number;
  readonly items: readonly NamedItem[];
  readonly shortages: readonly Shortage[];
  readonly excess: readonly Excess[];
  readonly locks: readonly LockedItem[];
  readonly reservation: ReservationView;
  readonly transfer: TransferView;
  readonly countStatus: StocktakeStatus;
}
export type MemberKind = keyof MemberKinds;

/** A member of a refusal, with its code. */
export interface Member<K extends string = MemberKind> {
  readonly kind: K;
  readonly meaning: string;
}

/** What a page says of a problem. @template K kinds of its members */
export interface ProblemRow<K extends string = MemberKind> {
  /** Of HTTP. */
  readonly status: number;
  readonly title: string;
  readonly cause: string;
  readonly remedy: string;
  /** What to type to see more, or to put it right. */
  readonly curl: string;
  /** In the order of the text from Redis. */
  readonly members?: Readonly<Record<string, Member<K>>>;
  /** Nothing was done and it may go better later; for Retry-After. */
  readonly retryAfterSeconds?: number;
}
export interface RefusalRow extends ProblemRow {
  /** What happened this time; `{name}` stands for a member. */
  readonly detail: string;
}

const URL = 'http://127.0.0.1:8080';
const JSON_TYPE = `-H 'content-type: application/json'`;
/** A curl that reads. */
export const curl = (path: string) => (/[?&]/.test(path) ? `curl '${URL}${path}'` : `curl ${URL}${path}`);
/** A curl that sends something. */
export const curlPost = (path: string, body: object) =>
  `curl ${URL}${path} ${JSON_TYPE} -d '${JSON.stringify(body)}'`;

const LOOK_AT_ORDER = curl('/v1/reservations/A-1001');
const LOOK_AT_ITEM = curl('/v1/items/TEA-1');
const LOOK_AT_TRANSFER = curl('/v1/transfers/T-1');
const LOOK_AT_SALE = curl('/v1/sales/S-1111');
const BUY = curlPost('/v1/reservations', {
  orderId: 'A-1002',
  customerId: 'C-7',
  saleId: 'S-1111',
  lines: [{ sku: 'TEA-1', quantity: 1 }],
});

const SHORTAGES = {
  shortages: {
    kind: 'shortages',
    meaning: 'One {sku, warehouse?, requested, available} for each short line.',
  },
} as const;
const RESERVATION = {
  reservation: {
    kind: 'reservation',
    meaning: 'The reservation as it stands, in the form of GET /v1/reservations/{orderId}.',
  },
} as const;

export const REFUSALS = {
  // Orders
  'insufficient-stock': {
    status: 409,
    title: 'There is not enough stock',
    cause:
      'At least one line asks for more than is available. An order is reserved as a whole or not at all (BR-002), so nothing was.',
    remedy: `Ask for at most what \`shortages\` says is available, or try again later: unpaid holds return after ${HOLD_SECONDS_DEFAULT / 60} minutes.`,
    curl: LOOK_AT_ITEM,
    members: SHORTAGES,
    detail: '{shortages}. Nothing was changed.',
  },
  'unknown-item': {
    status: 404,
    title: 'No such item',
    cause: 'The SKU was never received, or not in the warehouse named, or not yet at the time asked about.',
    remedy: 'Correct the SKU or the warehouse, or receive stock first: the first receipt makes the item.',
    curl: curlPost('/v1/stock/receive', { movementId: 'M-1', sku: 'TEA-1', warehouse: 'TPE', quantity: 100 }),
    members: { items: { kind: 'items', meaning: 'One {sku, warehouse?} for each item that is not known.' } },
    detail: 'Not known: {items}.',
  },
  'order-conflict': {
    status: 422,
    title: 'This order id was used for another order',
    cause:
      'An order id names one request for good (BR-006). The same id came with other lines or another hold time.',
    remedy:
      'Use a new order id for a new order. To repeat a request, send exactly what was sent the first time.',
    curl: LOOK_AT_ORDER,
    detail: 'This order id was reserved with other content.',
  },
  'unknown-reservation': {
    status: 404,
    title: 'No such reservation',
    cause: 'No order was reserved under this id, or it ended more than a day ago and is in the ledger only.',
    remedy: 'Check the order id; for an old order ask the ledger.',
    curl: curl('/v1/ledger?orderId=A-1001'),
    detail: 'No reservation under this order id.',
  },
  'reservation-expired': {
    status: 410,
    title: 'The reservation has expired',
    cause:
      'It was not paid in time (BR-003), and its units went back on sale. It is never revived at the expense of a buyer who came later.',
    remedy:
      'Reserve again under a new order id. If the buyer has paid already and stock is short, return the payment.',
    curl: LOOK_AT_ORDER,
    members: RESERVATION,
    detail: '{reservation}.',
  },
  'already-released': {
    status: 409,
    title: 'The reservation was released before',
    cause: 'A reservation resolves once. This one was cancelled, and its units went back on sale.',
    remedy: 'Reserve again under a new order id.',
    curl: LOOK_AT_ORDER,
    members: RESERVATION,
    detail: '{reservation}.',
  },
  'already-confirmed': {
    status: 409,
    title: 'The reservation was confirmed before',
    cause: 'A reservation resolves once. This one was paid; its units are sold.',
    remedy: 'Nothing needs to be done for the payment. Goods that come back are a return, not a release.',
    curl: LOOK_AT_ORDER,
    members: RESERVATION,
    detail: '{reservation}.',
  },
  'exceeds-reservation': {
    status: 409,
    title: 'More is named than the reservation holds',
    cause:
      'A partial confirm or release names a SKU the reservation does not hold, or more of it than is held.',
    remedy: 'Name at most what is held; leave `lines` out to mean all of it.',
    curl: LOOK_AT_ORDER,
    members: {
      excess: {
        kind: 'excess',
        meaning: 'One {sku, requested, held} for each SKU of which too much is named.',
      },
    },
    detail: '{excess}. Nothing was changed.',
  },
  'lifetime-exceeded': {
    status: 409,
    title: 'The reservation cannot be extended that far',
    cause: `However often it is extended, a reservation lives ${LIFETIME_SECONDS_MAX / 3_600} hours at most (BR-003).`,
    remedy: 'Ask for an extension that ends before `latestExpiresAt`, or confirm the order.',
    curl: LOOK_AT_ORDER,
    members: {
      latestExpiresAtMs: { kind: 'time', meaning: 'The latest time to which it can be extended.' },
    },
    detail: 'It can be extended to {latestExpiresAtMs} at the latest.',
  },
  'too-many-partial-releases': {
    status: 409,
    title: 'The reservation was released in parts too often',
    cause: `Each partial release leaves its name on the reservation, ${PARTIAL_RELEASES_MAX} at most.`,
    remedy: 'Release all that is left: leave `lines` out.',
    curl: `curl -X POST ${URL}/v1/reservations/A-1001/release`,
    detail: 'Release all that is left instead.',
  },
  'paid-but-short': {
    status: 409,
    title: 'The payment came too late, and the stock is gone',
    cause:
      'The hold had expired when the payment came; it was to be taken again (`reacquire`) and is not there. Nothing was taken; the case is on the list of shortfalls.',
    remedy:
      'Receive stock and confirm again with `reacquire`, or return the payment and resolve the case. It closes by itself once the order is confirmed.',
    curl: curl('/v1/shortfalls'),
    members: SHORTAGES,
    detail: '{shortages}. Nothing was taken; the case is on the list of shortfalls.',
  },
  // Movements
  'movement-conflict': {
    status: 422,
    title: 'This movement id was used for another movement',
    cause: 'A movement id names one movement for good (BR-006). The same id came with other content.',
    remedy:
      'Use a new movement id for a new movement. To repeat one, send exactly what was sent the first time.',
    curl: LOOK_AT_ITEM,
    detail: 'This movement id was used with other content.',
  },
  'quantity-limit-exceeded': {
    status: 409,
    title: 'An item cannot hold that many units',
    cause: `The total of one SKU in one warehouse may be ${QUANTITY_MAX.toLocaleString('en')}.`,
    remedy: 'Check the quantity: a figure like this is mostly a slip.',
    curl: LOOK_AT_ITEM,
    members: { total: { kind: 'units', meaning: 'The units the item has now.' } },
    detail: 'The item has {total} units already.',
  },
  'exceeds-sold': {
    status: 409,
    title: 'More is shipped than was sold',
    cause: 'Only sold units leave the building as a shipment. Nothing was moved.',
    remedy:
      'Confirm the order first, or ship at most what `sold` says. Goods that leave unsold are an issue.',
    curl: LOOK_AT_ITEM,
    members: { sold: { kind: 'units', meaning: 'The units that are sold and not shipped yet.' } },
    detail: '{sold} units are sold and not shipped.',
  },
  'version-conflict': {
    status: 409,
    title: 'The item has changed since it was looked at',
    cause:
      'A correction names the version its corrector saw, and the item has moved on. Nothing was changed.',
    remedy: 'Look at the item again, work the total out anew, and correct under a new movement id.',
    curl: LOOK_AT_ITEM,
    members: { version: { kind: 'version', meaning: 'The version of the item now.' } },
    detail: 'The item is at version {version}.',
  },
  // Stocktakes
  'stocktake-in-progress': {
    status: 423,
    title: 'The item is being counted',
    cause:
      'While an item is counted nothing is taken from it or added to it (BR-007). No hold on it expires before the count ends.',
    remedy:
      'Repeat after `until`, under the same id, or earlier if the count ends earlier. To end it now: complete or cancel it.',
    curl: `curl -X POST ${URL}/v1/stocktakes/COUNT-7/cancel`,
    members: {
      items: {
        kind: 'locks',
        meaning: 'One {sku, warehouse, stocktakeId, until} for each item that is locked.',
      },
    },
    detail: 'Being counted: {items}.',
  },
  'unknown-stocktake': {
    status: 404,
    title: 'No such stocktake',
    cause: 'No count was started under this id, or the item named is not on its sheet.',
    remedy: 'Check the id, the SKU and the warehouse.',
    curl: curl('/v1/stocktakes'),
    detail: 'No count of this item under this id.',
  },
  'stocktake-ended': {
    status: 409,
    title: 'This count has ended',
    cause:
      'The item was counted before, the count was cancelled, or its lease ran out and the lock ended by itself.',
    remedy: 'Start a new count under a new id, with a longer `leaseSeconds` where the lease ran out.',
    curl: curlPost('/v1/stocktakes', {
      stocktakeId: 'COUNT-8',
      sku: 'TEA-1',
      warehouse: 'TPE',
      leaseSeconds: 3_600,
    }),
    members: {
      countStatus: { kind: 'countStatus', meaning: 'How it ended: COUNTED, CANCELLED or LAPSED.' },
    },
    detail: 'The count of this item is {countStatus}.',
  },
  'stocktake-full': {
    status: 409,
    title: 'The count sheet is full',
    cause: `A sheet has ${STOCKTAKE_LINES_MAX.toLocaleString('en')} lines at most. Nothing was locked beyond that.`,
    remedy: 'Count the rest under another id, naming its `skus`.',
    curl: curl('/v1/stocktakes/COUNT-7'),
    detail: 'Count the rest under another id.',
  },
  'count-below-committed': {
    status: 409,
    title: 'Less is there than was promised',
    cause:
      'What was counted, or the total to correct to, is below what is held and sold. Nothing was changed.',
    remedy:
      'Count again; for a count, `shortfall: "release-newest"` releases the newest holds until it fits. Sold units are never released: what is missing of them is to be found or refunded.',
    curl: curlPost('/v1/stocktakes/COUNT-7/complete', {
      sku: 'TEA-1',
      counted: 3,
      shortfall: 'release-newest',
    }),
    members: {
      counted: { kind: 'units', meaning: 'What was counted.' },
      reserved: { kind: 'units', meaning: 'Units held by orders.' },
      sold: { kind: 'units', meaning: 'Units sold and not shipped yet.' },
    },
    detail: '{counted} counted, but {reserved} are held and {sold} sold.',
  },
  // Transfers
  'unknown-transfer': {
    status: 404,
    title: 'No such transfer',
    cause: 'Nothing was dispatched under this id.',
    remedy: 'Check the id.',
    curl: curl('/v1/transfers'),
    detail: 'No transfer under this id.',
  },
  'transfer-conflict': {
    status: 422,
    title: 'This transfer id was used for another transfer',
    cause: 'A transfer id names one transfer for good (BR-006). The same id came with other content.',
    remedy: 'Use a new id for a new transfer. To repeat one, send exactly what was sent the first time.',
    curl: LOOK_AT_TRANSFER,
    detail: 'This transfer id was used with other content.',
  },
  'transfer-ended': {
    status: 409,
    title: 'Nothing of this transfer is on its way any more',
    cause: 'It was received in full, or what was left of it was cancelled.',
    remedy: 'Nothing is to be done for it. Goods that turn up all the same are a receipt of their own.',
    curl: LOOK_AT_TRANSFER,
    members: {
      transfer: {
        kind: 'transfer',
        meaning: 'The transfer as it stands, in the form of GET /v1/transfers/{transferId}.',
      },
    },
    detail: '{transfer}.',
  },
  'exceeds-transit': {
    status: 409,
    title: 'More arrived than is on its way',
    cause: '`received` and `rejected` together are more than what is still in transit. Nothing was changed.',
    remedy: 'Receive what was sent; count the surplus and receive it as a movement of its own.',
    curl: curlPost('/v1/transfers/T-1/receive', { received: 4, rejected: 1, receiptId: 'R-2' }),
    members: { inTransit: { kind: 'units', meaning: 'The units still on their way.' } },
    detail: '{inTransit} units are on their way.',
  },
  'too-many-receipts': {
    status: 409,
    title: 'The transfer was received in too many parts',
    cause: `Each receipt leaves its name on the transfer, ${TRANSFER_RECEIPTS_MAX} at most.`,
    remedy: 'Receive all that is left at once, or cancel it, which brings it back to its source.',
    curl: LOOK_AT_TRANSFER,
    detail: 'Receive all that is left at once, or cancel it.',
  },
  // Flash sales
  'unknown-sale': {
    status: 404,
    title: 'No such sale',
    cause: 'No sale was scheduled under this id, or it ended long ago.',
    remedy: 'Check the id.',
    curl: curl('/v1/sales'),
    detail: 'No sale under this id.',
  },
  'sale-conflict': {
    status: 422,
    title: 'This sale id was used for another sale',
    cause: 'A sale id names one sale for good (BR-006). The same id came with other content.',
    remedy: 'Use a new id for a new sale. To repeat one, send exactly what was sent the first time.',
    curl: LOOK_AT_SALE,
    detail: 'This sale id was used with other content.',
  },
  'too-many-sales': {
    status: 409,
    title: 'The SKU has too many sales',
    cause: `A SKU may have ${SALES_PER_SKU_MAX} sales that are not over.`,
    remedy: 'Close one of them, or wait until one is over.',
    curl: curl('/v1/sales'),
    detail: 'Close a sale of this SKU, or wait until one is over.',
  },
  'sale-not-open': {
    status: 409,
    title: 'The sale has not begun',
    cause: 'It is before `opensAt`, by the clock of the store. Nothing was reserved.',
    remedy: 'Repeat from `opensAt` on; the same order id may be used.',
    curl: LOOK_AT_SALE,
    members: { opensAtMs: { kind: 'time', meaning: 'When the sale begins.' } },
    detail: 'It opens at {opensAtMs}. Nothing was reserved.',
  },
  'sale-closed': {
    status: 409,
    title: 'The sale is over',
    cause: 'It is `closesAt` or later, or somebody closed the sale. Nothing was reserved.',
    remedy: 'Order without `saleId`. What was reserved in time can still be paid.',
    curl: LOOK_AT_SALE,
    members: { closesAtMs: { kind: 'time', meaning: 'When the sale ended.' } },
    detail: 'It closed at {closesAtMs}. Nothing was reserved.',
  },
  'customer-required': {
    status: 422,
    title: 'The sale must know who buys',
    cause: 'It limits what one customer may buy, and the order names no `customerId`. Nothing was reserved.',
    remedy: 'Send the order with its `customerId`; the same order id may be used.',
    curl: BUY,
    detail: 'This sale has a limit per customer: send customerId.',
  },
  'purchase-limit-exceeded': {
    status: 409,
    title: 'The customer would have more than the sale allows',
    cause:
      'What this customer holds and has bought in the sale counts over all orders, and with this order it would be more than `limit`. Nothing was reserved.',
    remedy: 'Ask for less. Units held come off when a hold is released or expires; units bought do not.',
    curl: BUY,
    members: {
      limit: { kind: 'units', meaning: 'Units one customer may have in this sale.' },
      held: { kind: 'units', meaning: 'Units the customer holds unpaid.' },
      bought: { kind: 'units', meaning: 'Units the customer has paid.' },
    },
    detail:
      'A customer may have {limit}; this one holds {held} and has bought {bought}. Nothing was reserved.',
  },
  // Not now
  'ledger-backlog': {
    status: 503,
    title: 'The ledger is too far behind to promise more',
    cause:
      'For a long time the ledger has not taken over the latest events. Confirm and release still work; nothing new is promised.',
    remedy:
      'Repeat after the time in Retry-After. Operators: check that Postgres and the worker are running.',
    curl: `${curl('/metrics')} | grep holdfast_ledger_backlog_events`,
    retryAfterSeconds: 5,
    detail: 'Nothing new is promised until the ledger has caught up.',
  },
  quarantined: {
    status: 503,
    title: 'An item is quarantined until it is repaired',
    cause:
      'The figures of an item contradict each other or the ledger, so nothing is sold from it. The other items go on.',
    remedy:
      'Operators: see what the reconciliation says about the item and repair it. Callers: repeat later.',
    curl: curl('/v1/reconciliation'),
    members: {
      items: {
        kind: 'items',
        meaning: 'The items in quarantine; empty where it is the reservation itself.',
      },
    },
    retryAfterSeconds: 60,
    detail: 'Quarantined: {items}.',
  },
} as const satisfies Readonly<Record<string, RefusalRow>>;

type Rows = typeof REFUSALS;
export type RefusalCode = keyof Rows;
type MembersOf<R> = R extends { readonly members: infer M }
  ? { readonly [N in keyof M]: M[N] extends Member<infer K extends MemberKind> ? MemberKinds[K] : never }
  : unknown;

/** An expected no. A value, never thrown. */
export type Refusal = { [C in RefusalCode]: { readonly code: C } & MembersOf<Rows[C]> }[RefusalCode];

export const REFUSAL_CODES = Object.keys(REFUSALS) as readonly RefusalCode[];

/** The row of a refusal; undefined for any other text. */
export function refusalRow(code: string): RefusalRow | undefined {
  return Object.hasOwn(REFUSALS, code) ? REFUSALS[code as RefusalCode] : undefined;
}

/** What a command comes to: done (now, or already by an earlier try) or refused. */
export type Decision<T> =
  | { readonly outcome: 'done'; readonly replayed: boolean; readonly value: T }
  | { readonly outcome: 'refused'; readonly refusal: Refusal };
