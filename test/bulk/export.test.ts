/**
 * Goal: what leaves is whole, of one instant, and comes back in. Method: a whole Holdfast with orders in every state, its
 * tables as CSV and NDJSON, and a second one that imports them.
 */
import { readFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ExportProgress, exportTo, exportToFile } from '../../src/bulk/exporting.ts';
import type { BulkFormat } from '../../src/bulk/records.ts';
import type { Extract } from '../../src/ledger/read/extracts.ts';
import { NASTY_IDS } from '../domain/ids.ts';
import { type TestHoldfast, testHoldfast } from '../holdfast.ts';
import { importText, temporaryPath } from './importer.ts';

async function givenHoldfast(): Promise<TestHoldfast> {
  const holdfast = await testHoldfast();
  onTestFinished(() => holdfast.close());
  return holdfast;
}

async function exported(
  holdfast: TestHoldfast,
  extract: Extract,
  format: BulkFormat = 'csv',
  pageRowsMax = 2,
): Promise<string> {
  const parts: string[] = [];
  const output = new Writable({
    write(chunk, _, done) {
      parts.push(String(chunk));
      done();
    },
  });
  const progress: ExportProgress = { rows: 0, asOfMs: undefined };
  await exportTo(output, holdfast.ledger.extract(extract, pageRowsMax), format, progress);
  return parts.join('');
}

/** The first columns of each row, header included. */
const cut = (csv: string, columns: number): string[] =>
  (parse(csv) as string[][]).map((cells) => cells.slice(0, columns).join(' '));

/** Three items; of one, units are held and sold, and of one nothing is left. */
async function givenSales(): Promise<TestHoldfast> {
  const holdfast = await givenHoldfast();
  const text =
    'sku,warehouse,quantity,safetyStock,reason\nTEA,east,10,3,"opening, ""2025"""\nTEA,west,4,,\nRICE,east,2,,\n';
  await importText(holdfast, text, { name: 'opening' });
  const line = (sku: string, warehouse: string, quantity: number) => ({ sku, warehouse, quantity });
  await holdfast.hot.reserve({ orderId: 'order-1', lines: [line('TEA', 'east', 3), line('TEA', 'west', 1)] });
  await holdfast.hot.reserve({
    orderId: 'order-2',
    lines: [line('RICE', 'east', 2), line('TEA', 'east', 1)],
  });
  await holdfast.hot.confirm({ orderId: 'order-2' });
  await holdfast.working().writeBehind.drained();
  return holdfast;
}

describe('stock', () => {
  test('says what may be sold, and what there is beside it', async () => {
    const holdfast = await givenSales();
    expect(cut(await exported(holdfast, 'stock'), 7)).toEqual([
      'sku warehouse quantity safetyStock total reserved sold',
      'RICE east 0 0 2 0 2',
      'TEA east 6 3 10 3 1',
      'TEA west 3 0 4 1 0',
    ]);
  });

  test.each(['csv', 'ndjson'] as const)(
    'goes as %s into an empty system, which then exports the same',
    async (format) => {
      const from = await givenSales();
      const text = await exported(from, 'stock', format);
      const to = await givenHoldfast();
      const result = await importText(to, text, { format });
      expect(result.outcomes.counts).toEqual({ done: 3, replayed: 0, refused: 0, invalid: 0 });
      // What is sold out makes no item.
      const before = cut(await exported(from, 'stock'), 4).filter((row) => row !== 'RICE east 0 0');
      expect(cut(await exported(to, 'stock'), 4)).toEqual(before);
      expect((await to.audit()).verdict).toBe('agree');
    },
  );
});

