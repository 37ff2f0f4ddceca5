/**
 * The refusals of the program, read into the words of the domain. Twin of every "REFUSED" in lua/.
 * Promises: a refusal that is not of its form is a defect and throws.
 */
import type { LockedItem, Refusal, Shortage } from '../../domain/language.ts';
import { decodeItemName } from '../../domain/lines.ts';
import { decodeReservationView } from './reservation-codec.ts';
import { decodeStocktakeStatus } from './stocktake-codec.ts';
import { decodeTransferView } from './transfer-codec.ts';
import { decodeDigits, decodeIdWord, Unreadable } from './words.ts';

interface Named {
  readonly sku: string;
  readonly warehouse?: string;
}

function readName(text: string): Named {
  if (!text.includes('@')) return { sku: decodeIdWord('a refusal', text) };
  if (text.endsWith('@*')) return { sku: decodeIdWord('a refusal', text.slice(0, -2)) };
  const name = decodeItemName(text);
  if (!name) throw new Unreadable('a refusal', text);
  return name;
}

/** "sku@warehouse,..." where "*" stands for any warehouse. */
function readNames(text: string): Named[] {
  return text.split(',').map(readName);
}

/** "sku@warehouse=stocktake:until_ms,...". */
function readLocked(text: string): LockedItem[] {
  return text.split(',').map((part) => {
    const [, item = '', stocktake, until] = /^([^=]+)=(.+):(\d{1,15})$/.exec(part) ?? [];
    const name = decodeItemName(item);
    if (!name) throw new Unreadable('a refusal', text);
    return { ...name, stocktakeId: decodeIdWord('a refusal', stocktake), untilMs: Number(until) };
  });
}

function readShortages(text: string): Shortage[] {
  return readFigures(text).map(({ limit, ...line }) => ({ ...line, available: limit }));
}

/** "figure figure ...", so many of them. */
function readNumbers(text: string, count: number): number[] {
  const words = text.split(' ');
  if (words.length !== count) throw new Unreadable('a refusal', text);
  return words.map((word) => decodeDigits('a refusal', word));
}

/** "sku@warehouse=requested:limit,...". */
function readFigures(text: string): (Named & { readonly requested: number; readonly limit: number })[] {
  return text.split(',').map((part) => {
    const match = /^([^=]+)=(\d{1,15}):(\d{1,15})$/.exec(part);
    if (!match?.[1]) throw new Unreadable('a refusal', text);
    return { ...readName(match[1]), requested: Number(match[2]), limit: Number(match[3]) };
  });
}

/** The words behind "REFUSED". `id` is what was asked about: an order, a movement, a transfer. */
export function readRefusal(text: string, id: string): Refusal {
  const space = text.indexOf(' ');
  const code = space < 0 ? text : text.slice(0, space);
  const rest = space < 0 ? '' : text.slice(space + 1);
  switch (code) {
    case 'insufficient-stock':
    case 'paid-but-short':
      return { code, shortages: readShortages(rest) };
    case 'exceeds-reservation':
      return {
        code,
        excess: readFigures(rest).map(({ sku, requested, limit }) => ({ sku, requested, held: limit })),
      };
    case 'unknown-item':
      return { code, items: readNames(rest) };
    case 'quarantined':
      return { code, items: rest === '-' ? [] : readNames(rest) };
    case 'reservation-expired':
    case 'already-released':
    case 'already-confirmed':
      return { code, reservation: decodeReservationView(id, rest) };
    case 'lifetime-exceeded':
      return { code, latestExpiresAtMs: decodeDigits('a refusal', rest) };
    case 'quantity-limit-exceeded':
      return { code, total: decodeDigits('a refusal', rest) };
    case 'exceeds-sold':
      return { code, sold: decodeDigits('a refusal', rest) };
    case 'version-conflict':
      return { code, version: decodeDigits('a refusal', rest) };
    case 'stocktake-in-progress':
      return { code, items: readLocked(rest) };
    case 'stocktake-ended':
      return { code, status: decodeStocktakeStatus(rest) };
    case 'count-below-committed': {
      const [counted = 0, reserved = 0, sold = 0] = readNumbers(rest, 3);
      return { code, counted, reserved, sold };
    }
    case 'transfer-ended':
      return { code, transfer: decodeTransferView(id, rest) };
    case 'exceeds-transit':
      return { code, inTransit: decodeDigits('a refusal', rest) };
    case 'sale-not-open':
      return { code, opensAtMs: decodeDigits('a refusal', rest) };
    case 'sale-closed':
      return { code, closesAtMs: decodeDigits('a refusal', rest) };
    case 'purchase-limit-exceeded': {
      const [limit = 0, held = 0, bought = 0] = readNumbers(rest, 3);
      return { code, limit, held, bought };
    }
    case 'order-conflict':
    case 'movement-conflict':
    case 'unknown-reservation':
    case 'too-many-partial-releases':
    case 'unknown-stocktake':
    case 'stocktake-full':
    case 'unknown-transfer':
    case 'transfer-conflict':
    case 'too-many-receipts':
    case 'unknown-sale':
    case 'sale-conflict':
    case 'too-many-sales':
    case 'customer-required':
    case 'ledger-backlog':
      return { code };
    default:
      throw new Unreadable('a refusal', text);
  }
}
