/**
 * The program reads its commands as strictly as the domain reads its input: each text here differs from one that it takes
 * in one thing alone, is refused by itself in its batch, and changes nothing.
 */
import { expect, test } from 'vitest';
import { ID_ESCAPED_BYTES_MAX } from '../../src/domain/id.ts';
import { LINES_MAX, SHORTFALL_RELEASES_MAX } from '../../src/domain/language.ts';
import { answerAt, packTexts } from '../../src/hotpath/codec/batch-codec.ts';
import { randomLink } from '../../src/hotpath/codec/control-codec.ts';
import { loadProgram, runScript } from '../../src/hotpath/program.ts';
import { START_MS } from '../domain/sentences.ts';
import { TURNED_CLOCK } from '../services.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

/** Texts that the program takes, whatever it then decides. */
const GOOD = {
  reserve: 'reserve TEA@east=1 60000 web - - single',
  confirm: 'confirm TEA=1 web - -',
  release: 'release TEA=1 rTEA=1 web',
  extend: 'extend 60000 web',
  receive: 'receive TEA@east=1 - web',
  issue: 'issue TEA@east=1 =damaged web',
  ship: 'ship TEA@east=1 - web order-1',
  return: 'return TEA@east=1 - web order-1',
  'write-off': 'write-off TEA@east=1 =broken web -',
  correct: 'correct TEA@east=1 =found web 7',
  'set-safety-stock': 'set-safety-stock TEA@east 1 web',
  'start-stocktake': 'start-stocktake TEA@east 60000 web',
  'complete-stocktake': 'complete-stocktake TEA@east 1 - order-1,order-2 web',
  'cancel-stocktake': 'cancel-stocktake TEA@east web',
  'dispatch-transfer': 'dispatch-transfer TEA east west 1 - web',
  'receive-transfer': 'receive-transfer 1 0 1:0 web',
  'cancel-transfer': 'cancel-transfer web',
  'schedule-sale': 'schedule-sale TEA 1 4000000009999 1 2 web',
  'close-sale': 'close-sale web',
  'look-item': 'look-item TEA',
  quarantine: 'quarantine SALT@east',
  trim: 'trim 00000001 0 -',
} as const;
type Verb = keyof typeof GOOD;

