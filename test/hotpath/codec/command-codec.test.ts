/** The text of each command and the keys it names. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../../src/domain/language.ts';
import {
  encodeCommand,
  encodeMovementContent,
  type Lookup,
  type Upkeep,
} from '../../../src/hotpath/codec/command-codec.ts';
import { partitionKeys } from '../../../src/hotpath/keys.ts';
import { commandOf, isMovement } from '../../domain/histories.ts';
import { sometimesNasty } from '../../domain/ids.ts';
import { randomCommand } from '../../domain/random-commands.ts';
import { RUNS } from './values.ts';

const keys = partitionKeys('hf', 0);
const item = { sku: '茶', warehouse: 'w' };
const actor = 'a@b';

/** One command of each form, and how the program gets it. */
const EXAMPLES: readonly (readonly [command: Command | Lookup | Upkeep, text: string])[] = [
  [
    {
      kind: 'reserve',
      orderId: 'o',
      lines: [
        { ...item, quantity: 2 },
        { sku: 'B', quantity: 1 },
      ],
      holdMs: 60_000,
      saleId: '*',
      customerId: 'c d',
      allocation: 'split',
      candidates: ['w', 'x,y'],
      actor,
    },
    '@reserve %E8%8C%B6@w=2,B@*=1 60000 a%40b w,x%2Cy %2A split',
  ],
  [{ kind: 'confirm', orderId: 'o', reacquire: false, actor }, 'confirm * a%40b - -'],
  [
    {
      kind: 'confirm',
      orderId: 'o',
      lines: [{ sku: 'a:b', quantity: 1 }],
      reacquire: true,
      proposeTransferTo: '-',
      actor,
    },
    'confirm a:b=1 a%40b reacquire %2D',
  ],
  [{ kind: 'release', orderId: 'o', actor }, 'release * r* a%40b'],
  [
    { kind: 'release', orderId: 'o', lines: [{ sku: 'B', quantity: 1 }], releaseId: '*', actor },
    'release B=1 r#%2A a%40b',
  ],
  [{ kind: 'extend', orderId: 'o', holdMs: 1_000, actor }, 'extend 1000 a%40b'],
  [
    { kind: 'receive', movementId: 'M', ...item, quantity: 5, reason: '進 貨', actor },
    'receive %E8%8C%B6@w=5 =%E9%80%B2%20%E8%B2%A8 a%40b',
  ],
  [
    { kind: 'ship', movementId: 'M', ...item, quantity: 5, reason: '', orderId: 'o', actor },
    'ship %E8%8C%B6@w=5 - a%40b o',
  ],
  [
    { kind: 'correct', movementId: 'M', ...item, quantity: 5, reason: 'x', expectedVersion: 3, actor },
    'correct %E8%8C%B6@w=5 =x a%40b 3',
  ],
  [{ kind: 'set-safety-stock', ...item, quantity: 0, actor }, 'set-safety-stock %E8%8C%B6@w 0 a%40b'],
  [
    { kind: 'start-stocktake', stocktakeId: 'c', ...item, leaseMs: 1_000, actor },
    'start-stocktake %E8%8C%B6@w 1000 a%40b',
  ],
  [
    {
      kind: 'complete-stocktake',
      stocktakeId: 'c',
      ...item,
      counted: 4,
      reason: '',
      releasable: ['o', '-'],
      actor,
    },
    'complete-stocktake %E8%8C%B6@w 4 - o,%2D a%40b',
  ],
  [{ kind: 'cancel-stocktake', stocktakeId: 'c', ...item, actor }, 'cancel-stocktake %E8%8C%B6@w a%40b'],
  [
    {
      kind: 'dispatch-transfer',
      transferId: 'T',
      sku: '茶',
      from: 'w',
      to: '*',
      quantity: 2,
      reason: '',
      actor,
    },
    'dispatch-transfer %E8%8C%B6 w %2A 2 - a%40b',
  ],
  [
    { kind: 'receive-transfer', transferId: 'T', received: 1, rejected: 2, receiptId: 'r;s', actor },
    'receive-transfer 1 2 #r%3Bs a%40b',
  ],
  [{ kind: 'cancel-transfer', transferId: 'T', actor }, 'cancel-transfer a%40b'],
  [
    {
      kind: 'schedule-sale',
      saleId: 's',
      sku: '茶',
      opensAtMs: 1,
      closesAtMs: 2,
      quantity: 3,
      limitPerCustomer: 0,
      actor,
    },
    'schedule-sale %E8%8C%B6 1 2 3 0 a%40b',
  ],
  [{ kind: 'close-sale', saleId: 's', actor }, 'close-sale a%40b'],
  [{ kind: 'look-item', sku: '茶' }, 'look-item %E8%8C%B6'],
  [{ kind: 'look-reservation', orderId: 'o' }, 'look-reservation'],
  [{ kind: 'quarantine', ...item }, 'quarantine %E8%8C%B6@w'],
  [{ kind: 'trim', nonce: 'abcd2345', carriedTotal: 9, keepFrom: '2-7' }, 'trim abcd2345 9 2-7'],
  [{ kind: 'trim', nonce: 'abcd2345', carriedTotal: 9, keepFrom: undefined }, 'trim abcd2345 9 -'],
];

test.each(EXAMPLES.map(([command, text]) => [text, command] as const))(
  'a command is written as %s',
  (text, command) => {
    expect(encodeCommand(keys, command).text).toBe(text);
  },
);

test('any command is one line of printable ASCII, and so are its keys and its customer', () => {
  fc.assert(
    fc.property(sometimesNasty(randomCommand), (input) => {
      const { text, key, keys: others, customer = 'none' } = encodeCommand(keys, commandOf(input));
      expect(text).toMatch(/^[ -~]+$/);
      expect(text).not.toContain('  ');
      for (const word of [key, customer, ...others]) expect(word).toMatch(/^[!-~]+$/);
    }),
    RUNS,
  );
});

describe('the record of a movement', () => {
  test('begins with the words of its command, without the actor', () => {
    fc.assert(
      fc.property(sometimesNasty(randomCommand.filter(isMovement)), (input) => {
        const command = commandOf(input);
        if (!('movementId' in command)) return;
        const [kind, line, reason, , ...extra] = encodeCommand(keys, command).text.split(' ');
        expect(encodeMovementContent(command)).toBe([kind, line, reason, ...extra].join(' '));
      }),
      RUNS,
    );
  });
});

test('the customer of an order is sent separately, so that equal orders have equal texts', () => {
  const order = (orderId: string, customerId: string) =>
    encodeCommand(keys, {
      kind: 'reserve',
      orderId,
      customerId,
      lines: [{ ...item, quantity: 1 }],
      holdMs: 1,
      allocation: 'single',
      candidates: [],
      actor,
    });
  expect(order('o1', 'ann').text).toBe(order('o2', 'b b').text);
  expect(order('o2', 'b b').customer).toBe('b%20b');
});
