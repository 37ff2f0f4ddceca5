/**
 * The life of a partition around the batches (D10): read its control record, fence it, fill it from the outside, open it
 * under a new epoch. Promises: between fence and open no batch is decided, so what is loaded cannot be half there.
 * Refuses to know: where items and reservations come from.
 */
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { Warehouse } from '../domain/geography.ts';
import type { MovementKind } from '../domain/language.ts';
import type { Reservation } from '../domain/reservation.ts';
import { encodeReason } from './codec/event-codec.ts';
import {
  type HotItem,
  Unreadable,
  writeItem,
  writeQuarantinedItem,
  writeReservation,
} from './codec/record-codec.ts';
import type { PartitionKeys } from './keys.ts';
import { LUA_FOLDER } from './program.ts';

/** "epoch sequence clock_ms events trimmed_events state". */
export interface Control {
  readonly epoch: number;
  /** Of the last batch that changed something. */
  readonly sequence: number;
  /** The partition's time, which never goes back. */
  readonly clockMs: number;
  /** Events since the epoch began, and how many of them the ledger has. */
  readonly eventsTotal: number;
  readonly trimmedTotal: number;
  readonly state: 'open' | 'fenced';
}

const CONTROL_TEXT = /^(\d+) (\d+) (\d+) (\d+) (\d+) (open|fenced)$/;

/** Undefined where Redis knows nothing of the partition. @throws {Unreadable} */
export async function readControl(redis: Redis, keys: PartitionKeys): Promise<Control | undefined> {
  const text = await redis.get(keys.control);
  if (text === null) return undefined;
  const match = CONTROL_TEXT.exec(text);
  if (!match) throw new Unreadable('the control record', text);
  return {
    epoch: Number(match[1]),
    sequence: Number(match[2]),
    clockMs: Number(match[3]),
    eventsTotal: Number(match[4]),
    trimmedTotal: Number(match[5]),
    state: match[6] === 'open' ? 'open' : 'fenced',
  };
}

const FENCE = readFileSync(new URL('fence.lua', LUA_FOLDER), 'utf8');

/** Closes the partition; commands meet `not-ready` until {@link openPartition}. */
export async function fencePartition(
  redis: Redis,
  keys: PartitionKeys,
  epochIfForgotten: number,
): Promise<void> {
  await redis.eval(FENCE, 1, keys.control, String(epochIfForgotten));
}

/** How many keys or records go to Redis in one round trip while a partition is filled. */
export const LOAD_CHUNK_MAX = 1_000;

/** Drops every key of a fenced partition but its control record. */
export async function clearPartition(redis: Redis, keys: PartitionKeys): Promise<void> {
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', keys.pattern, 'COUNT', LOAD_CHUNK_MAX);
    cursor = next;
    const doomed = found.filter((key) => key !== keys.control);
    if (doomed.length > 0) await redis.unlink(...doomed);
  } while (cursor !== '0');
}

export interface ItemToLoad {
  readonly item: HotItem;
  /** The ledger could not follow it: it is kept, and nothing is decided about it. */
  readonly isQuarantined: boolean;
}

/** Fills a fenced partition with items, and with the deadlines of their locks. */
export async function loadItems(
  redis: Redis,
  keys: PartitionKeys,
  items: readonly ItemToLoad[],
): Promise<void> {
  for (let i = 0; i < items.length; i += LOAD_CHUNK_MAX) {
    const pipeline = redis.pipeline();
    for (const { item, isQuarantined } of items.slice(i, i + LOAD_CHUNK_MAX)) {
      const text = isQuarantined ? writeQuarantinedItem(item) : writeItem(item);
      pipeline.hset(keys.sku(item.sku), item.warehouse, text);
      // BR-007: the lease ends when it was to end, whatever happened to Redis meanwhile.
      if (item.stocktake && !isQuarantined) {
        pipeline.zadd(keys.due, item.stocktake.untilMs, `rebuilt ${item.sku}@${item.warehouse}`);
      }
    }
    await execute(pipeline);
  }
}

