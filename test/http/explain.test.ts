/**
 * Goal: the history of an item is told over HTTP as the ledger has it, and a question that makes no sense is answered with
 * what would. Method: histories by hand in a real ledger, read with the rights of the API; answers made
 * here only where the ledger would have to be slow or away.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { asOfAnswer, explanation } from '../../src/http/schemas/history.ts';
import { ledgerHandle } from '../../src/ledger/handle.ts';
import { book, FIRST_MS, hold } from '../ledger/hand-written.ts';
import { migratedDatabase } from '../ledger/room.ts';
import { ledgerWith, type OpenServer, openServer } from './open-server.ts';

const MINUTE_MS = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();
const DEADLINE_MS = FIRST_MS + 30 * MINUTE_MS;
const LOCKED_MS = FIRST_MS + 5 * MINUTE_MS;

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let ledger: ReturnType<typeof ledgerHandle>;
let server: OpenServer;
beforeAll(async () => {
  database = await migratedDatabase();
  const { owner } = database;
  const steps = [
    { type: 'InventoryReceived', quantity: 10, change: [10, 0, 0], movementId: 'M-1' },
    { type: 'SafetyStockSet', quantity: 3 },
    { type: 'InventoryReserved', quantity: 2, change: [-2, 2, 0], orderId: 'A-1', expiresAtMs: DEADLINE_MS },
    { type: 'InventoryReserved', quantity: 1, change: [-1, 1, 0], orderId: 'A-2', expiresAtMs: DEADLINE_MS },
    { type: 'InventoryReleased', quantity: 1, change: [1, -1, 0], orderId: 'A-2', cause: 'cancelled' },
    { type: 'StocktakeStarted', quantity: 10, stocktakeId: 'COUNT-7', expiresAtMs: LOCKED_MS },
  ] as const;
  await book(owner, 'TEA-1@TPE', steps, { stocktakeId: 'COUNT-7', stocktakeUntilMs: LOCKED_MS });
  await hold(owner, 'A-1', 'TEA-1@TPE=2', FIRST_MS + 2_000, DEADLINE_MS);
  ledger = ledgerHandle({ databaseUrl: database.url });
  server = await openServer({}, { ledger });
});
afterAll(async () => {
  await server?.close();
  await ledger?.close();
  await database.drop();
});

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const TEA = '/v1/items/TEA-1/warehouses/TPE';
const ask = (what: string) => server.call('GET', `${TEA}/${what}`);
/** An answer in which every field is one that the document names. */
function shown<S extends z.ZodRawShape>(schema: z.ZodObject<S>, body: unknown): unknown {
  return z.strictObject(schema.shape).parse(body);
}

describe('explain', () => {
  test('tells why an item stands at its figures', async () => {
    const { status, body } = await ask('explain');
    expect(status).toBe(200);
    expect(shown(explanation, body)).toEqual({
      sku: 'TEA-1',
      warehouse: 'TPE',
      version: 6,
      now: { total: 10, available: 8, reserved: 2, sold: 0, safetyStock: 3 },
      entry: expect.objectContaining({
        ...{ version: 6, type: 'StocktakeStarted', stocktakeId: 'COUNT-7' },
        expiresAt: iso(LOCKED_MS),
        at: iso(FIRST_MS + 5_000),
      }),
      opening: { version: 0, total: 0, available: 0, reserved: 0, sold: 0 },
      sums: [
        { type: 'InventoryReserved', entries: 2, quantity: 3, ...change(0, -3, 3, 0) },
        { type: 'InventoryReleased', cause: 'cancelled', entries: 1, quantity: 1, ...change(0, 1, -1, 0) },
        { type: 'InventoryReceived', entries: 1, quantity: 10, ...change(10, 10, 0, 0) },
        { type: 'SafetyStockSet', entries: 1, ...change(0, 0, 0, 0) },
        { type: 'StocktakeStarted', entries: 1, ...change(0, 0, 0, 0) },
      ],
      holds: {
        count: 1,
        quantity: 2,
        list: [
          { orderId: 'A-1', quantity: 2, reservedAt: iso(FIRST_MS + 2_000), expiresAt: iso(DEADLINE_MS) },
        ],
      },
      lock: { stocktakeId: 'COUNT-7', until: iso(LOCKED_MS) },
      check: {
        matches: true,
        text: 'The figures of version 6 follow from 6 entries, and what is reserved follows from 1 open hold of 2 units.',
      },
    });
  });

  function change(total: number, available: number, reserved: number, sold: number) {
    return {
      totalChange: total,
      availableChange: available,
      reservedChange: reserved,
      soldChange: sold,
    };
  }

  test('begins at a version or a time', async () => {
    const opening = { version: 3, at: iso(FIRST_MS + 2_000), total: 10, available: 8, reserved: 2, sold: 0 };
    for (const since of [`since=${iso(FIRST_MS + 2_999)}`, 'sinceVersion=3']) {
      const { body } = await ask(`explain?${since}`);
      expect(shown(explanation, body)).toMatchObject({ version: 6, opening, check: { matches: true } });
      expect(body.sums).toHaveLength(3);
    }
  });

  test('goes back to a version or a time, with the holds of then', async () => {
    for (const then of ['version=4', `at=${iso(FIRST_MS + 3_000)}`]) {
      const { body } = await ask(`explain?${then}&limit=1`);
      expect(shown(explanation, body)).toMatchObject({
        version: 4,
        now: { total: 10, available: 7, reserved: 3, sold: 0, safetyStock: 3 },
        entry: { version: 4, type: 'InventoryReserved', orderId: 'A-2' },
        holds: { count: 2, quantity: 3, list: [{ orderId: 'A-1' }] },
        check: { matches: true },
      });
      expect(body).not.toHaveProperty('lock');
    }
  });
});

