/**
 * Goal: every id that the rules allow goes through the ledger unchanged, wherever it is written or asked for.
 * Method: nasty and random ids, each of them used as every kind of id there is, committed as the worker commits; then
 * everything is read by every query, whole and page by page, and compared with what was written.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeLines, encodeLines, requestFingerprint, type StockEvent } from '../../src/domain/language.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { type LedgerApi, type LedgerHandle, ledgerHandle } from '../../src/ledger/handle.ts';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import type { Extract, ExtractCell } from '../../src/ledger/read/extracts.ts';
import type { LedgerRow } from '../../src/ledger/write/chunk.ts';
import type { SaleDocument, StocktakeDocument, TransferDocument } from '../../src/ledger/write/documents.ts';
import { anyId, NASTY_IDS } from '../domain/ids.ts';
import { AT_MS, commit, itemWith, newEpoch, row } from './chunks.ts';
import { migratedDatabase } from './room.ts';

const SEED = Date.now();
const IDS = [...new Set([...NASTY_IDS, ...fc.sample(anyId, { numRuns: 120, seed: SEED })])];
const idAt = (index: number): string => IDS[index % IDS.length] as string;

/** One of everything, each named by an id of the list; no two share one in the same part. */
const WORLDS = IDS.map((id, i) => {
  const name = { sku: id, warehouse: idAt(i + 1) };
  const other = { sku: idAt(i + 2), warehouse: idAt(i + 5) };
  const orderId = id;
  const customerId = idAt(i + 3);
  const actor = idAt(i + 4);
  const sale: SaleDocument = {
    saleId: id,
    sku: id,
    opensAtMs: AT_MS,
    closesAtMs: AT_MS + 60_000,
    quantity: 5,
    limitPerCustomer: 2,
    scheduledBy: actor,
    scheduledAtMs: AT_MS - 1_000,
    closedBy: undefined,
    closedAtMs: undefined,
  };
  const lines = [
    { ...name, quantity: 2 },
    { ...other, quantity: 3 },
  ];
  const terms = { customerId, saleId: id };
  const hold: Reservation = {
    orderId,
    status: 'ACTIVE',
    lines,
    reservedAtMs: AT_MS + i,
    expiresAtMs: AT_MS + i + 60_000,
    fingerprint: requestFingerprint(60_000, lines, terms),
    resolvedAtMs: undefined,
    operations: [`r#${i}`],
    ...terms,
  };
  const transfer: TransferDocument = {
    transferId: id,
    status: 'IN_TRANSIT',
    sku: id,
    from: name.warehouse,
    to: other.warehouse,
    quantity: 4,
    received: 0,
    rejected: 0,
    returned: 0,
    operations: [],
    reason: id,
    actor,
    dispatchedAtMs: AT_MS,
    closedAtMs: undefined,
  };
  const line: StocktakeDocument = {
    stocktakeId: id,
    ...name,
    status: 'COUNTING',
    untilMs: AT_MS + 900_000,
    before: 9,
    counted: undefined,
    reason: '',
    startedBy: actor,
    startedAtMs: AT_MS,
    endedBy: undefined,
    endedAtMs: undefined,
  };
  return { name, other, orderId, customerId, actor, sale, hold, transfer, line, movementId: id };
});
type World = (typeof WORLDS)[number];

/** Received, reserved and alerted about: three entries of the item. */
function rowsOf({ name, orderId, actor, movementId, hold }: World, sequence: number): LedgerRow[] {
  const at = { atMs: hold.reservedAtMs, actor };
  const lines = (quantity: number, version: number) => [{ ...name, quantity, version }];
  const { expiresAtMs, fingerprint } = hold;
  const events: StockEvent[] = [
    { type: 'InventoryReceived', movementId, reason: movementId, lines: lines(9, 1), ...at },
    { type: 'InventoryReserved', orderId, expiresAtMs, fingerprint, lines: lines(2, 2), ...at },
    { type: 'LowStockAlertTriggered', safetyStock: 8, lines: lines(7, 3), ...at },
    { type: 'StocktakeStarted', stocktakeId: movementId, untilMs: AT_MS + 9, lines: lines(9, 4), ...at },
    {
      type: 'TransferDispatched',
      transferId: movementId,
      to: idAt(1),
      reason: '',
      lines: lines(1, 5),
      ...at,
    },
  ];
  let before = { ...itemWith(), ...name };
  return events.map((event) => {
    const made = row(event, before);
    before = made.after;
    return { ...made, sequence };
  });
}

