/**
 * Random ids for the fuzz: such as an id may be, such as it may not be, and such as nobody is sure about. What is allowed
 * is spelled here once more by hand, so that the check of src/ is measured against something that is not itself.
 */
import fc from 'fast-check';

/** `good`: must be accepted. `bad`: must be refused with 400. `unsure`: either, but never a fault. */
export type Verdict = 'good' | 'bad' | 'unsure';

export interface Candidate {
  readonly text: string;
  readonly verdict: Verdict;
}

export const ID_CODE_POINTS_MAX = 128;

const good = (text: string): Candidate => ({ text, verdict: 'good' });
const bad = (text: string): Candidate => ({ text, verdict: 'bad' });
const unsure = (text: string): Candidate => ({ text, verdict: 'unsure' });

/** What texts of Redis, JSON, CSV, SQL, URLs, JavaScript and shells give a meaning to. */
const AWKWARD = [
  '__proto__ constructor prototype toString hasOwnProperty NULL null undefined NaN true \\N \\. 0 -0 00 1e3 Infinity',
  '- * @ = , ; # ~ . .. : :: / // \\ | ( ) [ ] { } < > ? & + ! $ ^ \' " ` _ %',
  '-1 -a --x @a a@b a@b=1 a=1,b=2 *S-1 -- ;-- /* */ %41 %2F %25 %%% %ZZ %C3%28 a%00b %E8%8C%B6 {{x}} $1 \\x41 \\u0041 \\\\',
  "'; DROP TABLE items;-- =1+1 +A1 @SUM(A1) gid://shopify/ProductVariant/1 UTSAV/10/20/HM ...BED+TR someone@example.org",
  '茶/1 茶葉/烏龍#1 Größe-XXL naïve Ελλάδα Привет שלום مرحبا हिन्दी ไทย 日本語カタカナ 한국어 🧦 👍🏽 🇹🇼 𝒳 ½ ① ﹏',
]
  .join(' ')
  .split(' ');
const WITH_BLANKS = [
  'RG-JB18628 GP-1',
  'a  b',
  '茶 1',
  'a\u00a0b',
  'a\u3000b',
  '% 41',
  ', ;',
  '0 0',
  '{0}: x',
];

const oneOf = (alphabet: string): fc.Arbitrary<string> => fc.constantFrom(...alphabet);
const LETTERS = oneOf('ABCXYZabcxyz0189._:-');
const SIGNS = oneOf('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');
const WORLD = oneOf('茶葉烏龍黑色大号襪子äöüßéñçøåÆŁžдждиעבריتاثไทยकखगあいうアイウ한국어🧦👟🎧𝒳𐍈½①€£¥™©');

function from(characters: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> {
  return fc.array(characters, { minLength: 1, maxLength, size: 'max' }).map((all) => all.join(''));
}

const INNER = fc.oneof(
  { weight: 4, arbitrary: LETTERS },
  { weight: 2, arbitrary: SIGNS },
  WORLD,
  fc.constant(' '),
);
const mixed = fc
  .tuple(fc.oneof(LETTERS, SIGNS, WORLD), fc.array(INNER, { maxLength: 20 }), fc.oneof(LETTERS, SIGNS, WORLD))
  .map(([first, inner, last]) => first + inner.join('') + last);
const longest = fc
  .oneof(WORLD, LETTERS, fc.constantFrom('🧦', '%', '茶'))
  .map((character) => character.repeat(ID_CODE_POINTS_MAX));

export const goodId: fc.Arbitrary<Candidate> = fc
  .oneof(
    { weight: 4, arbitrary: from(LETTERS, 16) },
    { weight: 3, arbitrary: mixed },
    { weight: 2, arbitrary: from(WORLD, 12) },
    { weight: 2, arbitrary: from(SIGNS, 6) },
    { weight: 2, arbitrary: fc.constantFrom(...AWKWARD, ...WITH_BLANKS) },
    longest,
  )
  .map(good);

const CONTROLS = fc.constantFrom('\0', '\t', '\n', '\r', '\u001b', '\u007f', '\u0085', '\u009f');
const FORMATS = fc.constantFrom('\u200b', '\u200d', '\u200e', '\u202e', '\u2066', '\ufeff', '\u00ad');
const SEPARATORS = fc.constantFrom('\u2028', '\u2029');
const SURROGATES = fc.constantFrom('\ud800', '\udfff', '\ud83e');
const BLANKS = fc.constantFrom(' ', '\u00a0', '\u3000', '\u2003', '  ');
/** Texts in NFD, or with a character whose normal form is another one. */
const DENORMAL = fc.constantFrom(
  'Gro\u0308\u00dfe',
  'e\u0301',
  '\u1112\u1161\u11ab',
  '\u212b',
  '\u2126',
  '\uf900',
  'o\u0308\u0304',
);
const seed = fc.constantFrom('', 'a', 'TEA-1', '茶');

export const badId: fc.Arbitrary<Candidate> = fc
  .oneof(
    fc.constant(''),
    fc.tuple(seed, fc.oneof(CONTROLS, FORMATS, SEPARATORS, SURROGATES), seed).map((parts) => parts.join('')),
    fc.tuple(BLANKS, fc.constantFrom('', 'a', '茶')).map((parts) => parts.join('')),
    fc.tuple(fc.constantFrom('a', '茶'), BLANKS).map((parts) => parts.join('')),
    fc.tuple(seed, DENORMAL, seed).map((parts) => parts.join('')),
    fc.constantFrom('a', '茶', '🧦', '%').map((character) => character.repeat(ID_CODE_POINTS_MAX + 1)),
    fc.constant('x'.repeat(5_000)),
  )
  .map(bad);

/** Private use, not assigned, a mark without a letter, variation selectors: printable or not, as one sees it. */
export const unsureId: fc.Arbitrary<Candidate> = fc
  .oneof(
    fc.constantFrom(
      '\ue000',
      '\u{10ffff}',
      '\ufffe',
      '\u0301',
      '\u0301a',
      '☕\ufe0f',
      '\u{e0001}',
      '\u0378',
      '\ufffd',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 24 }),
  )
  .map(unsure);

/** Segments of an address that no text is encoded to: each must be refused before any route sees it. */
export const brokenSegment: fc.Arbitrary<string> = fc.constantFrom(
  '%',
  '%4',
  '%ZZ',
  '%ED%A0%80',
  '%C3',
  '%C3%28',
  '%FF',
  '%E8%8C',
  'a%',
  '%F4%90%80%80',
  '%C0%AF',
);

/** Ids without end, from a seed. */
export function* candidates(arbitrary: fc.Arbitrary<Candidate>, seedNumber: number): Generator<Candidate> {
  for (let round = 0; ; round++) {
    yield* fc.sample(arbitrary, { numRuns: 1_000, seed: seedNumber + round });
  }
}
