/**
 * What is not a command of warehouse people or sellers is told so, field by field, before anything is sent.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  readCancelStocktake,
  readCancelTransfer,
  readCloseSale,
  readCompleteStocktake,
  readDispatchTransfer,
  readMovement,
  readReceiveTransfer,
  readSafetyStock,
  readScheduleSale,
  readStartStocktake,
} from '../../src/domain/inputs/goods.ts';
import {
  ACTOR_DEFAULT,
  isId,
  LEASE_SECONDS_DEFAULT,
  LEASE_SECONDS_MAX,
  LEASE_SECONDS_MIN,
  MOVEMENT_KINDS,
  type MovementKind,
  QUANTITY_MAX,
  SHORTFALL_RELEASES_MAX,
} from '../../src/domain/language.ts';
import {
  BAD_IDS,
  BAD_QUANTITIES,
  BAD_REASONS,
  GOOD_REASONS,
  NO_IDS,
  NO_QUANTITIES,
  wrong,
} from './bad-input.ts';
import { HISTORIES } from './histories.ts';
import { anyId } from './ids.ts';

const item = { sku: 'TEA', warehouse: 'east' };
const count = { stocktakeId: 'C-1', ...item };

/** Each reader with an input that is right. */
const READERS = {
  receive: [(input: never) => readMovement('receive', input), { movementId: 'M', ...item, quantity: 1 }],
  issue: [
    (input: never) => readMovement('issue', input),
    { movementId: 'M', ...item, quantity: 1, reason: 'r' },
  ],
  ship: [(input: never) => readMovement('ship', input), { movementId: 'M', ...item, quantity: 1 }],
  return: [(input: never) => readMovement('return', input), { movementId: 'M', ...item, quantity: 1 }],
  'write-off': [
    (input: never) => readMovement('write-off', input),
    { movementId: 'M', ...item, quantity: 1, reason: 'r' },
  ],
  correct: [
    (input: never) => readMovement('correct', input),
    { movementId: 'M', ...item, quantity: 1, reason: 'r', expectedVersion: 1 },
  ],
  'set-safety-stock': [readSafetyStock, { ...item, quantity: 1 }],
  'start-stocktake': [readStartStocktake, count],
  'complete-stocktake': [readCompleteStocktake, { ...count, counted: 1 }],
  'cancel-stocktake': [readCancelStocktake, count],
  'dispatch-transfer': [
    readDispatchTransfer,
    { transferId: 'T', sku: 'TEA', from: 'east', to: 'west', quantity: 1 },
  ],
  'receive-transfer': [readReceiveTransfer, { transferId: 'T', received: 1 }],
  'cancel-transfer': [readCancelTransfer, { transferId: 'T' }],
  'schedule-sale': [readScheduleSale, { saleId: 'S', sku: 'TEA', opensAtMs: 1, closesAtMs: 2, quantity: 1 }],
  'close-sale': [readCloseSale, { saleId: 'S' }],
} as const;
type Kind = keyof typeof READERS;
const KINDS = Object.keys(READERS) as Kind[];

function read(kind: Kind, fields: Record<string, unknown> = {}): object {
  const [reader, input] = READERS[kind];
  return (reader as (input: never) => object)({ ...input, ...fields } as never);
}

/** What is wrong with the right input of a kind where these fields are other. */
function told(kind: Kind, fields: Record<string, unknown> = {}): string[] {
  return wrong(() => read(kind, fields));
}
const takes = (kind: Kind, field: string) => field in READERS[kind][1];

