/**
 * Goal: a file becomes records whatever it is like: how it is cut into pieces, quoted, encoded, broken. Method: texts in
 * pieces of every size, and what is wrong is reported with its row.
 */
import { describe, expect, test } from 'vitest';
import { csvRecords } from '../../src/bulk/csv-records.ts';
import { ndjsonRecords } from '../../src/bulk/ndjson-records.ts';
import type { BulkRecord, Columns } from '../../src/bulk/records.ts';
import { readStockRow, STOCK_COLUMNS } from '../../src/bulk/stock-rows.ts';
import { readWarehouseRow } from '../../src/bulk/warehouse-rows.ts';

type Read = (bytes: AsyncIterable<Buffer>, columns: Columns) => AsyncGenerator<BulkRecord[]>;

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function recordsIn(read: Read, text: string | Buffer, size = 7): Promise<BulkRecord[]> {
  const records: BulkRecord[] = [];
  for await (const page of read(inPieces(Buffer.from(text), size), STOCK_COLUMNS)) records.push(...page);
  return records;
}

describe('CSV', () => {
  const csv = (text: string | Buffer, size?: number) => recordsIn(csvRecords, text, size);

  test('columns may stand in any order and case, cells that are empty are absent, numbers are numbers', async () => {
    const records = await csv(
      'Quantity,SKU,reason,Warehouse,movementid\n5,TEA,,east,m-1\n007,007,"a, ""b""",west,\n',
    );
    expect(records).toEqual([
      { row: 1, fields: { sku: 'TEA', warehouse: 'east', quantity: 5, movementId: 'm-1' } },
      { row: 2, fields: { sku: '007', warehouse: 'west', quantity: 7, reason: 'a, "b"' } },
    ]);
  });

  test('the same records come out of pieces of any size, of a file with a byte order mark, CRLF and blank lines', async () => {
    const text =
      '\ufeffsku,warehouse,quantity,reason\r\n\r\nTEA,east,5,茶葉\r\nRICE,"we\nst",1,x\r\n\r\nSALT,east,2,';
    const whole = await csv(text, 10_000);
    expect(whole.map(({ row }) => row)).toEqual([1, 2, 3]);
    expect(whole[0]?.fields.reason).toBe('茶葉');
    for (let size = 1; size < 40; size++) expect(await csv(text, size)).toEqual(whole);
  });

  test.each([
    ['', 'the file is empty'],
    ['sku;warehouse;quantity\n', '"sku;warehouse;quantity" is no field'],
    ['sku,warehouse\n', 'quantity is missing'],
    ['sku,sku,warehouse,quantity\n', 'sku stands there twice'],
    ['sku,warehouse,qty\n', '"qty" is no field of these rows; there are sku, warehouse, quantity'],
  ])('a header that is wrong is told, with what it should be: %j', async (text, words) => {
    await expect(csv(text)).rejects.toThrow(words);
    await expect(csv(text)).rejects.toThrow('sku, warehouse, quantity');
  });

  test('a record with too few or too many cells is reported and the next one follows; so is a stray quote', async () => {
    const records = await csv(
      'sku,warehouse,quantity\nTEA,east\nTEA,east,5,x\nT"EA,east,5\n"TEA"x,east,5\nRICE,east,5\n',
    );
    expect(records.map(({ problem }) => problem?.slice(0, 16))).toEqual([
      'it has 2 cells a',
      'it has 4 cells a',
      undefined,
      undefined,
      undefined,
    ]);
    expect(records.map(({ fields }) => fields.sku)).toEqual([undefined, undefined, 'T"EA', '"TEA"x', 'RICE']);
  });

  test('a quote that is left open ends the reading, at the end of the file and before it fills the memory', async () => {
    await expect(csv('sku,warehouse,quantity\nTEA,"east,5\nRICE,east,5\n')).rejects.toThrow(
      /quote \("\) left open/,
    );
    const endless = `sku,warehouse,quantity\nTEA,"${'east,5\n'.repeat(20_000)}`;
    await expect(csv(endless, 16_384)).rejects.toThrow(/longer than 65536 bytes/);
  });

  test('what stood before a quote that is left open has come out', async () => {
    const rows: number[] = [];
    const read = async () => {
      const text = Buffer.from('sku,warehouse,quantity\nTEA,east,5\nRICE,east,5\nSALT,"east,5\n');
      for await (const page of csvRecords(inPieces(text, 8), STOCK_COLUMNS))
        rows.push(...page.map(({ row }) => row));
    };
    await expect(read()).rejects.toThrow(/left open/);
    expect(rows).toEqual([1, 2]);
  });
});

describe('NDJSON', () => {
  const ndjson = (text: string | Buffer, size?: number) => recordsIn(ndjsonRecords, text, size);

  test('the same records come out of pieces of any size; null is absent, blank lines count for nothing', async () => {
    const text =
      '\ufeff{"sku":"TEA","warehouse":"east","quantity":5,"reason":"茶葉"}\r\n\n{"sku":"RICE","reason":null,"total":7}';
    const whole = await ndjson(text, 10_000);
    expect(whole).toEqual([
      { row: 1, fields: { sku: 'TEA', warehouse: 'east', quantity: 5, reason: '茶葉' } },
      { row: 2, fields: { sku: 'RICE' } },
    ]);
    for (let size = 1; size < 40; size++) expect(await ndjson(text, size)).toEqual(whole);
  });

  test('a line that is no object, has another field, or does not end is reported; the next one follows', async () => {
    const long = `{"sku":"${'x'.repeat(200_000)}"}`;
    const lines = ['{"sku":', '[1]', '7', '{"qty":1}', long, '{"sku":"TEA"}'];
    const records = await ndjson(`${lines.join('\n')}\n`, 16_384);
    expect(records.map(({ row, problem }) => [row, problem?.slice(0, 20)])).toEqual([
      [1, 'it is no JSON: Unexp'],
      [2, 'it is no JSON object'],
      [3, 'it is no JSON object'],
      [4, '"qty" is no field of'],
      [5, 'it is longer than 65'],
      [6, undefined],
    ]);
  });
});

describe('rows of stock', () => {
  const good = { sku: 'TEA', warehouse: 'east', quantity: 5 };

  test('a good one is a receipt under its own id, or under the one it is given', () => {
    const row = { ...good, reason: '', safetyStock: undefined };
    expect(readStockRow(good, 'opening.00000001')).toEqual({
      ...row,
      movementId: 'opening.00000001',
      hasOwnId: false,
    });
    expect(readStockRow({ ...good, movementId: 'm-1' }, 'opening.00000001')).toEqual({
      ...row,
      movementId: 'm-1',
      hasOwnId: true,
    });
  });

  test.each([
    ['sku', undefined],
    ['sku', 'white\ttea'],
    ['sku', 7],
    ['warehouse', ''],
    ['quantity', undefined],
    ['quantity', -1],
    ['quantity', 1.5],
    ['quantity', 1_000_000_001],
    ['quantity', '5'],
    ['quantity', Number.NaN],
    ['safetyStock', -1],
    ['safetyStock', 'ten'],
    ['movementId', ' a'],
    ['reason', 'x'.repeat(201)],
    ['reason', 'two\nlines'],
    ['reason', 'no \ufffd UTF-8'],
  ])('%s %j is told by its name', (field, value) => {
    const issues = readStockRow({ ...good, [field]: value }, 'm-1');
    expect(issues).toEqual([{ path: field, message: expect.stringMatching(/^(use|save) /) }]);
  });
});

describe('rows of warehouses', () => {
  test('a name is needed, a place is not', () => {
    expect(readWarehouseRow({ warehouse: 'east', name: '東倉' })).toEqual({ id: 'east', name: '東倉' });
    const place = { latitude: 25.03, longitude: 121.56 };
    expect(readWarehouseRow({ warehouse: 'east', name: 'E', ...place })).toEqual({
      id: 'east',
      name: 'E',
      ...place,
    });
  });

  test.each([
    [{ name: 'East' }, 'warehouse'],
    [{ warehouse: 'east' }, 'name'],
    [{ warehouse: 'east', name: ' ' }, 'name'],
    [{ warehouse: 'east', name: 'x'.repeat(201) }, 'name'],
    [{ warehouse: 'east', name: 'East', latitude: 1 }, 'latitude, longitude'],
    [{ warehouse: 'east', name: 'East', latitude: 91, longitude: 0 }, 'latitude, longitude'],
    [{ warehouse: 'east', name: 'East', latitude: '1', longitude: 0 }, 'latitude, longitude'],
  ])('%j is refused for its %s', (fields, path) => {
    expect(readWarehouseRow(fields)).toEqual([expect.objectContaining({ path })]);
  });
});
