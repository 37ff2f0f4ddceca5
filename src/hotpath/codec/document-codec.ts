/**
 * The texts of count sheets, transfers and sales, read into the words of the domain and written back.
 * Twin of lua/{lock,transfer,sale}.lua. Promises: what cannot be read is a defect and throws; nothing is guessed.
 */
import {
  type SaleView,
  STOCKTAKE_STATUSES,
  type StocktakeLine,
  type StocktakeStatus,
  TRANSFER_STATUSES,
  type TransferView,
} from '../../domain/language.ts';
import { type Sale, saleView } from '../../domain/sale.ts';
import type { Transfer } from '../../domain/transfer.ts';
import { readDigits, Unreadable } from './record-codec.ts';

export function stocktakeStatusOf(text: string): StocktakeStatus {
  const status = STOCKTAKE_STATUSES.find((known) => known === text);
  if (!status) throw new Unreadable('a stocktake', text);
  return status;
}

/** "status until_ms before counted|-[ released orders|-]": a line of a count sheet. */
export function readStocktakeLine(
  stocktakeId: string,
  sku: string,
  warehouse: string,
  text: string,
): StocktakeLine {
  const [status = '', until, before, counted, released = '-'] = text.split(' ');
  return {
    stocktakeId,
    sku,
    warehouse,
    status: stocktakeStatusOf(status),
    untilMs: readDigits('a stocktake', until),
    before: readDigits('a stocktake', before),
    ...(counted !== '-' && { counted: readDigits('a stocktake', counted) }),
    ...(released !== '-' && { released: released.split(',') }),
  };
}

/** As the sheet keeps it. */
export function writeStocktakeLine(line: StocktakeLine): string {
  return `${line.status} ${line.untilMs} ${line.before} ${line.counted ?? '-'}`;
}

/** "sku@warehouse line,...": a whole sheet. */
export function readStocktakeSheet(stocktakeId: string, text: string): StocktakeLine[] {
  return text.split(',').map((part) => {
    const [, sku, warehouse, line] = /^([^@ ]+)@([^@ ]+) (.+)$/.exec(part) ?? [];
    if (!sku || !warehouse || !line) throw new Unreadable('a count sheet', part);
    return readStocktakeLine(stocktakeId, sku, warehouse, line);
  });
}

/** "status sku from to quantity received rejected returned operations". */
export function readTransferView(transferId: string, text: string): TransferView {
  const words = text.split(' ');
  const [statusWord, sku, from, to, quantity, received, rejected, returned] = words;
  const status = TRANSFER_STATUSES.find((known) => known === statusWord);
  if (!status || !sku || !from || !to || words.length !== 9) throw new Unreadable('a transfer', text);
  return {
    transferId,
    status,
    sku,
    from,
    to,
    quantity: readDigits('a transfer', quantity),
    received: readDigits('a transfer', received),
    rejected: readDigits('a transfer', rejected),
    returned: readDigits('a transfer', returned),
  };
}

export function writeTransfer(transfer: Transfer): string {
  const { status, sku, from, to, quantity, received, rejected, returned, operations } = transfer;
  const words = [status, sku, from, to, quantity, received, rejected, returned, operations.join(';') || '-'];
  return words.join(' ');
}

/** "sku opens_at_ms closes_at_ms quantity limit held sold released expired". @param nowMs by the store's clock */
export function readSaleView(saleId: string, text: string, nowMs: number): SaleView {
  const [sku, ...figures] = text.split(' ');
  if (!sku || figures.length !== 8) throw new Unreadable('a sale', text);
  const [opensAtMs, closesAtMs, quantity, limitPerCustomer, reserved, sold, released, expired] = figures.map(
    (figure) => readDigits('a sale', figure),
  ) as [number, number, number, number, number, number, number, number];
  const counts = { reserved, sold, released, expired };
  return saleView({ saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer, ...counts }, nowMs);
}

/** As it stands beside the items of its SKU. */
export function writeSale(sale: Sale): string {
  const { opensAtMs, closesAtMs, quantity, limitPerCustomer, reserved, sold, released, expired } = sale;
  return `${opensAtMs} ${closesAtMs} ${quantity} ${limitPerCustomer} ${reserved} ${sold} ${released} ${expired}`;
}
