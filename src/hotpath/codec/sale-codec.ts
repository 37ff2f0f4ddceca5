/**
 * The three records of a flash sale: its terms, its figures as a field of its SKU's hash, and the quota of a customer.
 * Formats: terms `sku opens_at_ms closes_at_ms quantity limit`; figures `opens_at_ms closes_at_ms quantity limit held sold
 * released expired`; quota `held bought`. Format 1, without a mark. Twin: lua/sale.lua and lua/schedule-sale.lua.
 */
import { encodeId, type SaleView, type ScheduleSale } from '../../domain/language.ts';
import { type Quota, type Sale, saleView } from '../../domain/sale.ts';
import { decodeDigits, decodeIdWord, Unreadable } from './words.ts';

/** The answer about a sale. Format: `sku figures`. @param nowMs by Redis's clock @throws {Unreadable} */
export function decodeSaleView(saleId: string, text: string, nowMs: number): SaleView {
  const [skuText, ...words] = text.split(' ');
  if (words.length !== 8) throw new Unreadable('a sale', text);
  const sku = decodeIdWord('a sale', skuText);
  const [opensAtMs, closesAtMs, quantity, limitPerCustomer, reserved, sold, released, expired] = words.map(
    (word) => decodeDigits('a sale', word),
  ) as [number, number, number, number, number, number, number, number];
  const counts = { reserved, sold, released, expired };
  return saleView({ saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer, ...counts }, nowMs);
}

/** The figures of a sale, kept with the items of the SKU. */
export function encodeSale(sale: Sale): string {
  const { opensAtMs, closesAtMs, quantity, limitPerCustomer, reserved, sold, released, expired } = sale;
  return `${opensAtMs} ${closesAtMs} ${quantity} ${limitPerCustomer} ${reserved} ${sold} ${released} ${expired}`;
}

/** The terms of a sale: its record, and a part of the command that schedules it. */
export function encodeSaleTerms(
  terms: Pick<ScheduleSale, 'sku' | 'opensAtMs' | 'closesAtMs' | 'quantity' | 'limitPerCustomer'>,
): string {
  const { sku, opensAtMs, closesAtMs, quantity, limitPerCustomer } = terms;
  return `${encodeId(sku)} ${opensAtMs} ${closesAtMs} ${quantity} ${limitPerCustomer}`;
}

/** The field of a sale in its SKU's hash. It cannot be that of a warehouse: no escaped id begins with `*`. */
export function saleField(saleId: string): string {
  return `*${encodeId(saleId)}`;
}

/** The quota of a customer: units held and bought in the sale. */
export function encodeQuota({ held, bought }: Quota): string {
  return `${held} ${bought}`;
}
