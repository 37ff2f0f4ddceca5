/**
 * What Redis has of an item in quarantine: its figures, and the orders that hold some of it. Nothing changes them meanwhile,
 * because every command about such an item is refused.
 */
import { decodeId, encodeId } from '../../domain/id.ts';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import { lineStart } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import { decodeItem } from '../../hotpath/codec/item-codec.ts';
import { decodeReservation } from '../../hotpath/codec/reservation-codec.ts';
import type { RedisConnection } from '../../hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';
import type { ItemName } from '../../ledger/read/worker-queries.ts';

/** An item's record. */
export interface HotItem {
  /** Undefined where Redis has none. */
  readonly text: string | undefined;
  /** Its figures, also behind the word of a quarantine; undefined where they cannot be read. */
  readonly item: InventoryItem | undefined;
  /** Commands about it are decided. */
  readonly isOpen: boolean;
}

const QUARANTINED = 'quarantined ';

/** Reads the record of an item. */
export async function readHotItem(
  redis: RedisConnection,
  keys: PartitionKeys,
  { sku, warehouse }: ItemName,
): Promise<HotItem> {
  const text = (await redis.hget(keys.sku(sku), encodeId(warehouse))) ?? undefined;
  const isClosed = text?.startsWith(QUARANTINED) ?? false;
  const figures = isClosed ? text?.slice(QUARANTINED.length) : text;
  const item = figures === undefined ? undefined : soundItem(sku, warehouse, figures);
  return { text, item, isOpen: item !== undefined && !isClosed };
}

/** As the program itself reads it: BR-001 and BR-004 on the way in. */
function soundItem(sku: string, warehouse: string, text: string): InventoryItem | undefined {
  try {
    const item = decodeItem(sku, warehouse, text);
    return item.total === item.available + item.reserved + item.sold ? item : undefined;
  } catch {
    return undefined;
  }
}

/** The record of an order: `unreadable` where it is not one that this program writes. */
export type HotOrder = Reservation | 'unreadable';

const PAGE = 500;

/**
 * The records of orders in Redis that name an item, and of those with these ids; an order without a record is left out. Looks
 * at every order, some 100,000 a second.
 */
export async function readHotOrders(
  redis: RedisConnection,
  keys: PartitionKeys,
  name: ItemName,
  orderIds: readonly string[],
): Promise<Map<string, HotOrder>> {
  const found = new Map<string, HotOrder>();
  const start = lineStart(name);
  const isAbout = new RegExp(`[ ,;]${start.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
  const read = async (ids: readonly string[], isWanted: (text: string) => boolean) => {
    if (ids.length === 0) return;
    const texts = await redis.mget(...ids.map((orderId) => keys.reservation(orderId)));
    for (const [i, orderId] of ids.entries()) {
      const text = texts[i];
      if (text && isWanted(text)) found.set(orderId, readOrder(orderId, text));
    }
  };
  for (let i = 0; i < orderIds.length; i += PAGE) await read(orderIds.slice(i, i + PAGE), () => true);
  for await (const ids of scanIds(redis, keys.reservation(''))) {
    await read(ids, (text) => text.startsWith('ACTIVE ') && isAbout.test(text));
  }
  return found;
}

/** Pages of the ids in every key that begins so; a key that names no id is left out, one may come twice. */
export async function* scanIds(redis: RedisConnection, start: string): AsyncGenerator<string[]> {
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(cursor, 'MATCH', `${start}*`, 'COUNT', PAGE);
    cursor = next;
    const ids = page.flatMap((key) => decodeId(key.slice(start.length)) ?? []);
    if (ids.length > 0) yield ids;
  } while (cursor !== '0');
}

function readOrder(orderId: string, text: string): HotOrder {
  try {
    return decodeReservation(orderId, text);
  } catch {
    return 'unreadable';
  }
}