describe('ids of every kind', () => {
  const ids = NASTY_IDS.map((id) => id.normalize('NFC'));

  test.each(['csv', 'ndjson'] as const)('leave as %s and come back byte for byte', async (format) => {
    const from = await givenHoldfast();
    const rows = ids.map((sku, i) => [sku, ids.at(-1 - i), 1 + i, `${[...sku].slice(0, 20).join('')} #${i}`]);
    const csv = stringify([['sku', 'warehouse', 'quantity', 'movementId'], ...rows]);
    const first = await importText(from, `\ufeff${csv}`);
    expect(first.reports.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
    const text = await exported(from, 'stock', format);
    for (const id of ids)
      expect(text).toContain(format === 'csv' ? id.replaceAll('"', '""') : JSON.stringify(id));
    const to = await givenHoldfast();
    await importText(to, text, { format, name: '期初 2025/01 "一"' });
    const columns = (holdfast: TestHoldfast) => exported(holdfast, 'stock').then((all) => cut(all, 3));
    expect(await columns(to)).toEqual(await columns(from));
    expect(await columns(to)).toHaveLength(1 + ids.length);
    // The name of the import is an id as well, so the same rows again are known by it.
    const again = await importText(to, text, { format, name: '期初 2025/01 "一"' });
    expect(again.outcomes.counts).toMatchObject({ replayed: ids.length, done: 0 });
    expect((await to.audit()).verdict).toBe('agree');
  });
});

test('warehouses go out and in as they are, whatever they are called', async () => {
  const from = await givenHoldfast();
  for (const warehouse of [
    { id: 'east', name: '東倉, "the first"', latitude: 25.0330001, longitude: -121.5 },
    { id: 'west', name: '=1+1', latitude: undefined, longitude: undefined },
  ]) {
    await from.ledger.putWarehouse(warehouse);
  }
  for (const format of ['csv', 'ndjson'] as const) {
    const to = await givenHoldfast();
    await importText(to, await exported(from, 'warehouses', format), { what: 'warehouses', format });
    expect(await to.ledger.warehouses()).toEqual(await from.ledger.warehouses());
  }
});

test('holds are those that are open, line by line, with their deadline', async () => {
  const holdfast = await givenSales();
  const rows = parse(await exported(holdfast, 'holds'), { columns: true }) as Record<string, string>[];
  expect(rows.map(({ orderId, sku, warehouse, quantity }) => [orderId, sku, warehouse, quantity])).toEqual([
    ['order-1', 'TEA', 'east', '3'],
    ['order-1', 'TEA', 'west', '1'],
  ]);
  expect(Date.parse(rows[0]?.expiresAt ?? '') - Date.parse(rows[0]?.reservedAt ?? '')).toBe(1_800_000);
});

test('the ledger comes whole and in order, with texts as they were written', async () => {
  const holdfast = await givenSales();
  const csv = parse(await exported(holdfast, 'ledger'), { columns: true }) as Record<string, string>[];
  const ndjson = (await exported(holdfast, 'ledger', 'ndjson')).trim().split('\n');
  const entries = ndjson.map((line) => JSON.parse(line) as Record<string, unknown>);
  const ids = entries.map(({ id }) => id as number);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  expect(csv.map(({ id }) => Number(id))).toEqual(ids);
  expect(entries[0]).toMatchObject({
    type: 'InventoryReceived',
    sku: 'TEA',
    movementId: 'opening.00000001',
    reason: 'opening, "2025"',
    totalBefore: 0,
    totalAfter: 10,
    actor: 'import',
  });
  expect(csv[0]?.reason).toBe('opening, "2025"');
  expect(entries[0]).not.toHaveProperty('orderId'); // absent, not null
});

test('rows are of one instant: what is decided while they are read does not show', async () => {
  const holdfast = await givenSales();
  const pages = holdfast.ledger.extract('stock', 1);
  const first = await pages.next();
  await importText(holdfast, 'sku,warehouse,quantity\nTEA,west,100\nZINC,east,1\n', { name: 'later' });
  const rest: unknown[] = [];
  for await (const { rows } of pages) rest.push(...rows.map((row) => row.slice(0, 3)));
  expect(first.done).toBe(false);
  expect(rest).toEqual([
    ['TEA', 'east', 6],
    ['TEA', 'west', 3],
  ]);
});

test('a file has its name only when it is whole; an empty table is a header', async () => {
  const holdfast = await givenHoldfast();
  const progress: ExportProgress = { rows: 0, asOfMs: undefined };
  const path = temporaryPath('.csv');
  async function* broken() {
    yield* holdfast.ledger.extract('stock');
    throw new Error('the ledger went away');
  }
  await expect(exportToFile(path, broken(), 'csv', progress)).rejects.toThrow('went away');
  await expect(readFile(path)).rejects.toThrow('ENOENT');
  await expect(readFile(`${path}.partial`)).rejects.toThrow('ENOENT');
  await exportToFile(path, holdfast.ledger.extract('stock'), 'csv', progress);
  expect(await readFile(path, 'utf8')).toMatch(/^sku,warehouse,quantity,safetyStock,.*\n$/);
});
