/**
 * Every limit and default of the rules. The program in lua/ gets them when it is loaded, HTTP publishes them, the ledger
 * checks them. Names of times end in their unit. Refuses to know: who enforces which limit.
 */

/** The largest value of a counter, in units. Far below 10^14, from where on Lua 5.1 does not print numbers exactly. */
export const QUANTITY_MAX = 1_000_000_000;
/** The most lines in one order: bounds the time of one command inside the script. */
export const LINES_MAX = 100;
/** BR-003: how long a hold lasts if the caller does not say. */
export const HOLD_SECONDS_DEFAULT = 1_800;
export const HOLD_SECONDS_MIN = 1;
/** The longest hold that one reserve or extend may request: 4 hours. */
export const HOLD_SECONDS_MAX = 14_400;
/** BR-003: the longest life of a hold including all extensions: 24 hours. */
export const LIFETIME_SECONDS_MAX = 86_400;
/** The most partial releases of one hold; the reservation remembers each, so that a repeat is recognized. */
export const PARTIAL_RELEASES_MAX = 20;
/** The longest reason of a movement, in characters. */
export const REASON_LENGTH_MAX = 200;
/** BR-007: how long a stocktake locks an item if the caller does not say: 15 minutes. */
export const LEASE_SECONDS_DEFAULT = 900;
export const LEASE_SECONDS_MIN = 1;
/** The longest a stocktake may lock an item: 4 hours. */
export const LEASE_SECONDS_MAX = 14_400;
/** BR-007: after a lock, no hold of the item expires for this long: time to repeat a refused confirm. */
export const STOCKTAKE_GRACE_SECONDS = 60;
/** BR-007: a hold that falls due under a lock is extended by this time, plus the grace, as often as needed. */
export const STOCKTAKE_EXTENSION_SECONDS = 300;
/** The most items in one count sheet. */
export const STOCKTAKE_LINES_MAX = 5_000;
/** The most holds that one count may release (BR-007). */
export const SHORTFALL_RELEASES_MAX = 200;
/** The most receipts of one transfer; the transfer remembers each, so that a repeat is recognized. */
export const TRANSFER_RECEIPTS_MAX = 50;
/** The most sales of one SKU at a time; a sale counts until {@link SALE_AFTERLIFE_SECONDS} after it closed. */
export const SALES_PER_SKU_MAX = 8;
/** How long the figures of a closed sale are kept: longer than any hold of its orders. Two days. */
export const SALE_AFTERLIFE_SECONDS = 172_800;
/** The most warehouses that a reserve ranks. */
export const CANDIDATES_MAX = 50;
/** The most skipped warehouses that an answer names. */
export const SKIPPED_MAX = 50;
/** The latest instant with a year of four digits, in milliseconds since 1970. */
export const INSTANT_MS_MAX = 253_402_300_799_999;

/** How a line without a warehouse is served: from one warehouse, or from several if one has too little. */
export const ALLOCATIONS = ['single', 'split'] as const;
export type Allocation = (typeof ALLOCATIONS)[number];
/** The actor if the caller names none. */
export const ACTOR_DEFAULT = 'order-service';
/** The actor of what happens by time alone. */
export const ACTOR_CLOCK = 'clock';
