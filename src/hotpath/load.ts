/**
 * Fills a fenced partition with records of an earlier epoch.
 * Promises: records and their lifetimes are as the program itself would have written them, so that a repeat still gets its
 * first answer. Errors of Redis are thrown: a partition is filled completely or stays fenced.
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
import { beginPage, execute, type FencedKeys } from './fenced-page.ts';
import { encodePlace } from './warehouse-places.ts';

/** Records in one round trip. */
const LOAD_CHUNK_MAX = 1_000;

/** An item, and whether commands about it are refused. */
export interface ItemToLoad {
  readonly item: InventoryItem;
  /** The worker found an event about it that cannot be right (D8): the item is kept, commands about it are refused. */
  readonly isQuarantined: boolean;
}

/** Writes items and the deadlines of their locks. */
export async function loadItems(redis: Redis, keys: FencedKeys, items: readonly ItemToLoad[]): Promise<void> {
  for (let i = 0; i < items.length; i += LOAD_CHUNK_MAX) {
    const pipeline = await beginPage(redis, keys);
    for (const { item, isQuarantined } of items.slice(i, i + LOAD_CHUNK_MAX)) {
      const text = isQuarantined ? encodeQuarantinedItem(item) : encodeItem(item);
      pipeline.hset(keys.sku(item.sku), encodeId(item.warehouse), text);
      // BR-007: the lock ends when it would have ended without the rebuild.
      if (item.stocktake && !isQuarantined) {
        pipeline.zadd(keys.due, item.stocktake.untilMs, `rebuilt ${itemName(item)}`);
      }
    }
    await execute(pipeline);
  }
}

/**
 * Writes reservations, open and resolved, and the deadlines of the open ones.
 * @param tombstoneMs how long a resolved one is kept after it was resolved
 */
export async function loadReservations(
  redis: Redis,
  keys: FencedKeys,
  reservations: readonly Reservation[],
  tombstoneMs: number,
): Promise<void> {
  for (let i = 0; i < reservations.length; i += LOAD_CHUNK_MAX) {
    const pipeline = await beginPage(redis, keys);
    for (const reservation of reservations.slice(i, i + LOAD_CHUNK_MAX)) {
      const { orderId, expiresAtMs, resolvedAtMs } = reservation;
      const isOpen = reservation.status === 'ACTIVE';
      // A hold that fell due during the outage expires with the first batch; until then its record must be kept.
      const fromMs = isOpen ? Math.max(expiresAtMs, Date.now()) : (resolvedAtMs ?? Date.now());
      const untilMs = String(fromMs + tombstoneMs);
      pipeline.call('SET', keys.reservation(orderId), encodeReservation(reservation), 'PXAT', untilMs);
      if (isOpen) pipeline.zadd(keys.due, expiresAtMs, `rebuilt ${encodeId(orderId)}`);
    }
    await execute(pipeline);
  }
}

/** A movement of an earlier epoch, so that its repeat is still recognized (BR-006). */
export interface MovementToLoad {
  readonly kind: MovementKind;
  readonly movementId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string;
  readonly orderId?: string | undefined;
  /** The item's version before the movement. */
  readonly versionBefore: number;
  readonly atMs: number;
  /** The item right after the movement: its first answer. */
  readonly item: InventoryItem;
}

