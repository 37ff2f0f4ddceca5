/**
 * Every limit and default of the rules, once. The program in lua/ gets them when it is loaded, HTTP shows them, the ledger
 * checks them. A time ends in its unit. Refuses to know: who enforces which.
 */

/** The most units any counter may show. Far below 10^14, where Lua 5.1 stops writing numbers exactly. */
export const QUANTITY_MAX = 1_000_000_000;
/** The most lines in one order: it bounds the time one command may take inside the script. */
export const LINES_MAX = 100;
/** BR-003: a hold that is not paid in this time returns. */
export const HOLD_SECONDS_DEFAULT = 1_800;
export const HOLD_SECONDS_MIN = 1;
/** The longest interval one reserve or extend may ask for: 4 hours. */
export const HOLD_SECONDS_MAX = 14_400;
/** BR-003: the longest a hold may live in all, however often it is extended: 24 hours. */
export const LIFETIME_SECONDS_MAX = 86_400;
/** The most partial releases of one hold; the reservation remembers each, so that a repeat is recognized. */
export const PARTIAL_RELEASES_MAX = 20;
/** The longest reason, in characters; the ledger keeps it with a movement. */
export const REASON_LENGTH_MAX = 200;
/** BR-007: how long a stocktake locks an item unless the caller says otherwise: 15 minutes. */
export const LEASE_SECONDS_DEFAULT = 900;
export const LEASE_SECONDS_MIN = 1;
/** The longest a stocktake may lock an item: 4 hours. */
export const LEASE_SECONDS_MAX = 14_400;
/** BR-007: no hold expires sooner than this after a lock on one of its items: time to repeat a refused confirm. */
export const STOCKTAKE_GRACE_SECONDS = 60;
/** BR-007: a hold that becomes due under a lock is extended by this long at a time, plus the grace. */
export const STOCKTAKE_EXTENSION_SECONDS = 300;
/** The most items in one count sheet. */
export const STOCKTAKE_LINES_MAX = 5_000;
/** The most holds that one count may release to fit (BR-007). */
export const SHORTFALL_RELEASES_MAX = 200;
/** The most receipts of one transfer; the transfer remembers each, so that a repeat is recognized. */
export const TRANSFER_RECEIPTS_MAX = 50;
/** The most sales of one SKU that still count: until two days after they closed. */
export const SALES_PER_SKU_MAX = 8;
/** How long a closed sale still counts: no hold of an order lives longer. Two days. */
export const SALE_AFTERLIFE_SECONDS = 172_800;
/** The most warehouses an order may list in the order in which they are tried. */
export const CANDIDATES_MAX = 50;
/** The most skipped warehouses that an answer names. */
export const SKIPPED_MAX = 50;
/** The last instant that JavaScript and Postgres both write with a year of four digits, in milliseconds since 1970. */
export const INSTANT_MS_MAX = 253_402_300_799_999;

/** How a line without a warehouse is served: from one warehouse, or from several where one is short. */
export const ALLOCATIONS = ['single', 'split'] as const;
export type Allocation = (typeof ALLOCATIONS)[number];
/** Who acts when the caller does not say. */
export const ACTOR_DEFAULT = 'order-service';
/** Who acts when nobody does: time itself. */
export const ACTOR_CLOCK = 'clock';
