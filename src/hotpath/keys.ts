/**
 * The names of all Redis keys; the program in lua/ gets the prefixes from here. All keys of a partition have its hash tag,
 * so that they share one slot. Format: `<prefix>{<partition>}:<kind>:<escaped id>`.
 * Promises: shops with different prefixes share no key. Refuses to know: what the values mean.
 */
import { encodeId } from '../domain/id.ts';

/** The default key prefix: short, because every key has it (the key of a 36-byte order id fits an allocation of 48 bytes). */
export const KEY_PREFIX_DEFAULT = 'hf';

/** A valid key prefix: without characters of hash tags and of patterns. */
export const KEY_PREFIX_PATTERN = /^[A-Za-z0-9_.-]{1,32}$/;

/** The part of a key between partition and id, by kind of record. */
export const KEY_KINDS = {
  reservation: 'r:',
  sku: 's:',
  movement: 'm:',
  transfer: 't:',
  stocktake: 'k:',
  sale: 'f:',
  quota: 'q:',
} as const;

/** One Redis partition: the unit of atomicity, of ordering and of the epoch (D12). */
export interface PartitionKeys {
  readonly partition: number;
  /** "epoch sequence clock_ms events trimmed_events state". */
  readonly control: string;
  /** The outbox: a stream with ids `<epoch>-<sequence>`. */
  readonly events: string;
  /** Sorted set of holds and locks by deadline: "name order sku@warehouse ...", ids escaped. */
  readonly due: string;
  /** Keys with which an engine tests its permissions when it opens: a string, a hash, an index, a stream. */
  readonly probes: readonly string[];
  /** Matches every key of the partition, for SCAN. */
  readonly pattern: string;
  reservation(orderId: string): string;
  /** Hash of one SKU: escaped warehouse -> item, and *sale -> figures of a sale. */
  sku(sku: string): string;
  movement(movementId: string): string;
  transfer(transferId: string): string;
  /** Hash of a count sheet: escaped sku@warehouse -> line. */
  stocktake(stocktakeId: string): string;
  sale(saleId: string): string;
  /** Hash of a sale: escaped customer -> units held and bought. */
  quota(saleId: string): string;
  /** Hash: escaped warehouse -> name and place. */
  readonly warehouses: string;
}

/**
 * The keys of one partition.
 * @param prefix as {@link KEY_PREFIX_PATTERN}
 * @throws {Error} for any other prefix
 */
export function partitionKeys(prefix = KEY_PREFIX_DEFAULT, partition = 0): PartitionKeys {
  if (!KEY_PREFIX_PATTERN.test(prefix)) {
    throw new Error(`key prefix ${JSON.stringify(prefix)}: use 1 to 32 letters, digits, "_", "." or "-"`);
  }
  const start = `${prefix}{${partition}}:`;
  return {
    partition,
    control: `${start}control`,
    events: `${start}events`,
    due: `${start}due`,
    probes: ['string', 'hash', 'index', 'stream'].map((type) => `${start}probe-${type}`),
    pattern: `${start}*`,
    reservation: (orderId) => `${start}${KEY_KINDS.reservation}${encodeId(orderId)}`,
    sku: (sku) => `${start}${KEY_KINDS.sku}${encodeId(sku)}`,
    movement: (movementId) => `${start}${KEY_KINDS.movement}${encodeId(movementId)}`,
    transfer: (transferId) => `${start}${KEY_KINDS.transfer}${encodeId(transferId)}`,
    stocktake: (stocktakeId) => `${start}${KEY_KINDS.stocktake}${encodeId(stocktakeId)}`,
    sale: (saleId) => `${start}${KEY_KINDS.sale}${encodeId(saleId)}`,
    quota: (saleId) => `${start}${KEY_KINDS.quota}${encodeId(saleId)}`,
    warehouses: `${start}warehouses`,
  };
}