/** Writes movements that may still be repeated. */
export async function loadMovements(
  redis: Redis,
  keys: FencedKeys,
  movements: readonly MovementToLoad[],
  tombstoneMs: number,
): Promise<void> {
  for (let i = 0; i < movements.length; i += LOAD_CHUNK_MAX) {
    const pipeline = await beginPage(redis, keys);
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

/** Writes the names and places of warehouses. */
export async function loadWarehouses(
  redis: Redis,
  keys: FencedKeys,
  warehouses: readonly Warehouse[],
): Promise<void> {
  const pipeline = await beginPage(redis, keys);
  for (const { id, ...place } of warehouses) pipeline.hset(keys.warehouses, encodeId(id), encodePlace(place));
  await execute(pipeline);
}

/** A transfer, and when it ended. */
export interface TransferToLoad extends Transfer {
  /** Undefined while anything is in transit: such a record has no time-out. */
  readonly closedAtMs: number | undefined;
}

/** Writes transfers; those that have ended are kept for `tombstoneMs` after their end. */
export async function loadTransfers(
  redis: Redis,
  keys: FencedKeys,
  transfers: readonly TransferToLoad[],
  tombstoneMs: number,
): Promise<void> {
  for (let i = 0; i < transfers.length; i += LOAD_CHUNK_MAX) {
    const pipeline = await beginPage(redis, keys);
    for (const transfer of transfers.slice(i, i + LOAD_CHUNK_MAX)) {
      const { transferId, closedAtMs } = transfer;
      const [key, text] = [keys.transfer(transferId), encodeTransfer(transfer)];
      if (closedAtMs === undefined) pipeline.set(key, text);
      else pipeline.call('SET', key, text, 'PXAT', String(closedAtMs + tombstoneMs));
    }
    await execute(pipeline);
  }
}

/** A line of a count sheet. */
export interface SheetLineToLoad {
  readonly line: StocktakeLine;
  /** When any line of its sheet changed last. */
  readonly sheetChangedMs: number;
}

/** How long a count sheet is kept after its last change. */
export function sheetLifeMs(tombstoneMs: number): number {
  return LEASE_SECONDS_MAX * 1_000 + tombstoneMs;
}

/** Writes lines of count sheets. */
export async function loadStocktakeLines(
  redis: Redis,
  keys: FencedKeys,
  lines: readonly SheetLineToLoad[],
  tombstoneMs: number,
): Promise<void> {
  for (let i = 0; i < lines.length; i += LOAD_CHUNK_MAX) {
    const pipeline = await beginPage(redis, keys);
    for (const { line, sheetChangedMs } of lines.slice(i, i + LOAD_CHUNK_MAX)) {
      const key = keys.stocktake(line.stocktakeId);
      pipeline.hset(key, itemName(line), encodeStocktakeLine(line));
      pipeline.pexpireat(key, sheetChangedMs + sheetLifeMs(tombstoneMs));
    }
    await execute(pipeline);
  }
}

/** A sale, and when it was scheduled to close. */
export interface SaleToLoad extends Sale {
  /** Later than `closesAtMs` if it was closed early. */
  readonly scheduledToCloseAtMs: number;
}

/** Writes the figures and the terms of sales. */
export async function loadSales(
  redis: Redis,
  keys: FencedKeys,
  sales: readonly SaleToLoad[],
  tombstoneMs: number,
): Promise<void> {
  const pipeline = await beginPage(redis, keys);
  for (const sale of sales) {
    const { saleId, sku, scheduledToCloseAtMs } = sale;
    pipeline.hset(keys.sku(sku), saleField(saleId), encodeSale(sale));
    const terms = encodeSaleTerms({ ...sale, closesAtMs: scheduledToCloseAtMs });
    const untilMs = scheduledToCloseAtMs + afterlifeMs(tombstoneMs);
    pipeline.call('SET', keys.sale(saleId), terms, 'PXAT', String(untilMs));
  }
  await execute(pipeline);
}

/** How long the record of a sale is kept after it closed. */
export function afterlifeMs(tombstoneMs: number): number {
  return SALE_AFTERLIFE_SECONDS * 1_000 + tombstoneMs;
}

/** Writes what customers hold and have bought in a sale with a purchase limit. */
export async function loadQuotas(
  redis: Redis,
  keys: FencedKeys,
  sale: Pick<Sale, 'saleId' | 'closesAtMs'>,
  quotas: readonly (Quota & { readonly customerId: string })[],
  tombstoneMs: number,
): Promise<void> {
  const key = keys.quota(sale.saleId);
  for (let i = 0; i < quotas.length; i += LOAD_CHUNK_MAX) {
    const pipeline = await beginPage(redis, keys);
    for (const quota of quotas.slice(i, i + LOAD_CHUNK_MAX)) {
      pipeline.hset(key, encodeId(quota.customerId), encodeQuota(quota));
    }
    pipeline.pexpireat(key, sale.closesAtMs + afterlifeMs(tombstoneMs));
    await execute(pipeline);
  }
}
