/**
 * Goal: `npm run import` and `npm run export` as a person meets them: exit codes, words, standard input and output.
 * Method: real processes against a whole Holdfast.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBulkFile } from '../../src/bulk/bulk-file.ts';
import { readImportCall } from '../../src/bulk/import-call.ts';
import { type TestHoldfast, testHoldfast } from '../holdfast.ts';
import { builtProgram, testRedisUrl } from '../services.ts';
import { fileWith, ledgerTotals, stockCsv, temporaryPath } from './importer.ts';

let holdfast: TestHoldfast;
beforeAll(async () => {
  holdfast = await testHoldfast();
});
afterAll(() => holdfast.close());

function start(program: 'import' | 'export', args: readonly string[]) {
  const { control } = holdfast.keys;
  return spawn(process.execPath, [builtProgram(program), ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      REDIS_URL: testRedisUrl(),
      DATABASE_URL: holdfast.databaseUrl,
      HOLDFAST_PREFIX: control.slice(0, control.indexOf('{')),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

async function run(program: 'import' | 'export', args: readonly string[], input = '') {
  const child = start(program, args);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  child.stdin.on('error', () => {}); // who does not read its input may close it
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code: code as number | null, out, err };
}

describe('import', () => {
  test('reports what was done, and the second time that nothing was changed', async () => {
    const path = await fileWith('sku,warehouse,quantity\nTEA,east,5\nRICE,east,7\n');
    const first = await run('import', ['stock', path]);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toMatch(/: 2 rows in .*: done 2, replayed 0, refused 0, invalid 0\n$/);
    const again = await run('import', ['stock', path]);
    expect(again.code).toBe(0);
    expect(again.out).toMatch(/replayed 2, .*\nAll of it was imported before; nothing was changed\.\n$/);
  });

  test('ends with 1 where rows failed, names them, and says how to go on', async () => {
    const path = await fileWith('sku,warehouse,quantity\nSALT,east,5\nSALT,west,much\n');
    const results = temporaryPath('.ndjson');
    const { code, out } = await run('import', ['stock', path, '--name', 'salt', '--results', results]);
    expect(code).toBe(1);
    expect(out).toContain('row 2 invalid: quantity: use a whole number from 0 to 1000000000, not "much"');
    expect(out).toContain('run it again with --name salt');
    expect((await readFile(results, 'utf8')).trim().split('\n')).toHaveLength(2);
  });

  test('checks without sending, also where there is no Holdfast', async () => {
    const path = await fileWith('{"sku":"DRY","warehouse":"east","quantity":5}\n{"sku":"DRY"}\n', '.ndjson');
    const { code, out } = await run('import', ['stock', path, '--dry-run']);
    expect(code).toBe(1);
    expect(out).toContain('valid 1, invalid 1; nothing was sent');
    expect((await holdfast.hot.item('DRY')).outcome).toBe('refused');
  });

  test('reads standard input under a name, and asks for one', async () => {
    const text = 'sku,warehouse,quantity\nPIPED,east,5\n';
    const nameless = await openBulkFile('-', Readable.from([text]));
    await expect(nameless.digest()).rejects.toThrow('give the import a --name');
    const named = await run('import', ['stock', '-', '--name', 'piped', '--json'], text);
    expect(named.code).toBe(0);
    expect(JSON.parse(named.out)).toMatchObject({ name: 'piped', end: 'complete', rows: 1, done: 1 });
  });

  test('ends with 2 and words where a call cannot be', async () => {
    const { code, err } = await run('import', ['stock', '/nowhere.csv']);
    expect(code).toBe(2);
    expect(err).toMatch(/nowhere\.csv cannot be read/);
    expect(err).not.toContain('    at ');
  });

  test.each([
    [['stock'], /say what and from where/],
    [['prices', 'x.csv'], /say what and from where/],
    [['stock', 'x.csv', '--name', ' blank'], /--name: use 1 to 128 printable/],
    [['stock', 'x.csv', '--name', '名'.repeat(120)], /at most 119/],
    [['stock', 'x.csv', '--format', 'xml'], /--format: there are csv and ndjson/],
    [['stock', 'x.csv', '--rejects-max', '-1'], /--rejects-max/],
    [['stock', 'x.csv', '--sort'], /--sort/],
  ])('names what is wrong with the call %j', (args, words) => {
    expect(() => readImportCall(args)).toThrow(words);
  });

  test('takes a name in any script, and the format from the ending of the file', () => {
    expect(readImportCall(['stock', 'x.jsonl', '--name', '期初 2025/01'])).toMatchObject({
      format: 'ndjson',
      name: '期初 2025/01',
      isDryRun: false,
    });
  });

  test('stopped by a signal, it ends after the rows under way and says how to go on', async () => {
    const path = await fileWith(stockCsv(60_000, 1_000));
    const child = start('import', ['stock', path, '--name', 'long']);
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    await expect
      .poll(async () => (await holdfast.hot.item('SKU-1')).outcome, { timeout: 20_000 })
      .toBe('done');
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    expect(code).toBe(2);
    expect(out).toContain('STOPPED by a signal');
    expect(out).toContain('run it again with --name long');
    const [, done] = /done ([\d,]+)/.exec(out) ?? [];
    await holdfast.working().writeBehind.drained();
    const { entries } = await holdfast.ledger.read.entries({ limit: 1 });
    expect(entries[0]?.movementId).toBe(`long.${(done ?? '').replaceAll(',', '').padStart(8, '0')}`);
  });
});

describe('export', () => {
  test('writes a file and says of which instant', async () => {
    const path = temporaryPath('.ndjson');
    const toFile = await run('export', ['stock', '--out', path]);
    expect(toFile).toMatchObject({ code: 0, out: '' });
    expect(toFile.err).toMatch(/^stock: [\d,]+ rows as of 20\d\d-.* in .* s\n$/);
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ warehouse: expect.any(String) });
    const { items } = await ledgerTotals(holdfast);
    expect(lines).toHaveLength(items);
  });

  test('ends quietly where its reader has enough', async () => {
    const child = start('export', ['ledger']);
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    expect(err).not.toMatch(/EPIPE|Error/);
  });

  test('ends with 2 and words for what there is not', async () => {
    const { code, err } = await run('export', ['prices']);
    expect(code).toBe(2);
    expect(err).toContain('stock|warehouses|holds|ledger');
  });
});
