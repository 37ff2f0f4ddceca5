/**
 * The names of all Redis keys; the program in lua/ gets the prefixes from here. All keys of a partition have its hash tag,
 * so that they share one slot. Format: `<prefix>{<partition>}:<kind>:<escaped id>`.
 * Promises: shops with different prefixes share no key. Refuses to know: what the values mean.
 */
import { decodeId, encodeId } from '../domain/id.ts';

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
  /** Where the history stands; see codec/control-codec.ts. */
  readonly control: string;
  /** Who opened the partition without the ledger, and why; until a worker has compared it (H11). */
  readonly trust: string;
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
    trust: `${start}trust`,
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

/** What a record is about, by its key; only records that a command acknowledges have one. */
const SUBJECTS = {
  [KEY_KINDS.reservation]: 'order',
  [KEY_KINDS.movement]: 'movement',
  [KEY_KINDS.transfer]: 'transfer',
  [KEY_KINDS.stocktake]: 'stocktake',
  [KEY_KINDS.sale]: 'sale',
} as const;
export type SubjectKind = (typeof SUBJECTS)[keyof typeof SUBJECTS];

/** Kind and id of the record with this key; undefined for any other key. */
export function subjectOf(key: string): { readonly kind: SubjectKind; readonly id: string } | undefined {
  const start = key.indexOf('}:') + 2;
  const kind = SUBJECTS[key.slice(start, start + 2) as keyof typeof SUBJECTS];
  const id = decodeId(key.slice(start + 2));
  return kind && id !== undefined ? { kind, id } : undefined;
}