const itemOf = ({ name, line }: World) => ({
  ...itemWith({ available: 6, reserved: 2, version: 5, safetyStock: 8, isLow: true }),
  ...name,
  stocktake: { stocktakeId: line.stocktakeId, untilMs: line.untilMs },
});

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let ledger: Ledger;
/** The same database with the rights of the API, for what people decide. */
let handle: LedgerHandle;
let api: LedgerApi;
beforeAll(async () => {
  database = await migratedDatabase();
  ledger = await openLedger({ databaseUrl: database.url });
  handle = ledgerHandle({ databaseUrl: database.url });
  api = await handle.open();
  await ledger.beginEpoch(0, newEpoch(1));
  await commit(ledger, 0, {
    rows: WORLDS.flatMap(rowsOf),
    // Every third is in quarantine, which is written by another statement.
    items: WORLDS.map((world, i) => ({
      item: { ...itemOf(world), version: 4 },
      expectedVersion: undefined,
      atMs: AT_MS,
      quarantineReason: i % 3 === 0 ? world.orderId : undefined,
      parkedEvents: 0,
    })),
    newReservations: WORLDS.map(({ hold }) => ({ ...hold, operations: [] })),
    documents: {
      newTransfers: WORLDS.map(({ transfer }) => transfer),
      changedTransfers: [],
      reusedTransfers: [],
      proposals: WORLDS.map(({ transfer: { sku, from, to, actor }, orderId }) => {
        return { orderId, sku, from, to, quantity: 1, actor, atMs: AT_MS };
      }),
      stocktakes: WORLDS.map(({ line }) => line),
      endedStocktakes: [],
      sales: WORLDS.map(({ sale }) => sale),
      closedSales: [],
      shortfalls: WORLDS.map(({ orderId, hold: { lines }, actor }) => ({
        orderId,
        lines,
        actor,
        atMs: AT_MS,
      })),
      resolvedShortfalls: [],
    },
    findings: WORLDS.map(({ name, orderId }) => {
      const place = { partition: 0, epoch: 1, sequence: 1 };
      return { kind: 'not-allowed', ...name, orderId, detail: orderId, evidence: { orderId }, ...place };
    }),
    parked: WORLDS.map(({ name, orderId }) => ({
      ...name,
      version: 9,
      epoch: 1,
      sequence: 1,
      event: JSON.stringify(orderId),
    })),
  });
  await commit(ledger, 1, {
    items: WORLDS.map((world) => {
      const at = { atMs: AT_MS, quarantineReason: undefined, parkedEvents: 0 };
      return { item: itemOf(world), expectedVersion: 4, ...at };
    }),
    changedReservations: WORLDS.map(({ hold }) => hold),
  });
  for (const { name } of WORLDS) await ledger.putWarehouse({ id: name.warehouse, name: name.warehouse });
}, 120_000);
afterAll(async () => {
  await handle.close();
  await ledger.close();
  await database.drop();
});

/** Runs a check for every id, and names the id and the seed where it fails. */
async function forEach(check: (world: World) => Promise<void>): Promise<void> {
  for (const world of WORLDS) {
    await check(world).catch((error: Error) => {
      throw new Error(`id ${JSON.stringify(world.orderId)}, seed ${SEED}: ${error.message}`, {
        cause: error,
      });
    });
  }
}

/** All that comes in pages of a few. */
async function inPages<V, K>(
  page: (after: K | undefined) => Promise<{ shown: readonly V[]; next: K | null }>,
) {
  const all: V[] = [];
  let after: K | undefined;
  do {
    const { shown, next } = await page(after);
    all.push(...shown);
    after = next ?? undefined;
  } while (after !== undefined);
  return all;
}
const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
const sameInAnyOrder = (found: readonly unknown[], expected: readonly unknown[]) =>
  expect([...found].sort(byText)).toEqual([...expected].sort(byText));
