/**
 * Goal: an article whose SKU is Chinese with a slash and a blank goes the whole way: from the file of an import to a flash
 * sale, into the ledger, and out of an export, which another Holdfast imports.
 * Method: the programs as a shop runs them, a whole Holdfast between them; every id is compared character by character.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import { expect, onTestFinished, test } from 'vitest';
import { type FuzzedHoldfast, openFuzzed } from '../fuzz/fuzzed-holdfast.ts';
import { builtProgram, testRedisUrl } from '../services.ts';

const run = promisify(execFile);
const SKU = '茶葉/烏龍 #1';
const WAREHOUSE = '台北/一號倉';
const SALE = '雙十一, 2026';
const ORDER = '訂單=1; "急"';
const CUSTOMER = '王小明@example.org';
const ACTOR = '店長 李';

async function program(holdfast: FuzzedHoldfast, name: string, ...args: string[]): Promise<string> {
  const prefix = holdfast.keys.control.slice(0, holdfast.keys.control.indexOf('{'));
  const { stdout } = await run(process.execPath, [builtProgram(name), ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      REDIS_URL: testRedisUrl(),
      DATABASE_URL: holdfast.databaseUrl,
      HOLDFAST_PREFIX: prefix,
    },
  });
  return stdout;
}

async function call(holdfast: FuzzedHoldfast, method: string, path: string, body?: object) {
  const answer = await fetch(`${holdfast.url}${path}`, {
    method,
    headers: {
      'holdfast-actor': encodeURIComponent(ACTOR),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test('a SKU in Chinese with a slash goes from import to sale to ledger to export, and into another Holdfast', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-chinese-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [shop, other] = await Promise.all([openFuzzed(), openFuzzed()]);
  onTestFinished(async () => {
    await shop.close();
    await other.close();
  });

  const stock = join(folder, 'stock.csv');
  await writeFile(stock, `sku,warehouse,quantity\n"${SKU}","${WAREHOUSE}",100\nTEA-1,TPE,5\n`);
  await program(shop, 'import', 'stock', stock);
  expect((await call(shop, 'GET', `/v1/items/${encodeURIComponent(SKU)}`)).body).toMatchObject({
    sku: SKU,
    available: 100,
    warehouses: [{ warehouse: WAREHOUSE, available: 100 }],
  });

  const nowMs = Date.now();
  const sale = {
    saleId: SALE,
    sku: SKU,
    opensAt: new Date(nowMs - 60_000).toISOString(),
    closesAt: new Date(nowMs + 3_600_000).toISOString(),
    quantity: 10,
    limitPerCustomer: 2,
  };
  expect(await call(shop, 'POST', '/v1/sales', sale)).toMatchObject({ status: 201, body: { saleId: SALE } });
  const order = { orderId: ORDER, lines: [{ sku: SKU, quantity: 2 }], saleId: SALE, customerId: CUSTOMER };
  const held = await call(shop, 'POST', '/v1/reservations', order);
  expect(held).toMatchObject({
    status: 201,
    body: { orderId: ORDER, lines: [{ sku: SKU, warehouse: WAREHOUSE, quantity: 2 }] },
  });
  const paid = `/v1/reservations/${encodeURIComponent(ORDER)}/confirm`;
  expect(await call(shop, 'POST', paid)).toMatchObject({ status: 200, body: { status: 'CONFIRMED' } });
  const again = { ...order, orderId: `${ORDER} 2`, lines: [{ sku: SKU, quantity: 1 }] };
  expect(await call(shop, 'POST', '/v1/reservations', again)).toMatchObject({
    status: 409,
    body: { code: 'purchase-limit-exceeded' },
  });
  expect(await shop.audit()).toMatchObject({ verdict: 'agree', findingsTotal: 0 });

  const query = `sku=${encodeURIComponent(SKU)}&orderId=${encodeURIComponent(ORDER)}`;
  const { body } = await call(shop, 'GET', `/v1/ledger?${query}`);
  const entry = { sku: SKU, warehouse: WAREHOUSE, orderId: ORDER, actor: ACTOR, quantity: 2 };
  expect(body.entries).toMatchObject([
    { ...entry, type: 'InventoryDeducted' },
    { ...entry, type: 'InventoryReserved' },
  ]);

  const exported = join(folder, 'export.csv');
  await program(shop, 'export', 'stock', '--out', exported);
  const rows = parse(await readFile(exported, 'utf8'), { columns: true }) as Record<string, string>[];
  expect(rows.find(({ sku }) => sku === SKU)).toMatchObject({
    warehouse: WAREHOUSE,
    quantity: '98',
    sold: '2',
  });
  const lines = (await program(shop, 'export', 'ledger', '--format', 'ndjson')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ ...entry, type: 'InventoryDeducted' }),
  );

  await program(other, 'import', 'stock', exported);
  expect((await call(other, 'GET', `/v1/items/${encodeURIComponent(SKU)}`)).body).toMatchObject({
    sku: SKU,
    available: 98,
  });
}, 120_000);
