/**
 * Goal: an import does every row once, however often it is run, reports what it could not do, and goes on. Method: a whole
 * Holdfast each, its figures before and after, and the independent comparison of hot path and ledger.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImportProgress } from '../../src/bulk/importing.ts';
import { type TestHoldfast, testHoldfast, until } from '../holdfast.ts';
import { importText, ledgerTotals, stockCsv, unitsOf } from './importer.ts';

let holdfast: TestHoldfast;
beforeEach(async () => {
  holdfast = await testHoldfast();
});
afterEach(() => holdfast.close());

const item = async (sku: string, warehouse: string) =>
  (await holdfast.ledger.read.item(sku, warehouse))?.item;
const versions = async () => {
  const items = await holdfast.ledger.read.items(undefined, 1_000);
  return items.map(({ item: one }) => `${one.sku}@${one.warehouse} ${one.version}`);
};

describe('stock', () => {
  test('every row is a receipt in hot path and ledger, under an id of the import and its row', async () => {
    const rows = 3_000;
    const result = await importText(holdfast, stockCsv(rows, 100), { name: 'opening' });
    expect(result).toMatchObject({ end: 'complete', name: 'opening' });
    expect(result.outcomes.counts).toEqual({ done: rows, replayed: 0, refused: 0, invalid: 0 });
    expect(result.reports.map(({ row, outcome }) => `${row} ${outcome}`)).toEqual(
      Array.from({ length: rows }, (_, i) => `${i + 1} done`),
    );
    expect(await ledgerTotals(holdfast)).toEqual({ items: rows, units: unitsOf(rows) });
    const { entries } = await holdfast.ledger.read.entries({ movementId: 'opening.00000042', limit: 10 });
    expect(entries).toMatchObject([{ sku: 'SKU-41', warehouse: 'wh-0', quantity: 42, actor: 'import' }]);
    expect((await holdfast.audit()).verdict).toBe('agree');
  });

  test('BR-006: the same content again changes nothing and says so; so does the same name', async () => {
    const text = stockCsv(500, 10);
    const first = await importText(holdfast, text);
    const before = await versions();
    const again = await importText(holdfast, text);
    expect(first.name).toMatch(/^import-[0-9a-f]{16}$/);
    expect(again.name).toBe(first.name);
    expect(again.outcomes.counts).toEqual({ done: 0, replayed: 500, refused: 0, invalid: 0 });
    const named = await importText(holdfast, `${text}\n`, { name: first.name });
    expect(named.outcomes.counts.replayed).toBe(500);
    expect(await versions()).toEqual(before);
    expect(await ledgerTotals(holdfast)).toEqual({ items: 500, units: unitsOf(500) });
  });

  test('BR-006: a row whose receipt the hot path has forgotten is known from the ledger, not booked as drift', async () => {
    const text = 'sku,warehouse,quantity,movementId\nTEA,east,5,m-1\nRICE,east,7,m-2\n';
    await importText(holdfast, text);
    await holdfast.redis.del(holdfast.keys.movement('m-1'), holdfast.keys.movement('m-2')); // their tombstones ended
    const again = await importText(holdfast, text.replace('RICE,east,7', 'RICE,east,8'));
    expect(again.reports).toMatchObject([
      { row: 1, outcome: 'replayed' },
      { row: 2, outcome: 'refused', code: 'movement-conflict' },
    ]);
    expect((await holdfast.audit()).verdict).toBe('agree');
    expect(await ledgerTotals(holdfast)).toEqual({ items: 2, units: 12 });
  });

  test('bad rows and refused rows are reported with what to do, and the others go on', async () => {
    await importText(holdfast, 'sku,warehouse,quantity,movementId\nFULL,east,1000000000,m-full\n');
    const result = await importText(
      holdfast,
      [
        'sku,warehouse,quantity,movementId',
        'TEA,east,5,',
        'white\ttea,east,x,',
        'TEA,east',
        'RICE,east,3,m-full',
        'FULL,east,1,',
        'RICE,east,4,',
      ].join('\n'),
      { name: 'second' },
    );
    expect(result.end).toBe('complete');
    expect(result.reports).toEqual([
      { row: 1, outcome: 'done' },
      {
        row: 2,
        outcome: 'invalid',
        detail: expect.stringMatching(/^sku: use 1 to 128 .*; quantity: use a whole .*, not "x"$/),
      },
      { row: 3, outcome: 'invalid', detail: expect.stringContaining('it has 2 cells and the header 4') },
      {
        row: 4,
        outcome: 'refused',
        code: 'movement-conflict',
        detail: expect.stringContaining('movementId of its own'),
      },
      {
        row: 5,
        outcome: 'refused',
        code: 'quantity-limit-exceeded',
        detail: expect.stringContaining('1000000000 units'),
      },
      { row: 6, outcome: 'done' },
    ]);
    expect((await item('RICE', 'east'))?.total).toBe(4);
  });

  test('corrected in their places and run again under the same name, only they are done', async () => {
    const text = 'sku,warehouse,quantity\nTEA,east,5\nRICE,east,oops\nSALT,east,2\n';
    await importText(holdfast, text, { name: 'opening' });
    const again = await importText(holdfast, text.replace('oops', '7'), { name: 'opening' });
    expect(again.reports.map(({ outcome }) => outcome)).toEqual(['replayed', 'done', 'replayed']);
    expect(await ledgerTotals(holdfast)).toEqual({ items: 3, units: 14 });
  });

  test('more failures than allowed end the run; what is done stays done', async () => {
    const rows = [
      'sku,warehouse,quantity',
      ...Array.from({ length: 50 }, (_, i) => `TEA-${i},east,${i < 3 ? 1 : 'x'}`),
    ];
    const result = await importText(holdfast, rows.join('\n'), { rejectsMax: 5 });
    expect(result.end).toBe('too-many-rejects');
    expect(result.outcomes.counts.done).toBe(3);
    expect(await ledgerTotals(holdfast)).toEqual({ items: 3, units: 3 });
  });

  test('BR-005: the safety stock of a row is set once, also where the run before ended in between, and never over a person', async () => {
    const text =
      'sku,warehouse,quantity,safetyStock\nTEA,east,5,2\nRICE,east,5,2\nSALT,east,5,2\nRICE,west,0,2\n';
    // An earlier run that ended between the receipt and the safety stock of its first two rows.
    for (const [i, sku] of ['TEA', 'RICE'].entries()) {
      await holdfast.hot.receive({
        movementId: `opening.0000000${i + 1}`,
        sku,
        warehouse: 'east',
        quantity: 5,
        actor: 'import',
      });
    }
    await holdfast.hot.setSafetyStock({ sku: 'RICE', warehouse: 'east', quantity: 9 });
    const result = await importText(holdfast, text, { name: 'opening' });
    expect(result.reports).toMatchObject([
      { row: 1, outcome: 'done', detail: expect.stringContaining('safety stock was still missing') },
      { row: 2, outcome: 'replayed', detail: expect.stringContaining('stays at 9') },
      { row: 3, outcome: 'done' },
      { row: 4, outcome: 'done', detail: 'quantity 0: nothing was received' },
    ]);
    expect((await item('TEA', 'east'))?.safetyStock).toBe(2);
    expect((await item('RICE', 'east'))?.safetyStock).toBe(9);
    expect((await item('SALT', 'east'))?.safetyStock).toBe(2);
    const before = await versions();
    await importText(holdfast, text, { name: 'opening' });
    expect(await versions()).toEqual(before);
  });
});

describe('warehouses', () => {
  const text = 'warehouse,name,latitude,longitude\neast,東倉,25.03,121.56\nwest,West,,\neast,Again,,\n';

  test('are written once; the same again says so, another name changes it', async () => {
    const first = await importText(holdfast, text, { what: 'warehouses' });
    expect(first.reports.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'invalid']);
    expect(await holdfast.ledger.warehouses()).toEqual([
      { id: 'east', name: '東倉', latitude: 25.03, longitude: 121.56 },
      { id: 'west', name: 'West', latitude: undefined, longitude: undefined },
    ]);
    const again = await importText(holdfast, text.replace('West', 'Far West'), { what: 'warehouses' });
    expect(again.reports.map(({ outcome }) => outcome)).toEqual(['replayed', 'done', 'invalid']);
    expect((await holdfast.ledger.warehouses())[1]?.name).toBe('Far West');
  });
});

describe('the ledger', () => {
  test('is waited for; without a worker the import gives up in its time, says why, and a later run finds all done', async () => {
    await holdfast.stopWorker();
    const text = stockCsv(200, 10);
    const result = await importText(holdfast, text, { giveUpAfterMs: 300 });
    expect(result.end).toBe('failed');
    expect(String(result.error)).toMatch(/the ledger is \d+ batches behind: is a worker running\?/);
    expect(result.outcomes.counts.done).toBe(200);
    await holdfast.startWorker();
    const again = await importText(holdfast, text);
    expect(again).toMatchObject({ end: 'complete', outcomes: { counts: { replayed: 200 } } });
    expect(await ledgerTotals(holdfast)).toEqual({ items: 200, units: unitsOf(200) });
  });

  test('is not waited for where nobody wants it', async () => {
    await holdfast.stopWorker();
    const result = await importText(holdfast, stockCsv(200, 10), { isLedgerAwaited: false });
    expect(result).toMatchObject({ end: 'complete', outcomes: { counts: { done: 200 } } });
  });

  test('that lags behind holds the import back, so that the sales keep the better part of the backlog', async () => {
    await holdfast.stopWorker();
    const rows = 10_000;
    const progress: ImportProgress = { outcomes: undefined, retry: undefined, ledgerBehind: undefined };
    const result = importText(holdfast, stockCsv(rows, 100), { backlogEventsMax: 8_000, progress });
    await until(() => /events behind/.test(progress.retry?.trouble ?? ''));
    const { backlogEvents } = await holdfast.hot.sweep(0);
    expect(backlogEvents).toBeGreaterThan(2_000);
    expect(backlogEvents).toBeLessThan(5_000);
    await holdfast.startWorker();
    expect(await result).toMatchObject({ end: 'complete', outcomes: { counts: { done: rows } } });
    expect(await ledgerTotals(holdfast)).toEqual({ items: rows, units: unitsOf(rows) });
  });
});
