/**
 * A count sheet: a hash with a line for each item, under `sku@warehouse`.
 * Format of a line: `status until_ms book_total counted|-`; an answer adds ` released_orders|-`. Format 1, without a mark.
 * Twin: lua/lock.lua and lua/stocktake.lua.
 */
import {
  decodeItemName,
  STOCKTAKE_STATUSES,
  type StocktakeLine,
  type StocktakeStatus,
} from '../../domain/language.ts';
import { decodeDigits, decodeIdWord, NOTHING, Unreadable } from './words.ts';

/** @param text that the word is a part of, for the error @throws {Unreadable} */
export function decodeStocktakeStatus(word: string, text = word): StocktakeStatus {
  const status = STOCKTAKE_STATUSES.find((known) => known === word);
  if (!status) throw new Unreadable('a stocktake', text);
  return status;
}

/** A line of a sheet, or the answer to a command about one. @throws {Unreadable} */
export function decodeStocktakeLine(
  stocktakeId: string,
  sku: string,
  warehouse: string,
  text: string,
): StocktakeLine {
  const words = text.split(' ');
  const [status = '', until, before, counted, released = NOTHING] = words;
  if (words.length > 5) throw new Unreadable('a stocktake', text);
  return {
    stocktakeId,
    sku,
    warehouse,
    status: decodeStocktakeStatus(status, text),
    untilMs: decodeDigits('a stocktake', until),
    before: decodeDigits('a stocktake', before),
    ...(counted !== NOTHING && { counted: decodeDigits('a stocktake', counted) }),
    ...(released !== NOTHING && {
      released: released.split(',').map((orderId) => decodeIdWord('a stocktake', orderId)),
    }),
  };
}

/** A line as the sheet has it. */
export function encodeStocktakeLine(line: StocktakeLine): string {
  return `${line.status} ${line.untilMs} ${line.before} ${line.counted ?? NOTHING}`;
}

/** The answer about a whole sheet. Format: `sku@warehouse line,...`. @throws {Unreadable} */
export function decodeStocktakeSheet(stocktakeId: string, text: string): StocktakeLine[] {
  return text.split(',').map((part) => {
    const space = part.indexOf(' ');
    const name = decodeItemName(part.slice(0, space));
    if (!name) throw new Unreadable('a count sheet', part);
    return decodeStocktakeLine(stocktakeId, name.sku, name.warehouse, part.slice(space + 1));
  });
}