describe('every reader', () => {
  test.each(KINDS)('%s takes what is right, and acts for the default where nobody is named', (kind) => {
    expect(read(kind)).toMatchObject({ ...READERS[kind][1], kind, actor: ACTOR_DEFAULT });
  });

  test.each([...BAD_IDS, ...NO_IDS])('takes no %j for an id', (id) => {
    const wanted = ['movementId', 'stocktakeId', 'transferId', 'saleId', 'sku', 'warehouse', 'from', 'to'];
    for (const kind of KINDS) {
      for (const field of wanted)
        if (takes(kind, field)) expect(told(kind, { [field]: id })).toEqual([field]);
      if (id !== undefined) expect(told(kind, { actor: id })).toEqual(['actor']);
    }
    if (id === undefined) return;
    for (const kind of ['ship', 'return', 'write-off'] as const) {
      expect(told(kind, { orderId: id })).toEqual(['orderId']);
    }
    expect(told('receive-transfer', { receiptId: id })).toEqual(['receiptId']);
    expect(told('complete-stocktake', { releasable: ['order-1', id] })).toEqual(['releasable[1]']);
  });

  test.each([...BAD_QUANTITIES, ...NO_QUANTITIES])('takes no %s for a quantity of units', (quantity) => {
    for (const kind of KINDS.filter((kind) => takes(kind, 'quantity'))) {
      const mayBeNone = kind === 'correct' || kind === 'set-safety-stock';
      expect(told(kind, { quantity }), kind).toEqual(quantity === 0 && mayBeNone ? [] : ['quantity']);
    }
    expect(told('complete-stocktake', { counted: quantity })).toEqual(quantity === 0 ? [] : ['counted']);
  });

  test('names everything that is wrong at once', () => {
    expect(
      told('correct', { movementId: '', sku: 7, quantity: -1, reason: 'a\nb', expectedVersion: 1.5 }),
    ).toEqual(['movementId', 'sku', 'quantity', 'reason', 'expectedVersion']);
    expect(told('dispatch-transfer', { transferId: '', from: '', to: '', quantity: 0, actor: '' })).toEqual([
      'transferId',
      'from',
      'to',
      'quantity',
      'actor',
    ]);
  });
});

describe('movements', () => {
  const NEED_REASON: readonly MovementKind[] = ['issue', 'write-off', 'correct'];

  test('every kind has a reader here', () => {
    expect(KINDS).toEqual(expect.arrayContaining([...MOVEMENT_KINDS]));
  });

  test.each(MOVEMENT_KINDS)('%s takes a reason, and asks for one where the ledger must say why', (kind) => {
    for (const reason of BAD_REASONS) expect(told(kind, { reason })).toEqual(['reason']);
    for (const reason of GOOD_REASONS) expect(told(kind, { reason })).toEqual([]);
    for (const reason of [undefined, '', '  ']) {
      expect(told(kind, { reason })).toEqual(NEED_REASON.includes(kind) ? ['reason'] : []);
    }
  });

  test.each([-1, 1.5, Number.NaN, '3', null, undefined, 2 ** 53])(
    'a correction does not go by version %s',
    (expectedVersion) => {
      expect(told('correct', { expectedVersion })).toEqual(['expectedVersion']);
      expect(told('issue', { expectedVersion })).toEqual([]);
    },
  );
});

describe('stocktakes', () => {
  test.each([LEASE_SECONDS_MIN - 1, LEASE_SECONDS_MAX + 1, 1.5, Number.NaN, '60', null])(
    '%s is no lease',
    (leaseSeconds) => {
      expect(told('start-stocktake', { leaseSeconds })).toEqual(['leaseSeconds']);
    },
  );

  test('BR-007: a lock lasts 15 minutes where nothing else is asked, and 4 hours at most', () => {
    const leaseMs = (leaseSeconds?: number) => readStartStocktake({ ...count, leaseSeconds }).leaseMs;
    expect(leaseMs()).toBe(15 * 60 * 1_000);
    expect(LEASE_SECONDS_DEFAULT).toBe(15 * 60);
    expect(leaseMs(LEASE_SECONDS_MAX)).toBe(4 * 60 * 60 * 1_000);
    expect(leaseMs(LEASE_SECONDS_MIN)).toBe(1_000);
  });

  test.each([7, 'order-1', {}, true])('%j is no list of holds that may be released', (releasable) => {
    expect(told('complete-stocktake', { releasable })).toEqual(['releasable']);
  });

  test('no more holds may be released than the limit, the first of the list', () => {
    const orders = Array.from({ length: SHORTFALL_RELEASES_MAX + 1 }, (_, i) => `order-${i}`);
    const command = readCompleteStocktake({ ...count, counted: 0, releasable: orders });
    expect(command.releasable).toEqual(orders.slice(0, -1));
    expect(readCompleteStocktake({ ...count, counted: 0 }).releasable).toEqual([]);
  });
});