describe('as-of', () => {
  test('tells the item and the entry that brought it there', async () => {
    const { status, body } = await ask('as-of?version=6');
    expect(status).toBe(200);
    expect(shown(asOfAnswer, body)).toMatchObject({
      item: {
        ...{ sku: 'TEA-1', warehouse: 'TPE', version: 6, total: 10, available: 8, reserved: 2, sold: 0 },
        safetyStock: 3,
        stocktake: { stocktakeId: 'COUNT-7', until: iso(LOCKED_MS) },
      },
      entry: { version: 6, type: 'StocktakeStarted', stocktakeId: 'COUNT-7' },
    });
    const first = await ask('as-of?version=1');
    expect(first.body).toMatchObject({ item: { safetyStock: 0 }, entry: { movementId: 'M-1' } });
    expect(first.body.item).not.toHaveProperty('stocktake');
  });

  test.each([
    ['2025-11-11T00:00:03Z', 3],
    ['2025-11-11T00:00:03.999Z', 3],
    ['2025-11-11T00:00:04.000000Z', 4],
    ['2025-11-11T08:00:03%2B08:00', 3],
    // As people type it: an address turns the + into a space.
    ['2025-11-11T08:00:03+08:00', 3],
    ['2025-11-10T19:00:03-05:00', 3],
    ['9999-12-31T23:59:59Z', 6],
  ])('at %s it stood at version %i', async (at, version) => {
    expect((await ask(`as-of?at=${at}`)).body).toMatchObject({ item: { version }, entry: { version } });
  });
});

