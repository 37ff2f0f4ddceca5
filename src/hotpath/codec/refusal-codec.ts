/**
 * The refusals of the program, read by the table in domain/refusals.ts. Twin of every "REFUSED" in lua/.
 * Format: `code` and the members in the order of the table, separated by blanks; a view takes all that is left. Lists are
 * separated by commas; ids are escaped, so that no id can be taken for a separator.
 * Promises: a refusal that is not of its form is a defect and throws.
 */
import {
  decodeItemName,
  type LockedItem,
  type MemberKind,
  type MemberKinds,
  type NamedItem,
  type Refusal,
  refusalRow,
} from '../../domain/language.ts';
import { decodeReservationView } from './reservation-codec.ts';
import { decodeStocktakeStatus } from './stocktake-codec.ts';
import { decodeTransferView } from './transfer-codec.ts';
import { decodeDigits, decodeIdWord, NOTHING, Unreadable } from './words.ts';

const WHAT = 'a refusal';
const decodeNumber = (text: string) => decodeDigits(WHAT, text);

/** How a member of each kind is read. `id` is what the command was about: an order, a transfer. */
const DECODERS: { readonly [K in MemberKind]: (text: string, id: string) => MemberKinds[K] } = {
  units: decodeNumber,
  version: decodeNumber,
  time: decodeNumber,
  // `item,...`, or `-` for none
  items: (text) => (text === NOTHING ? [] : text.split(',').map(decodeNamedItem)),
  // `item=requested:available,...`
  shortages: (text) =>
    decodePairs(text).map(([item, requested, available]) => ({
      ...decodeNamedItem(item),
      requested: decodeNumber(requested),
      available: decodeNumber(available),
    })),
  // `sku=requested:held,...`
  excess: (text) =>
    decodePairs(text).map(([item, requested, held]) => ({
      sku: decodeNamedItem(item).sku,
      requested: decodeNumber(requested),
      held: decodeNumber(held),
    })),
  // `item=stocktake:until_ms,...`
  locks: (text) =>
    decodePairs(text).map(([item, stocktake, until]): LockedItem => {
      const name = decodeItemName(item);
      if (!name) throw new Unreadable(WHAT, text);
      return { ...name, stocktakeId: decodeIdWord(WHAT, stocktake), untilMs: decodeNumber(until) };
    }),
  reservation: (text, id) => decodeReservationView(id, text),
  transfer: (text, id) => decodeTransferView(id, text),
  countStatus: decodeStocktakeStatus,
};

/** Format: `sku@warehouse`, or `sku@*` and `sku` for any warehouse. */
function decodeNamedItem(text: string): NamedItem {
  if (!text.includes('@')) return { sku: decodeIdWord(WHAT, text) };
  if (text.endsWith('@*')) return { sku: decodeIdWord(WHAT, text.slice(0, -2)) };
  const name = decodeItemName(text);
  if (!name) throw new Unreadable(WHAT, text);
  return name;
}

/** Format: `name=left:right,...`. An escaped id may hold `:`; what follows the last one never does. */
function decodePairs(text: string): (readonly [name: string, left: string, right: string])[] {
  return text.split(',').map((part) => {
    const [, name, left, right] = /^([^=]+)=([^=]+):([^=:]+)$/.exec(part) ?? [];
    if (!name || !left || !right) throw new Unreadable(WHAT, text);
    return [name, left, right];
  });
}

/**
 * Reads what follows "REFUSED". @param id what the command was about
 * @throws {Unreadable} where the program writes no such refusal
 */
export function decodeRefusal(text: string, id: string): Refusal {
  const [code = '', ...words] = text.split(' ');
  const row = refusalRow(code);
  const members = Object.entries(row?.members ?? {});
  const texts = members.length === 1 && words.length > 0 ? [words.join(' ')] : words;
  if (!row || texts.length !== members.length) throw new Unreadable(WHAT, text);
  const refusal: Record<string, unknown> = { code };
  for (const [i, [name, { kind }]] of members.entries()) refusal[name] = DECODERS[kind](texts[i] ?? '', id);
  return refusal as unknown as Refusal;
}