/** What is put in the place of what. */
const SLIPS: [verb: Verb, right: string, wrong: string][] = [
  ...['nan', '0', '-1', '1e3', '6.0', '99999999999', '86400001'].map((ms): [Verb, string, string] => [
    'reserve',
    '60000',
    ms,
  ]),
  ...['nan', '0', '-1', '0x1', '1.5', '1e1', '1000000001', '99999999999', '1,', '', '1 '].map(
    (units): [Verb, string, string] => ['reserve', '=1', `=${units}`],
  ),
  ['reserve', 'TEA@east=1', Array.from({ length: LINES_MAX + 1 }, (_, i) => `S${i}@east=1`).join(',')],
  ['reserve', 'TEA@east=1', 'TEA=1'],
  // Ids come escaped: ASCII, a letter, a digit or "%" first, of a bounded length.
  ...[
    '.TEA@east',
    'T~A@east',
    'T;A@east',
    `${'A'.repeat(ID_ESCAPED_BYTES_MAX + 1)}@east`,
    'TEA@*east',
    'TEA@-',
  ].map((item): [Verb, string, string] => ['reserve', 'TEA@east', item]),
  ['reserve', 'web', 'w|b'],
  ['confirm', 'TEA=1', 'T|A=1'],
  ['receive', 'TEA@east', 'T;A@east'],
  ['receive', 'web', 'w|b'],
  ['reserve', ' single', ''],
  ['reserve', ' - -', ' -'],
  ['reserve', 'single', 'single more'],
  ['confirm', 'TEA=1', 'TEA=0'],
  ['confirm', 'TEA=1', 'TEA=inf'],
  ['confirm', 'TEA=1', 'TEA'],
  ['confirm', 'TEA=1', 'TEA=1,'],
  ['confirm', 'TEA=1', 'TEA=1000000001'],
  ['confirm', 'web -', 'web always'],
  ['confirm', ' - -', ' -'],
  ['release', 'rTEA=1', 'c*'],
  ['release', '=1 r', '=0 r'],
  ['extend', '60000', '0'],
  ['extend', '60000', 'nan'],
  ['extend', '60000', '99999999999'],
  ...(['receive', 'issue', 'ship', 'return', 'write-off', 'correct'] as const).flatMap(
    (verb): [Verb, string, string][] => [
      [verb, 'TEA@east', 'TEA@*'],
      [verb, 'TEA@east=1', 'TEA@east=1,RICE@east=1'],
      [verb, '@east=1', '@east=1000000001'],
      [verb, '@east=1', '@east=99999999999'],
      [verb, '@east=1', '@east=-1'],
      [verb, '@east=1', '@east=1e1'],
      [verb, ' web', ''],
    ],
  ),
  ...(['receive', 'issue', 'ship', 'return', 'write-off'] as const).map((verb): [Verb, string, string] => [
    verb,
    '=1',
    '=0',
  ]),
  ['receive', 'web', 'web order-1'],
  ['ship', ' order-1', ''],
  ['correct', ' 7', ' -7'],
  ['correct', ' 7', ' seven'],
  ['correct', ' 7', ''],
  ['set-safety-stock', ' 1 ', ' 1000000001 '],
  ['set-safety-stock', ' 1 ', ' -1 '],
  ['set-safety-stock', ' 1 ', ' 99999999999 '],
  ['start-stocktake', '60000', '0'],
  ['start-stocktake', '60000', '-1'],
  ['start-stocktake', '60000', '99999999999'],
  ['start-stocktake', 'TEA@east', 'TEA'],
  ['complete-stocktake', ' 1 ', ' -1 '],
  ['complete-stocktake', ' 1 ', ' 1000000001 '],
  ['complete-stocktake', ' 1 ', ' 99999999999 '],
  ['complete-stocktake', ' -', ''],
  [
    'complete-stocktake',
    'order-1,order-2',
    Array.from({ length: SHORTFALL_RELEASES_MAX + 1 }, (_, i) => `o${i}`).join(','),
  ],
  ['cancel-stocktake', 'TEA@east', 'TEA'],
  ['cancel-stocktake', ' web', ''],
  ['dispatch-transfer', ' 1 ', ' 0 '],
  ['dispatch-transfer', ' 1 ', ' 1.5 '],
  ['dispatch-transfer', ' 1 ', ' 1000000001 '],
  ['dispatch-transfer', ' 1 ', ' 99999999999 '],
  ['dispatch-transfer', 'west', 'east'],
  ['dispatch-transfer', ' -', ''],
  ['receive-transfer', '1 0 ', '0 0 '],
  ['receive-transfer', '1 0 ', '1 -1 '],
  ['receive-transfer', '1 0 ', '1000000000 1 '],
  ['receive-transfer', '1 0 ', '99999999999 0 '],
  ['receive-transfer', ' 1:0', ''],
  ['cancel-transfer', ' web', ''],
  ['schedule-sale', ' 1 2 ', ' 1000000001 2 '],
  ['schedule-sale', ' 1 2 ', ' 1 99999999999 '],
  ['schedule-sale', ' 1 2 ', ' 1 -2 '],
  ['schedule-sale', '4000000009999', '1e15'],
  ['schedule-sale', '4000000009999', '9999999999999999'],
  ['schedule-sale', ' 2 ', ' '],
  ['close-sale', ' web', ''],
  ['look-item', ' TEA', ''],
  ['quarantine', '@east', ''],
  ['trim', ' 0 -', ' 0'],
  ['trim', ' 0 -', ' -1 -'],
  ['trim', ' 0 -', ' 0 *'],
  ['trim', ' 00000001 ', ' another0 '],
];

/** What the program answers to these texts, in one batch, each about a record of its own. */
async function answersTo(shop: HotShop, texts: readonly string[]): Promise<string[]> {
  const { keys } = shop;
  const records = texts.map((_, i) => keys.reservation(`record-${i}`));
  const reply = await runScript(
    shop.redis,
    loadProgram({ clock: TURNED_CLOCK }),
    [keys.control, keys.events, keys.due, ...records, keys.sku('TEA')],
    ['1 00000001', 1, START_MS, 1_000, 0, 1_000, randomLink(), '-', texts.length, ...packTexts(texts)],
  );
  return texts.map((_, i) => answerAt(reply, i));
}

test('each of the texts that follow is near one that the program takes', async () => {
  const shop = await givenShop('TEA@east=9');
  const taken = Object.values(GOOD);
  expect((await answersTo(shop, taken)).filter((answer) => /invalid/.test(answer))).toEqual([]);
});

test('a text that is no command is refused inside the program too, and changes nothing', async () => {
  const shop = await givenShop('TEA@east=9');
  const bad = SLIPS.map(([verb, right, wrong]) => {
    expect(GOOD[verb]).toContain(right);
    return GOOD[verb].replace(right, wrong);
  });
  bad.push(
    'steal everything',
    '',
    '@',
    '@ reserve',
    'RESERVE 60000 TEA@east=1 web - - single',
    'look-orders',
  );
  const before = await shop.engine.dump();
  const answers = (await answersTo(shop, bad)).map((answer, i) => `${bad[i]?.slice(0, 80)} -> ${answer}`);
  expect(answers).toEqual(bad.map((text) => `${text.slice(0, 80)} -> REFUSED invalid-command`));
  expect(await shop.engine.dump()).toBe(before);
});
