/**
 * What is not a command is told so, field by field, before anything is sent: the table of bad input.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMovement, readSafetyStock } from '../../src/domain/inputs/goods.ts';
import { readConfirm, readExtend, readId, readRelease, readReserve } from '../../src/domain/inputs/orders.ts';
import {
  HOLD_SECONDS_DEFAULT,
  HOLD_SECONDS_MAX,
  HOLD_SECONDS_MIN,
  isId,
  LINES_MAX,
  QUANTITY_MAX,
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

const line = { sku: 'TEA', quantity: 1 };
const order = { orderId: 'order-1', lines: [line] };
const receipt = { movementId: 'M-1', sku: 'TEA', warehouse: 'east', quantity: 1 };

const reserve = (input: Record<string, unknown>) => wrong(() => readReserve({ ...order, ...input } as never));
const receive = (input: Record<string, unknown>) =>
  wrong(() => readMovement('receive', { ...receipt, ...input } as never));

describe('ids', () => {
  test.each([...BAD_IDS, ...NO_IDS])('%j is no id, wherever one is wanted', (id) => {
    expect(reserve({ orderId: id })).toEqual(['orderId']);
    expect(reserve({ lines: [{ ...line, sku: id }] })).toEqual(['lines[0].sku']);
    expect(receive({ movementId: id })).toEqual(['movementId']);
    expect(receive({ warehouse: id })).toEqual(['warehouse']);
    expect(wrong(() => readId('sku', id))).toEqual(['sku']);
    if (id === undefined) return; // these may be left out
    expect(reserve({ actor: id })).toEqual(['actor']);
    expect(reserve({ lines: [{ ...line, warehouse: id }] })).toEqual(['lines[0].warehouse']);
    expect(wrong(() => readRelease({ orderId: 'o', releaseId: id as never }))).toEqual(['releaseId']);
    expect(reserve({ customerId: id })).toEqual(['customerId']);
    expect(reserve({ saleId: id })).toEqual(['saleId']);
    const propose = { orderId: 'o', proposeTransferTo: id as never };
    expect(wrong(() => readConfirm(propose))).toEqual(['proposeTransferTo']);
  });

  test.each(['a', '0', 'A-1', 'a.b_c:d-e', 'a'.repeat(64)])('%j is an id', (id) => {
    expect(reserve({ orderId: id, actor: id, lines: [{ sku: id, warehouse: id, quantity: 1 }] })).toEqual([]);
  });
});

describe('quantities', () => {
  test.each([...BAD_QUANTITIES, ...NO_QUANTITIES])('%s is no quantity of units', (quantity) => {
    expect(reserve({ lines: [{ sku: 'TEA', quantity }] })).toEqual(['lines[0].quantity']);
    expect(receive({ quantity })).toEqual(['quantity']);
    const lines = [{ sku: 'TEA', quantity: quantity as number }];
    expect(wrong(() => readConfirm({ orderId: 'o', lines }))).toEqual(['lines[0].quantity']);
    expect(wrong(() => readRelease({ orderId: 'o', lines }))).toEqual(['lines[0].quantity']);
  });

  test('zero never means all: to confirm or release all, lines are left out', () => {
    expect(wrong(() => readConfirm({ orderId: 'o', lines: [] }))).toEqual(['lines']);
    expect(wrong(() => readConfirm({ orderId: 'o', lines: [{ sku: 'TEA', quantity: 0 }] }))).toHaveLength(1);
    expect(readConfirm({ orderId: 'o' }).lines).toBeUndefined();
  });

  test('the limit itself is a quantity, and lines of one SKU are held to it together', () => {
    const half = { sku: 'TEA', quantity: QUANTITY_MAX / 2 };
    expect(reserve({ lines: [{ sku: 'TEA', quantity: QUANTITY_MAX }] })).toEqual([]);
    expect(reserve({ lines: [half, half] })).toEqual([]);
    expect(reserve({ lines: [half, half, line] })).toEqual(['lines']);
    expect(reserve({ lines: [{ ...half, warehouse: 'east' }, half, line] })).toEqual([]);
  });

  test('safety stock may be zero, which switches the alert off', () => {
    const read = (quantity: number) =>
      wrong(() => readSafetyStock({ sku: 'TEA', warehouse: 'east', quantity }));
    expect(read(0)).toEqual([]);
    expect(read(QUANTITY_MAX)).toEqual([]);
    for (const bad of [-1, 0.5, QUANTITY_MAX + 1, Number.NaN]) expect(read(bad)).toEqual(['quantity']);
  });
});

describe('lines', () => {
  test.each([undefined, null, 'TEA=1', {}, []])('%j is no list of lines', (lines) => {
    expect(reserve({ lines })).toEqual(['lines']);
  });

  test.each([null, undefined, 'TEA', 7])('%j is no line', (bad) => {
    expect(reserve({ lines: [line, bad] })).toEqual(['lines[1]']);
  });

  test('as many lines as the limit, and not one more, even if they are of one SKU', () => {
    expect(reserve({ lines: Array.from({ length: LINES_MAX }, () => line) })).toEqual([]);
    expect(reserve({ lines: Array.from({ length: LINES_MAX + 1 }, () => line) })).toEqual(['lines']);
  });

  test('every field that is wrong is named at once', () => {
    const lines = [{ sku: '', quantity: 0 }, line, { sku: 'TEA', warehouse: '', quantity: 1.5 }];
    expect(reserve({ orderId: '', lines, holdSeconds: 0, actor: '' })).toEqual([
      'orderId',
      'lines[0].sku',
      'lines[0].quantity',
      'lines[2].quantity',
      'lines[2].warehouse',
      'holdSeconds',
      'actor',
    ]);
  });
});

describe('time', () => {
  test.each([0, -1, 0.5, HOLD_SECONDS_MAX + 1, Number.NaN, '60', null])('%s is no hold', (holdSeconds) => {
    expect(reserve({ holdSeconds })).toEqual(['holdSeconds']);
    expect(wrong(() => readExtend({ orderId: 'o', holdSeconds } as never))).toEqual(['holdSeconds']);
  });

  test('BR-003: a hold lasts 30 minutes where nothing else is asked', () => {
    expect(readReserve(order).holdMs).toBe(30 * 60 * 1_000);
    expect(HOLD_SECONDS_DEFAULT).toBe(30 * 60);
    for (const holdSeconds of [HOLD_SECONDS_MIN, HOLD_SECONDS_MAX]) {
      expect(readReserve({ ...order, holdSeconds }).holdMs).toBe(holdSeconds * 1_000);
    }
  });

  test('an extension says how long', () => {
    expect(wrong(() => readExtend({ orderId: 'o' } as never))).toEqual(['holdSeconds']);
  });
});

describe('reasons', () => {
  test.each(BAD_REASONS)('%j is no reason', (reason) => {
    expect(receive({ reason })).toEqual(['reason']);
  });

  test.each(['', ...GOOD_REASONS])('%j is a reason', (reason) => {
    expect(receive({ reason })).toEqual([]);
  });
});

describe('where an order goes and who serves it', () => {
  test.each(['both', '', 'Split', null, true, 1])('%j is no allocation', (allocation) => {
    expect(reserve({ allocation })).toEqual(['allocation']);
  });

  test('an order is served from one warehouse where nobody says otherwise', () => {
    expect(readReserve(order).allocation).toBe('single');
    expect(readReserve({ ...order, allocation: 'split' }).allocation).toBe('split');
  });

  test.each([
    [null, ''],
    ['Taipei', ''],
    [7, ''],
    [[25, 121], ''],
    [{ latitude: 25 }, '.longitude'],
    [{ latitude: '25', longitude: 121 }, '.latitude'],
    [{ latitude: 91, longitude: 0 }, '.latitude'],
    [{ latitude: 0, longitude: 180.5 }, '.longitude'],
    [{ latitude: Number.NaN, longitude: 0 }, '.latitude'],
  ])('%j is no place to ship to', (shipTo, field) => {
    expect(reserve({ shipTo })).toEqual([`shipTo${field}`]);
  });

  test('warehouses are ranked for the place, where a line leaves open which one serves', () => {
    const shipTo = { latitude: 25, longitude: 121 };
    const ranked = readReserve({ ...order, shipTo }, (place) => [`near ${place.latitude}`]);
    expect(ranked.candidates).toEqual(['near 25']);
  });

  test('nobody is asked for a ranking where it would not be used, or the input is bad', () => {
    const asked = () => {
      throw new Error('was asked');
    };
    const shipTo = { latitude: 25, longitude: 121 };
    expect(readReserve(order, asked).candidates).toEqual([]);
    const named = { ...order, lines: [{ ...line, warehouse: 'east' }] };
    expect(readReserve({ ...named, shipTo }, asked).candidates).toEqual([]);
    expect(wrong(() => readReserve({ ...order, orderId: '', shipTo }, asked))).toEqual(['orderId']);
    const nowhere = { latitude: 99, longitude: 0 };
    expect(wrong(() => readReserve({ ...order, shipTo: nowhere }, asked))).toEqual(['shipTo.latitude']);
  });
});

describe('a payment', () => {
  test.each(['true', 1, 0, null, {}])(
    '%j does not say whether a late one takes the stock again',
    (reacquire) => {
      expect(wrong(() => readConfirm({ orderId: 'o', reacquire: reacquire as never }))).toEqual([
        'reacquire',
      ]);
    },
  );

  test('that is late takes nothing again where nobody asked for it', () => {
    expect(readConfirm({ orderId: 'o' })).toMatchObject({ reacquire: false, proposeTransferTo: undefined });
    expect(readConfirm({ orderId: 'o', reacquire: true, proposeTransferTo: 'east' })).toMatchObject({
      reacquire: true,
      proposeTransferTo: 'east',
    });
  });
});

test('what comes through keeps to the words of the language, whatever was sent', () => {
  const anything = fc.oneof(fc.anything(), anyId, fc.integer());
  const anyLines = fc.array(fc.record({ sku: anything, quantity: anything, warehouse: anything }));
  fc.assert(
    fc.property(anything, fc.oneof(anything, anyLines), anything, anything, (orderId, lines, hold, actor) => {
      const sent = { orderId, lines, holdSeconds: hold, actor } as never;
      if (wrong(() => readReserve(sent)).length > 0) return;
      const command = readReserve(sent);
      expect(isId(command.orderId)).toBe(true);
      expect(isId(command.actor)).toBe(true);
      expect(Number.isInteger(command.holdMs)).toBe(true);
      for (const { sku, warehouse, quantity } of command.lines) {
        expect(isId(sku)).toBe(true);
        if (warehouse !== undefined) expect(isId(warehouse)).toBe(true);
        expect(quantity >= 1 && quantity <= QUANTITY_MAX && Number.isInteger(quantity)).toBe(true);
      }
    }),
    { numRuns: HISTORIES },
  );
});