/** The order of the ledger's pages: that of the bytes. */
const inByteOrder = (ids: readonly string[]) =>
  [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('an id of any script', () => {
  test('finds the entries of an item, an order, a movement, a transfer and a count sheet', () =>
    forEach(async ({ name, orderId, movementId, actor, line, transfer }) => {
      const { entries } = await ledger.read.entries({ ...name, limit: 9 });
      expect(entries.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
      for (const entry of entries) expect(entry).toMatchObject({ ...name, actor });
      const one = async (query: object) => (await ledger.read.entries({ ...query, limit: 9 })).entries;
      expect(await one({ orderId })).toMatchObject([{ orderId, ...name }]);
      expect(await one({ movementId })).toMatchObject([{ movementId, reason: movementId, ...name }]);
      expect(await one({ stocktakeId: line.stocktakeId })).toMatchObject([{ stocktakeId: line.stocktakeId }]);
      expect(await one({ transferId: transfer.transferId })).toMatchObject([
        { transferId: transfer.transferId },
      ]);
    }));

  test('names an item in the list of all, page by page in the order of bytes', async () => {
    const items = await inPages(async (after: { sku: string; warehouse: string } | undefined) => {
      const shown = (await ledger.read.items(after, 7)).map(({ item }) => item);
      return { shown, next: shown.length === 7 ? (shown.at(-1) ?? null) : null };
    });
    expect(items.map(({ sku }) => sku)).toEqual(inByteOrder(IDS));
    sameInAnyOrder(items, WORLDS.map(itemOf));
    const loaded = await ledger.loadItems(WORLDS.map(({ name }) => name));
    sameInAnyOrder(
      loaded.map(({ item, quarantine }) => [item, quarantine?.reason]),
      WORLDS.map((world, i) => [itemOf(world), i % 3 === 0 ? world.orderId : undefined]),
    );
  });

  test('is explained, now and at a moment', () =>
    forEach(async ({ name, hold }) => {
      const now = await ledger.explain({ ...name, holdsMax: 100 });
      if (now.outcome !== 'explained') throw new Error(now.outcome);
      expect(now.item).toMatchObject(name);
      const expected = WORLDS.flatMap((world) =>
        world.hold.lines
          .filter((line) => line.sku === name.sku && line.warehouse === name.warehouse)
          .map(({ quantity }) => ({ orderId: world.orderId, quantity })),
      );
      sameInAnyOrder(
        now.holds.list.map(({ orderId, quantity }) => ({ orderId, quantity })),
        expected,
      );
      expect(await ledger.explain({ ...name, moment: { version: 2 }, holdsMax: 9 })).toMatchObject({
        holds: { list: [{ orderId: hold.orderId, quantity: 2 }] },
        check: { matches: true },
      });
      expect(await ledger.asOf(name, { atMs: hold.reservedAtMs })).toMatchObject({
        outcome: 'found',
        item: name,
      });
    }));

  test('names the holds of an item, and the newest of them', () =>
    forEach(async ({ name, other }) => {
      for (const item of [name, other]) {
        const holds = await inPages(async (after: string | undefined) => {
          const shown = await ledger.read.openHolds(item.sku, item.warehouse, after, 2);
          return { shown, next: shown.length === 2 ? (shown.at(-1)?.orderId ?? null) : null };
        });
        const expected = WORLDS.filter(({ hold }) =>
          hold.lines.some(({ sku, warehouse }) => sku === item.sku && warehouse === item.warehouse),
        ).map(({ orderId }) => orderId);
        expect(holds.map(({ orderId }) => orderId)).toEqual(inByteOrder(expected));
        const newest = await ledger.read.newestHolds(item.sku, item.warehouse, 9);
        expect(newest).toEqual([...expected].reverse());
      }
    }));

  test('names a reservation and all its fields', async () => {
    const held = WORLDS.map(({ hold }) => hold);
    sameInAnyOrder(await ledger.loadReservations(IDS), held);
    const streamed: Reservation[] = [];
    for await (const page of ledger.past.openReservations(7)) streamed.push(...page);
    sameInAnyOrder(streamed, held);
    await forEach(async ({ hold }) => expect(await ledger.read.reservation(hold.orderId)).toEqual(hold));
  });

  test('names a movement that is booked', async () => {
    expect(inByteOrder(await ledger.knownMovements([...IDS, 'nobody']))).toEqual(inByteOrder(IDS));
    const records = await ledger.movementRecords(IDS);
    sameInAnyOrder(
      records.map(({ movementId, sku, warehouse }) => ({ movementId, sku, warehouse })),
      WORLDS.map(({ movementId, name }) => ({ movementId, ...name })),
    );
    const sorted = inByteOrder(IDS);
    const between = await ledger.movementRecordsBetween(sorted[3] ?? '', sorted[9] ?? '');
    expect(inByteOrder(between.map(({ movementId }) => movementId))).toEqual(sorted.slice(3, 10));
    const done: unknown[] = [];
    for await (const page of ledger.past.movementsSince(0)) {
      done.push(...page.map(({ movementId, sku, warehouse }) => ({ movementId, sku, warehouse })));
    }
    sameInAnyOrder(
      done,
      WORLDS.map(({ movementId, name }) => ({ movementId, ...name })),
    );
  });

  test('names a transfer and what proposes one', async () => {
    sameInAnyOrder(
      await ledger.loadTransfers(IDS),
      WORLDS.map(({ transfer }) => transfer),
    );
    const listed = await inPages(async (after: number | undefined) => {
      const { transfers, next } = await ledger.transfers.page({ after, limit: 7, status: 'IN_TRANSIT' });
      return { shown: transfers, next };
    });
    sameInAnyOrder(
      listed,
      WORLDS.map(({ transfer }) => transfer),
    );
    const proposals = await inPages(async (after: number | undefined) => {
      const page = await ledger.transfers.proposals({ after, limit: 7, state: 'open' });
      return { shown: page.proposals, next: page.next };
    });
    sameInAnyOrder(
      proposals.map(({ orderId, sku, from, to, actor }) => [orderId, sku, from, to, actor]),
      WORLDS.map(({ orderId, transfer: { sku, from, to, actor } }) => [orderId, sku, from, to, actor]),
    );
    const { id = 0, actor = '' } = proposals[0] ?? {};
    const decided = await api.transfers.decide({ id, state: 'dismissed', actor });
    expect(decided).toMatchObject({ isDecidedNow: true, proposal: { decidedBy: actor } });
  });

  test('names a count sheet and its lines', async () => {
    const sheets = await inPages(async (after: string | undefined) => {
      const { stocktakes, next } = await ledger.stocktakes.sheets({ after, limit: 7, openOnly: true });
      return { shown: stocktakes, next };
    });
    expect(sheets.map(({ stocktakeId }) => stocktakeId)).toEqual(inByteOrder(IDS));
    await forEach(async ({ line }) =>
      expect(await ledger.stocktakes.allLines(line.stocktakeId)).toEqual([line]),
    );
    // A sheet of everything: pages go on from an item.
    const sheet = WORLDS.map(({ line }) => ({ ...line, stocktakeId: 'all' }));
    const nothing = {
      changedTransfers: [],
      reusedTransfers: [],
      newTransfers: [],
      proposals: [],
      sales: [],
      closedSales: [],
    };
    const rest = { ...nothing, shortfalls: [], resolvedShortfalls: [] };
    const ends = sheet.map(({ stocktakeId, sku, warehouse, startedBy }) => {
      const end = { counted: 3, reason: sku, endedBy: startedBy, endedAtMs: AT_MS };
      return { stocktakeId, sku, warehouse, status: 'COUNTED' as const, ...end };
    });
    await commit(ledger, 2, { documents: { ...rest, stocktakes: sheet, endedStocktakes: ends } });
    const lines = await inPages(async (after: { sku: string; warehouse: string } | undefined) => {
      const page = await ledger.stocktakes.lines('all', after, 7);
      return { shown: page.lines, next: page.next };
    });
    expect(lines.map(({ sku }) => sku)).toEqual(inByteOrder(IDS));
    sameInAnyOrder(
      lines.map(({ sku, reason, endedBy }) => [sku, reason, endedBy]),
      WORLDS.map(({ name, actor }) => [name.sku, name.sku, actor]),
    );
    const since: string[] = [];
    for await (const page of ledger.past.sheetLinesSince(0))
      since.push(...page.map(({ line }) => line.stocktakeId));
    expect(new Set(since)).toEqual(new Set([...IDS, 'all']));
  });

  test('names a sale, its customers and what they hold', () =>
    forEach(async ({ sale, customerId, hold }) => {
      expect(await ledger.sales.one(sale.saleId)).toEqual(sale);
      expect((await ledger.sales.page({ sku: sale.sku, limit: 9 })).sales).toEqual([sale]);
      const held = hold.lines
        .filter(({ sku }) => sku === sale.sku)
        .reduce((sum, { quantity }) => sum + quantity, 0);
      expect(await ledger.sales.held(sale)).toBe(held);
      expect(await ledger.sales.figures(sale)).toMatchObject({ held: 2, sold: 0 });
      const quotas: unknown[] = [];
      for await (const page of ledger.past.quotasOf(sale)) quotas.push(...page);
      expect(quotas).toEqual([{ customerId, held, bought: 0 }]);
    }));

  test('names a shortfall, and who resolves it', async () => {
    const open = await inPages(async (after: number | undefined) => {
      const { shortfalls, next } = await ledger.shortfalls.page({ after, limit: 7, openOnly: true });
      return { shown: shortfalls, next };
    });
    sameInAnyOrder(
      open.map(({ orderId, lines, actor }) => ({ orderId, lines, actor })),
      WORLDS.map(({ orderId, hold: { lines }, actor }) => ({ orderId, lines, actor })),
    );
    await forEach(async ({ orderId, actor }) => {
      const resolved = await api.shortfalls.resolve({ orderId, resolution: orderId, actor });
      expect(resolved).toMatchObject({ isResolvedNow: true, shortfall: { orderId, resolvedBy: actor } });
    });
  });

  test('names the item of an alert, and who acknowledges it', () =>
    forEach(async ({ name, actor }) => {
      const { alerts } = await ledger.alerts.page({ ...name, state: 'open', limit: 9 });
      expect(alerts).toMatchObject([{ ...name, available: 7, safetyStock: 8 }]);
      const acknowledged = await api.alerts.acknowledge({
        alertId: alerts[0]?.id ?? 0,
        actor,
        note: actor,
      });
      expect(acknowledged).toMatchObject({ alert: { acknowledgedBy: actor, note: actor }, replayed: false });
    }));

  test('names a webhook', async () => {
    const some = WORLDS.slice(0, 60);
    for (const { orderId: webhookId, actor } of some) {
      const put = { webhookId, url: 'https://example.com', actor };
      expect(await api.webhooks.put(put)).toMatchObject({
        outcome: 'created',
        webhook: { webhookId, actor },
      });
      expect(await api.webhookDeliveries.page(webhookId, undefined, 1)).toMatchObject({ deliveries: [] });
      expect(await api.webhooks.disable(webhookId, actor)).toMatchObject({
        webhook: { disabledBy: actor },
      });
    }
    const listed = (await api.webhooks.list()).map(({ webhookId }) => webhookId);
    expect(listed).toEqual(inByteOrder(some.map(({ orderId }) => orderId)));
  });

  test('names what was found wrong and what waits for an item', async () => {
    const drifts = await ledger.read.drifts({ limit: 1_000 });
    sameInAnyOrder(
      drifts.map(({ sku, warehouse, orderId, detail, evidence }) => [
        sku,
        warehouse,
        orderId,
        detail,
        evidence,
      ]),
      WORLDS.map(({ name: { sku, warehouse }, orderId }) => [sku, warehouse, orderId, orderId, { orderId }]),
    );
    await forEach(async ({ name, orderId }) => {
      expect(await ledger.read.parkedEvents(name.sku, name.warehouse, 0, 9)).toMatchObject([
        { event: orderId },
      ]);
    });
  });

  test('names a warehouse and what is in it', async () => {
    expect((await ledger.warehouses()).map(({ id }) => id)).toEqual(inByteOrder(IDS));
    await forEach(async ({ name }) => {
      expect(await ledger.read.skusOf(name.warehouse, 9)).toEqual([name.sku]);
    });
  });

  test('is unchanged in every extract', async () => {
    const extract = async (name: Extract) => {
      const rows: Record<string, ExtractCell | undefined>[] = [];
      for await (const page of ledger.extract(name, 7)) {
        rows.push(
          ...page.rows.map((cells) =>
            Object.fromEntries(page.columns.map((column, i) => [column, cells[i]])),
          ),
        );
      }
      return rows;
    };
    const name = ({ sku, warehouse }: { sku?: unknown; warehouse?: unknown }) => [sku, warehouse];
    sameInAnyOrder(
      (await extract('stock')).map(name),
      WORLDS.map((world) => name(world.name)),
    );
    expect((await extract('warehouses')).map(({ warehouse }) => warehouse)).toEqual(inByteOrder(IDS));
    sameInAnyOrder(
      (await extract('holds')).map((hold) => [hold.orderId, ...name(hold), hold.quantity]),
      WORLDS.flatMap(({ hold }) => hold.lines.map((line) => [hold.orderId, ...name(line), line.quantity])),
    );
    sameInAnyOrder(
      (await extract('ledger'))
        .filter(({ version }) => version === 2)
        .map((entry) => [entry.orderId, ...name(entry)]),
      WORLDS.map((world) => [world.orderId, ...name(world.name)]),
    );
  });
});

test('order_lines in SQL reads the text of lines as decodeLines does', async () => {
  const lines = WORLDS.flatMap(({ hold }) => hold.lines);
  const { rows } = await database.owner.query('SELECT sku, warehouse, quantity FROM order_lines($1)', [
    encodeLines(lines),
  ]);
  expect(rows).toEqual(lines);
  expect(decodeLines(encodeLines(lines))).toEqual(lines);
});