/** Fills a fenced partition with reservations, open and settled, and with the deadlines of the open ones. */
export async function loadReservations(
  redis: Redis,
  keys: PartitionKeys,
  reservations: readonly Reservation[],
  tombstoneMs: number,
): Promise<void> {
  for (let i = 0; i < reservations.length; i += LOAD_CHUNK_MAX) {
    const pipeline = redis.pipeline();
    for (const reservation of reservations.slice(i, i + LOAD_CHUNK_MAX)) {
      const { orderId, expiresAtMs, resolvedAtMs } = reservation;
      const isOpen = reservation.status === 'ACTIVE';
      // A hold that ended while Redis was away is due at once; its record must live until somebody has looked at it.
      const fromMs = isOpen ? Math.max(expiresAtMs, Date.now()) : (resolvedAtMs ?? Date.now());
      const untilMs = String(fromMs + tombstoneMs);
      pipeline.call('SET', keys.reservation(orderId), writeReservation(reservation), 'PXAT', untilMs);
      if (isOpen) pipeline.zadd(keys.due, expiresAtMs, `rebuilt ${orderId}`);
    }
    await execute(pipeline);
  }
}

/** A movement done in an earlier epoch, so that its repeat is still known as one (BR-006). */
export interface MovementToLoad {
  readonly kind: MovementKind;
  readonly movementId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string;
  readonly orderId?: string | undefined;
  /** The item's version when it was asked for. */
  readonly versionBefore: number;
  readonly atMs: number;
  /** The item right after it: the first answer. */
  readonly item: HotItem;
}

/** Fills a fenced partition with the movements whose repeats may still come. */
export async function loadMovements(
  redis: Redis,
  keys: PartitionKeys,
  movements: readonly MovementToLoad[],
  tombstoneMs: number,
): Promise<void> {
  for (let i = 0; i < movements.length; i += LOAD_CHUNK_MAX) {
    const pipeline = redis.pipeline();
    for (const movement of movements.slice(i, i + LOAD_CHUNK_MAX)) {
      const text = `${contentOf(movement)} ${writeItem(movement.item)}`;
      pipeline.call(
        'SET',
        keys.movement(movement.movementId),
        text,
        'PXAT',
        String(movement.atMs + tombstoneMs),
      );
    }
    await execute(pipeline);
  }
}

/** What was asked, as lua/movement.lua keeps it. */
function contentOf(movement: MovementToLoad): string {
  const { kind, sku, warehouse, quantity, reason, orderId, versionBefore } = movement;
  const content = `${kind} ${sku}@${warehouse}=${quantity} ${encodeReason(reason)}`;
  switch (kind) {
    case 'receive':
    case 'issue':
      return content;
    case 'ship':
    case 'return':
    case 'write-off':
      return `${content} ${orderId ?? '-'}`;
    case 'correct':
      return `${content} ${versionBefore}`;
  }
}

/** Fills a partition with the places of warehouses. */
export async function loadWarehouses(
  redis: Redis,
  keys: PartitionKeys,
  warehouses: readonly Warehouse[],
): Promise<void> {
  const pipeline = redis.pipeline();
  for (const { id, ...place } of warehouses) pipeline.hset(keys.warehouses, id, JSON.stringify(place));
  await execute(pipeline);
}

/** Opens the partition under a new epoch, from Redis's time on; sequence and events begin at 0. */
export async function openPartition(redis: Redis, keys: PartitionKeys, epoch: number): Promise<void> {
  const [seconds, micros] = (await redis.time()) as unknown as [string, string];
  const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  await redis.set(keys.control, `${epoch} 0 ${nowMs} 0 0 open`);
}

/** One step of a pipeline that failed fails the whole: a partition is filled completely or not opened. */
export async function execute(pipeline: ReturnType<Redis['pipeline']>): Promise<void> {
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
}
