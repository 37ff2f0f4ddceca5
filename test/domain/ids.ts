/** Ids for random tests: ordinary ones, those of real catalogues, and those that look like a part of some text. */
import fc from 'fast-check';
import { isId } from '../../src/domain/language.ts';

/** Every one of them is an id, and each was chosen because some text or store could take it for something else. */
export const NASTY_IDS = [
  'a:b',
  ':',
  '-',
  '*',
  '.',
  '@',
  '=',
  ',',
  ';',
  '#',
  '%',
  '%41',
  '%2F',
  '100%',
  'a@b',
  'a=1,b@c=2',
  '茶/烏龍 500g',
  'SOFA BED+TR',
  'RG-JB18628 GP-1',
  'UTSAV/10/20/HM',
  'gid://shopify/ProductVariant/1',
  'buyer@example.com',
  'O\'Brien & "Söhne"',
  'back\\slash',
  '\\N',
  'NULL',
  'null',
  '{a,b}',
  '(1)',
  '__proto__',
  'constructor',
  '=1+1',
  '../..',
  'a?b#c',
  '<b>&amp;</b>',
  "'; DROP TABLE items; --",
  'שלום',
  '😀'.repeat(128),
  '茶'.repeat(128),
  'quarantined',
  'ACTIVE',
] as const;

const NASTY_CHARACTERS = [...'aZ0._:-@=,;#%*/\\"\'`{}()[]<>|&?!+~^$ é茶烏😀שñß'];

/** Any id: mostly short, with every character that a text of this project uses for itself. */
export const anyId: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/) },
  { weight: 2, arbitrary: fc.constantFrom(...NASTY_IDS) },
  {
    weight: 4,
    arbitrary: fc
      .array(fc.constantFrom(...NASTY_CHARACTERS), { minLength: 1, maxLength: 16 })
      .map((characters) => characters.join('').normalize('NFC'))
      .filter(isId),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .map((text) => text.normalize('NFC'))
      .filter(isId),
  },
);

/** Texts that are no ids, each for another reason. */
export const NOT_IDS = [
  '',
  ' a',
  'a ',
  '\u3000a',
  'a\u0000b',
  'a\nb',
  'a\tb',
  '\u007f',
  'e\u0301',
  'a\u200bb',
  'a\u2028b',
  '\ufeffa',
  '\ud800',
  'a\udc00b',
  'a'.repeat(129),
  '茶'.repeat(129),
] as const;

/** Members of commands, events and records that are ids or lists of ids. */
const ID_MEMBERS: ReadonlySet<string> = new Set(
  'id sku warehouse from to orderId movementId stocktakeId transferId saleId customerId releaseId receiptId proposeTransferTo releasable actor'.split(
    ' ',
  ),
);
const NASTY_NAMES: Readonly<Record<string, string>> = {
  TEA: '茶/烏龍 500g',
  RICE: 'a:b',
  SALT: '100% "salt", 5=6',
  east: '*',
  west: 'w@b,c=2',
  'order-1': 'a@b',
  'count-1': '-',
  'transfer-1': '%2F',
  'sale-1': '%41',
  ann: '-',
  bob: 'bob@example.com',
  web: 'web desk, 2F',
  clock: 'clock',
};

/** The same value with ids that need an escape; equal ids stay equal, and different ones different. */
export function withNastyIds<T>(value: T): T {
  const rename = (id: string) => NASTY_NAMES[id] ?? `#${id} é`;
  const copy = (of: unknown, isId: boolean): unknown => {
    if (typeof of === 'string') return isId ? rename(of) : of;
    if (Array.isArray(of)) return of.map((one) => copy(one, isId));
    if (typeof of !== 'object' || of === null) return of;
    return Object.fromEntries(
      Object.entries(of).map(([name, member]) => [name, copy(member, ID_MEMBERS.has(name))]),
    );
  };
  return copy(value, false) as T;
}

/** The same values, one in four with ids that need an escape. */
export function sometimesNasty<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.tuple(values, fc.nat({ max: 3 })).map(([value, n]) => (n === 3 ? withNastyIds(value) : value));
}
