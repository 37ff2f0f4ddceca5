/**
 * Fills a fenced partition with the documents of an earlier epoch: transfers, count sheets, sales and their quotas.
 * Promises: texts and lifetimes are those the program itself would have left, so a repeat still finds its first answer.
 */
import type { Redis } from 'ioredis';
import { LEASE_SECONDS_MAX, type StocktakeLine } from '../domain/language.ts';
import { type Quota, SALE_AFTERLIFE_SECONDS, type Sale } from '../domain/sale.ts';
import type { Transfer } from '../domain/transfer.ts';
import { writeSale, writeStocktakeLine, writeTransfer } from './codec/document-codec.ts';
import type { PartitionKeys } from './keys.ts';
import { execute, LOAD_CHUNK_MAX } from './partition.ts';

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
      const [key, text] = [keys.transfer(transferId), writeTransfer(transfer)];
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
      pipeline.hset(key, `${line.sku}@${line.warehouse}`, writeStocktakeLine(line));
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
    const { saleId, sku, opensAtMs, scheduledToCloseAtMs, quantity, limitPerCustomer } = sale;
    pipeline.hset(keys.sku(sku), `*${saleId}`, writeSale(sale));
    const asked = `${sku} ${opensAtMs} ${scheduledToCloseAtMs} ${quantity} ${limitPerCustomer}`;
    const untilMs = scheduledToCloseAtMs + afterlifeMs(tombstoneMs);
    pipeline.call('SET', keys.sale(saleId), asked, 'PXAT', String(untilMs));
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
    for (const { customerId, held, bought } of quotas.slice(i, i + LOAD_CHUNK_MAX)) {
      pipeline.hset(key, customerId, `${held} ${bought}`);
    }
    pipeline.pexpireat(key, sale.closesAtMs + afterlifeMs(tombstoneMs));
    await execute(pipeline);
  }
}