const TIME_WORDS = expect.stringContaining('use a time with its zone by ISO 8601: 2025-11-11T00:00:00Z');
describe('a question that makes no sense is answered with what would', () => {
  test.each([
    ['as-of', 'at', 'say when: give `at` or `version`'],
    ['as-of?version=', 'version', 'use a whole number from 1 on'],
    ['as-of?version=0', 'version', 'use a whole number from 1 on'],
    ['as-of?version=-1', 'version', 'use a whole number from 1 on'],
    ['as-of?version=1.5', 'version', 'use a whole number from 1 on'],
    ['as-of?version=1e3', 'version', 'use a whole number from 1 on'],
    ['as-of?version=9007199254740993', 'version', 'use a whole number from 1 on'],
    ['as-of?version=7', 'version', 'the ledger has this item up to version 6'],
    ['as-of?at=', 'at', TIME_WORDS],
    ['as-of?at=yesterday', 'at', TIME_WORDS],
    ['as-of?at=1762819200000', 'at', TIME_WORDS],
    ['as-of?at=2025-11-11', 'at', TIME_WORDS],
    ['as-of?at=2025-11-11T00:00:00', 'at', TIME_WORDS],
    ['as-of?at=2025-02-30T00:00:00Z', 'at', TIME_WORDS],
    ['as-of?at=2025-11-11T24:00:00Z', 'at', TIME_WORDS],
    ['as-of?at=2025-11-11T00:00:00Z&at=2025-11-12T00:00:00Z', 'at', TIME_WORDS],
    ['as-of?at=2025-11-11T00:00:00Z&version=2', 'version', 'give `at` or `version`, not both'],
    ['as-of?since=2025-11-11T00:00:00Z&version=2', 'since', 'unknown field: leave it out'],
    ['explain?at=2025-11-11T00:00:00Z&version=2', 'version', 'give `at` or `version`, not both'],
    [
      'explain?since=2025-11-11T00:00:00Z&sinceVersion=2',
      'sinceVersion',
      'give `since` or `sinceVersion`, not both',
    ],
    ['explain?since=soon', 'since', TIME_WORDS],
    ['explain?sinceVersion=x', 'sinceVersion', 'use a whole number from 0 on'],
    ['explain?sinceVersion=7', 'sinceVersion', 'go back to version 6 at least, which is explained'],
    ['explain?version=3&sinceVersion=4', 'sinceVersion', 'go back to version 3 at least, which is explained'],
    [
      'explain?version=1&since=2025-11-11T00:00:09Z',
      'since',
      'go back to version 1 at least, which is explained',
    ],
    ['explain?limit=0', 'limit', 'use a whole number from 1 to 1000'],
    ['explain?limit=1001', 'limit', 'use a whole number from 1 to 1000'],
  ])('%s', async (what, path, message) => {
    const { status, body } = await ask(what);
    expect([status, body.code]).toEqual([400, 'invalid-request']);
    expect(body.errors).toEqual([{ path, message }]);
  });

  test('an item that is not there, or was not there yet', async () => {
    const nowhere = '/v1/items/TEA-1/warehouses/KHH';
    for (const what of ['explain', 'explain?version=1', 'as-of?version=1', 'as-of?at=2025-11-12T00:00:00Z']) {
      const { status, body } = await server.call('GET', `${nowhere}/${what}`);
      expect([status, body.code]).toEqual([404, 'unknown-item']);
      expect(body.items).toEqual([{ sku: 'TEA-1', warehouse: 'KHH' }]);
    }
    for (const what of ['explain', 'as-of']) {
      const { status, body } = await ask(`${what}?at=2025-11-11T00:00:00.999Z`);
      expect([status, body.code, body.detail]).toEqual([
        404,
        'unknown-item',
        'TEA-1 in TPE was not there then: its first entry is of 2025-11-11T00:00:01.000Z.',
      ]);
    }
    expect((await server.call('GET', '/v1/items/TEA%00/warehouses/TPE/explain')).status).toBe(400);
  });
});

test('a history too long to be added up, and a ledger that is away, are told apart', async () => {
  const explain = async () => ({ outcome: 'too-long', msMax: 5_000 });
  const other = await openServer({}, { ledger: ledgerWith({ explain }) });
  closers.push(() => other.close());
  const long = await other.call('GET', `${TEA}/explain`);
  expect([long.status, long.body.code]).toEqual([503, 'unavailable']);
  expect(long.body.detail).toBe(
    'The history could not be added up within 5 s: ask with `since` or `sinceVersion`.',
  );
  const away = await other.call('GET', `${TEA}/as-of?version=1`);
  expect([away.status, away.body.detail]).toEqual([503, 'The ledger does not answer.']);
  const none = await openServer();
  closers.push(() => none.close());
  expect((await none.call('GET', `${TEA}/explain`)).status).toBe(503);
});

test('the ledger is filtered by movement and by count sheet, and shows both', async () => {
  const versions = async (filter: string) =>
    ((await server.call('GET', `/v1/ledger?${filter}`)).body.entries as { version: number }[]).map(
      ({ version }) => version,
    );
  expect(await versions('movementId=M-1')).toEqual([1]);
  expect(await versions('stocktakeId=COUNT-7')).toEqual([6]);
  expect(await versions('stocktakeId=COUNT-8')).toEqual([]);
  expect(await versions('transferId=COUNT-7')).toEqual([]);
  expect(await versions('sku=TEA-1&warehouse=TPE&stocktakeId=COUNT-7')).toEqual([6]);
});

test('the document names the options', async () => {
  const { paths } = (await server.call('GET', '/openapi.json')).body as unknown as {
    paths: Record<
      string,
      { get: { parameters: { in: string; name: string; required: boolean; schema: object }[] } }
    >;
  };
  const parameters = paths['/v1/items/{sku}/warehouses/{warehouse}/explain']?.get.parameters ?? [];
  const options = parameters.filter((parameter) => parameter.in === 'query');
  expect(options.map(({ name }) => name).sort()).toEqual(['at', 'limit', 'since', 'sinceVersion', 'version']);
  expect(options.find(({ name }) => name === 'at')).toMatchObject({
    required: false,
    schema: { type: 'string', format: 'date-time' },
  });
});
