/**
 * Fills a fenced partition with what an earlier epoch left, from the ledger.
 * Promises: texts and lifetimes are those the program itself would have left, so a repeat still finds its first answer.
 * Refuses to know: where the records come from.
 */
import type { Redis } from 'ioredis';
import type { Warehouse } from '../domain/geography.ts';
import type { InventoryItem } from '../domain/inventory-item.ts';
import {
  ACTOR_DEFAULT,
  encodeId,
  itemName,
  LEASE_SECONDS_MAX,
  type Movement,
  type MovementKind,
  SALE_AFTERLIFE_SECONDS,
  type StocktakeLine,
} from '../domain/language.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { Quota, Sale } from '../domain/sale.ts';
import type { Transfer } from '../domain/transfer.ts';
import { encodeMovementContent } from './codec/command-codec.ts';
import { encodeItem, encodeQuarantinedItem } from './codec/item-codec.ts';
import { encodeReservation } from './codec/reservation-codec.ts';
import { encodeQuota, encodeSale, encodeSaleTerms, saleField } from './codec/sale-codec.ts';
import { encodeStocktakeLine } from './codec/stocktake-codec.ts';
import { encodeTransfer } from './codec/transfer-codec.ts';
import type { PartitionKeys } from './keys.ts';
import { encodePlace } from './warehouse-places.ts';

/** How many keys or records go to Redis in one round trip while a partition is filled. */
const LOAD_CHUNK_MAX = 1_000;

export interface ItemToLoad {
  readonly item: InventoryItem;
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
      const text = isQuarantined ? encodeQuarantinedItem(item) : encodeItem(item);
      pipeline.hset(keys.sku(item.sku), encodeId(item.warehouse), text);
      // BR-007: the lease ends when it was to end, whatever happened to Redis meanwhile.
      if (item.stocktake && !isQuarantined) {
        pipeline.zadd(keys.due, item.stocktake.untilMs, `rebuilt ${itemName(item)}`);
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
      pipeline.call('SET', keys.reservation(orderId), encodeReservation(reservation), 'PXAT', untilMs);
      if (isOpen) pipeline.zadd(keys.due, expiresAtMs, `rebuilt ${encodeId(orderId)}`);
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
  readonly item: InventoryItem;
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
      const text = `${encodeMovementContent(asCommand(movement))} ${encodeItem(movement.item)}`;
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

/** The command that made a movement. */
function asCommand({ kind, versionBefore, ...movement }: MovementToLoad): Movement {
  const base = { ...movement, actor: ACTOR_DEFAULT };
  switch (kind) {
    case 'receive':
    case 'issue':
    case 'ship':
    case 'return':
    case 'write-off':
      return { kind, ...base };
    case 'correct':
      return { kind, ...base, expectedVersion: versionBefore };
  }
}

/** Fills a partition with the places of warehouses. */
export async function loadWarehouses(
  redis: Redis,
  keys: PartitionKeys,
  warehouses: readonly Warehouse[],
): Promise<void> {
  const pipeline = redis.pipeline();
  for (const { id, ...place } of warehouses) pipeline.hset(keys.warehouses, encodeId(id), encodePlace(place));
  await execute(pipeline);
}

export interface TransferToLoad extends Transfer {
  /** Undefined while anything is in transit: such a record stays for good. */
  readonly closedAtMs: number | undefined;
}

export async function loadTransfers(
  redis: Redis,
  keys: PartitionKeys,
  transfers: readonly TransferToLoad[],
  tombstoneMs: number,
): Promise<void> {
  for (let i = 0; i < transfers.length; i += LOAD_CHUNK_MAX) {
    const pipeline = redis.pipeline();
    for (const transfer of transfers.slice(i, i + LOAD_CHUNK_MAX)) {
      const { transferId, closedAtMs } = transfer;
      const [key, text] = [keys.transfer(transferId), encodeTransfer(transfer)];
      if (closedAtMs === undefined) pipeline.set(key, text);
      else pipeline.call('SET', key, text, 'PXAT', String(closedAtMs + tombstoneMs));
    }
    await execute(pipeline);
  }
}

export interface SheetLineToLoad {
  readonly line: StocktakeLine;
  /** When any line of its sheet changed last. */
  readonly sheetChangedMs: number;
}

/** How long anybody can hear of a sheet that does not change any more. */
export function sheetLifeMs(tombstoneMs: number): number {
  return LEASE_SECONDS_MAX * 1_000 + tombstoneMs;
}

export async function loadStocktakeLines(
  redis: Redis,
  keys: PartitionKeys,
  lines: readonly SheetLineToLoad[],
  tombstoneMs: number,
): Promise<void> {
  for (let i = 0; i < lines.length; i += LOAD_CHUNK_MAX) {
    const pipeline = redis.pipeline();
    for (const { line, sheetChangedMs } of lines.slice(i, i + LOAD_CHUNK_MAX)) {
      const key = keys.stocktake(line.stocktakeId);
      pipeline.hset(key, itemName(line), encodeStocktakeLine(line));
      pipeline.pexpireat(key, sheetChangedMs + sheetLifeMs(tombstoneMs));
    }
    await execute(pipeline);
  }
}

export interface SaleToLoad extends Sale {
  /** As it was scheduled, also where somebody closed it before. */
  readonly scheduledToCloseAtMs: number;
}

export async function loadSales(
  redis: Redis,
  keys: PartitionKeys,
  sales: readonly SaleToLoad[],
  tombstoneMs: number,
): Promise<void> {
  const pipeline = redis.pipeline();
  for (const sale of sales) {
    const { saleId, sku, scheduledToCloseAtMs } = sale;
    pipeline.hset(keys.sku(sku), saleField(saleId), encodeSale(sale));
    const terms = encodeSaleTerms({ ...sale, closesAtMs: scheduledToCloseAtMs });
    const untilMs = scheduledToCloseAtMs + afterlifeMs(tombstoneMs);
    pipeline.call('SET', keys.sale(saleId), terms, 'PXAT', String(untilMs));
  }
  await execute(pipeline);
}

/** How long anybody can hear of a sale that is closed. */
export function afterlifeMs(tombstoneMs: number): number {
  return SALE_AFTERLIFE_SECONDS * 1_000 + tombstoneMs;
}

/** What customers hold and have bought in a sale with a limit. */
export async function loadQuotas(
  redis: Redis,
  keys: PartitionKeys,
  sale: Pick<Sale, 'saleId' | 'closesAtMs'>,
  quotas: readonly (Quota & { readonly customerId: string })[],
  tombstoneMs: number,
): Promise<void> {
  const key = keys.quota(sale.saleId);
  for (let i = 0; i < quotas.length; i += LOAD_CHUNK_MAX) {
    const pipeline = redis.pipeline();
    for (const quota of quotas.slice(i, i + LOAD_CHUNK_MAX)) {
      pipeline.hset(key, encodeId(quota.customerId), encodeQuota(quota));
    }
    pipeline.pexpireat(key, sale.closesAtMs + afterlifeMs(tombstoneMs));
    await execute(pipeline);
  }
}

/** One step of a pipeline that failed fails the whole: a partition is filled completely or not opened. */
async function execute(pipeline: ReturnType<Redis['pipeline']>): Promise<void> {
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
}