describe('transfers', () => {
  test('a transfer goes to another warehouse', () => {
    expect(told('dispatch-transfer', { to: 'east' })).toEqual(['to']);
  });

  test.each([-1, 1.5, Number.NaN, '1', QUANTITY_MAX + 1])('%s units do not arrive', (units) => {
    expect(told('receive-transfer', { received: units })).toEqual(['received']);
    expect(told('receive-transfer', { rejected: units })).toEqual(['rejected']);
  });

  test('a receipt says that something arrived, sound or not', () => {
    expect(told('receive-transfer', { received: 0 })).toEqual(['received']);
    expect(told('receive-transfer', { received: 0, rejected: 0 })).toEqual(['received']);
    expect(told('receive-transfer', { received: 0, rejected: 1 })).toEqual([]);
    expect(told('receive-transfer', { received: undefined, rejected: 1 })).toEqual(['received']);
  });

  test('what arrives is held to the limit together, sound and rejected', () => {
    expect(told('receive-transfer', { received: QUANTITY_MAX })).toEqual([]);
    expect(told('receive-transfer', { received: QUANTITY_MAX, rejected: 1 })).toEqual(['received']);
  });
});

describe('sales', () => {
  test.each([0, -1, 1.5, Number.NaN, '2026-11-11', null, undefined, 253_402_300_800_000])(
    '%s is no time',
    (ms) => {
      expect(told('schedule-sale', { opensAtMs: ms })).toEqual(['opensAtMs']);
      expect(told('schedule-sale', { closesAtMs: ms })).toEqual(['closesAtMs']);
    },
  );

  test('a sale closes later than it opens', () => {
    expect(told('schedule-sale', { opensAtMs: 5, closesAtMs: 5 })).toEqual(['closesAtMs']);
    expect(told('schedule-sale', { opensAtMs: 5, closesAtMs: 4 })).toEqual(['closesAtMs']);
    expect(told('schedule-sale', { opensAtMs: 5, closesAtMs: 6 })).toEqual([]);
  });

  test.each([-1, 1.5, Number.NaN, '2', null, QUANTITY_MAX + 1])('%s is no limit for a customer', (limit) => {
    expect(told('schedule-sale', { limitPerCustomer: limit })).toEqual(['limitPerCustomer']);
  });

  test('a sale has no limit for a customer where none is named', () => {
    const sale = { saleId: 'S', sku: 'TEA', opensAtMs: 1, closesAtMs: 2, quantity: 1 };
    expect(readScheduleSale(sale).limitPerCustomer).toBe(0);
    expect(readScheduleSale({ ...sale, limitPerCustomer: 2 }).limitPerCustomer).toBe(2);
  });
});

test('what comes through keeps to the words of the language, whatever was sent', () => {
  const anything = fc.oneof(fc.anything(), anyId, fc.integer(), fc.constantFrom(0, 1, 2));
  const fields = fc.dictionary(
    fc.constantFrom(
      'sku',
      'quantity',
      'counted',
      'received',
      'rejected',
      'leaseSeconds',
      'actor',
      'releasable',
    ),
    anything,
  );
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), fields, (kind, sent) => {
      if (told(kind, sent).length > 0) return;
      const command = new Map<string, unknown>(Object.entries(read(kind, sent)));
      expect(isId(command.get('actor'))).toBe(true);
      for (const figure of ['quantity', 'counted', 'received', 'rejected', 'leaseMs']) {
        const value = command.get(figure) ?? 0;
        expect(Number.isSafeInteger(value) && Number(value) >= 0).toBe(true);
      }
    }),
    { numRuns: HISTORIES },
  );
});
