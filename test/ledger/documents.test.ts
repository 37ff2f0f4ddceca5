/**
 * Documents (transfers, count sheets, sales, shortfalls): written as the worker writes them, read as the API reads them; what
 * people decide about them is decided once.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeLines } from '../../src/domain/language.ts';
import { ConcurrentModification, RefusedBySql } from '../../src/ledger/errors.ts';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import type {
  Documents,
  SaleDocument,
  StocktakeDocument,
  TransferDocument,
} from '../../src/ledger/write/documents.ts';
import { AT_MS, commit, itemWith, newEpoch } from './chunks.ts';
import { migratedDatabase } from './room.ts';

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let ledger: Ledger;
let sequence: number;
beforeEach(async () => {
  database = await migratedDatabase();
  ledger = await openLedger({ databaseUrl: database.url });
  await ledger.beginEpoch(0, newEpoch(1));
  sequence = 0;
});
afterEach(async () => {
  await ledger.close();
  await database.drop();
});

const NOTHING: Documents = {
  newTransfers: [],
  changedTransfers: [],
  reusedTransfers: [],
  proposals: [],
  stocktakes: [],
  endedStocktakes: [],
  sales: [],
  closedSales: [],
  shortfalls: [],
  resolvedShortfalls: [],
};
async function write(documents: Partial<Documents>): Promise<void> {
  await commit(ledger, sequence, { documents: { ...NOTHING, ...documents } });
  sequence++;
}

describe('transfers', () => {
  const transfer = (transferId: string, figures: Partial<TransferDocument> = {}): TransferDocument => ({
    transferId,
    status: 'IN_TRANSIT',
    sku: 'S',
    from: 'W',
    to: 'V',
    quantity: 10,
    received: 0,
    rejected: 0,
    returned: 0,
    operations: [],
    reason: '補貨 "quoted" \\ {}',
    actor: 'ann',
    dispatchedAtMs: AT_MS,
    closedAtMs: undefined,
    ...figures,
  });

  test('are read as they were written, and change only while they are in transit', async () => {
    const [t, NULL] = [transfer('t'), transfer('NULL', { reason: '' })];
    await write({ newTransfers: [t, NULL] });
    expect(await ledger.loadTransfers(['t', 'NULL', 'unknown'])).toEqual([t, NULL]);
    const landed = { ...t, received: 3, rejected: 1, operations: ['r#a;b'.slice(0, 3), 'r3+1'] };
    await write({ changedTransfers: [landed] });
    expect(await ledger.transfers.one('t')).toEqual(landed);
    const ended = { ...landed, status: 'CANCELLED', returned: 6, closedAtMs: AT_MS + 7 } as const;
    await write({ changedTransfers: [ended] });
    expect(await ledger.transfers.one('t')).toEqual(ended);
    await expect(write({ changedTransfers: [landed] })).rejects.toThrow(ConcurrentModification);
    await expect(write({ newTransfers: [t] })).rejects.toThrow(RefusedBySql);
    expect(await ledger.transfers.one('t')).toEqual(ended);
  });

  test('are listed newest first, in pages, all or by status', async () => {
    const closed = { status: 'RECEIVED', received: 10, closedAtMs: AT_MS } as const;
    for (let i = 0; i < 5; i++) await write({ newTransfers: [transfer(`t${i}`, i % 2 ? closed : {})] });
    const ids = async (query: Parameters<typeof ledger.transfers.page>[0]) => {
      const { transfers, next } = await ledger.transfers.page(query);
      return { ids: transfers.map(({ transferId }) => transferId), next };
    };
    expect(await ids({ status: 'IN_TRANSIT', limit: 10 })).toEqual({ ids: ['t4', 't2', 't0'], next: null });
    expect(await ids({ status: 'RECEIVED', limit: 10 })).toEqual({ ids: ['t3', 't1'], next: null });
    const first = await ids({ limit: 3 });
    expect(first.ids).toEqual(['t4', 't3', 't2']);
    expect(await ids({ limit: 3, after: first.next ?? 0 })).toEqual({ ids: ['t1', 't0'], next: null });
    await expect(ids({ limit: 0 })).rejects.toThrow(RangeError);
  });

  test.each<[string, Partial<TransferDocument>, string]>([
    ['goods are in two places', { received: 8, rejected: 3 }, 'nothing_in_two_places'],
    ['less than nothing arrived', { received: -1 }, 'nothing_in_two_places'],
    ['it is open and nothing is in transit', { received: 10 }, 'open_while_in_transit'],
    [
      'it is received and something is in transit',
      { status: 'RECEIVED', received: 9, closedAtMs: 1 },
      'open_while_in_transit',
    ],
    ['it is closed at no time', { status: 'RECEIVED', received: 10 }, 'open_while_in_transit'],
    [
      'it is received and something returned',
      { status: 'RECEIVED', received: 4, returned: 6, closedAtMs: 1 },
      'returned_by_cancelling',
    ],
    ['it goes nowhere', { to: 'W' }, 'between_two_warehouses'],
    ['it carries more than a counter may show', { quantity: 1_000_000_001 }, 'quantity_in_range'],
  ])('are refused by SQL where %s', async (_, figures, constraint) => {
    const error = await write({ newTransfers: [transfer('t', figures)] }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RefusedBySql);
    expect((error as RefusedBySql).constraint).toBe(constraint);
    expect(await ledger.cursor(0)).toMatchObject({ sequence: 0 });
  });
});

test('proposals are listed, and decided once', async () => {
  const proposal = { orderId: 'o', sku: 'S', from: 'W', to: 'V', quantity: 2, actor: 'ann', atMs: AT_MS };
  await write({ proposals: [proposal, { ...proposal, orderId: 'p' }, { ...proposal, orderId: 'q' }] });
  const { proposals } = await ledger.transfers.proposals({ state: 'open', limit: 2 });
  expect(proposals.map(({ orderId }) => orderId)).toEqual(['q', 'p']);
  const id = proposals[0]?.id ?? 0;
  expect(await ledger.transfers.proposal(id)).toMatchObject({ ...proposal, orderId: 'q', state: 'open' });
  const api = await openLedger({ databaseUrl: database.url, role: 'holdfast_api' });
  const decisions = await Promise.all(
    (['dismissed', 'transferred'] as const).map((state) => api.transfers.decide({ id, state, actor: state })),
  );
  expect(await api.transfers.decide({ id: 999, state: 'dismissed', actor: 'ann' })).toBeUndefined();
  await api.close();
  expect(decisions.filter((decision) => decision?.isDecidedNow)).toHaveLength(1);
  const [one, other] = decisions.map((decision) => decision?.proposal);
  expect(one).toEqual(other);
  expect(one?.state).toBe(one?.decidedBy);
  expect(one?.decidedAtMs).toBeGreaterThan(0);
  const open = await ledger.transfers.proposals({ state: 'open', limit: 10 });
  expect(open.proposals.map(({ orderId }) => orderId)).toEqual(['p', 'o']);
});

describe('count sheets', () => {
  const line = (
    stocktakeId: string,
    name: string,
    rest: Partial<StocktakeDocument> = {},
  ): StocktakeDocument => {
    const [sku = '', warehouse = ''] = name.split('@');
    return {
      stocktakeId,
      sku,
      warehouse,
      status: 'COUNTING',
      untilMs: AT_MS + 900_000,
      before: 10,
      counted: undefined,
      reason: '',
      startedBy: 'ann',
      startedAtMs: AT_MS,
      endedBy: undefined,
      endedAtMs: undefined,
      ...rest,
    };
  };
  const counted = {
    status: 'COUNTED',
    counted: 7,
    reason: 'broken',
    endedBy: 'bob',
    endedAtMs: AT_MS + 9,
  } as const;

  test('show their progress, and their lines in pages', async () => {
    await write({
      stocktakes: [
        line('k', 'S@W'),
        line('k', 'S@V', { startedBy: 'cid', startedAtMs: AT_MS + 5 }),
        line('k', 'A@W', { ...counted, counted: 12 }),
      ],
    });
    await write({ endedStocktakes: [{ stocktakeId: 'k', sku: 'S', warehouse: 'W', ...counted }] });
    expect(await ledger.stocktakes.sheet('k')).toEqual({
      stocktakeId: 'k',
      startedAtMs: AT_MS,
      startedBy: 'ann',
      lines: 3,
      counting: 1,
      counted: 2,
      cancelled: 0,
      lapsed: 0,
      difference: -1,
    });
    const first = await ledger.stocktakes.lines('k', undefined, 2);
    expect(first.lines).toEqual([
      line('k', 'A@W', { ...counted, counted: 12 }),
      line('k', 'S@V', { startedBy: 'cid', startedAtMs: AT_MS + 5 }),
    ]);
    const rest = await ledger.stocktakes.lines('k', first.next ?? undefined, 2);
    expect(rest).toEqual({ lines: [line('k', 'S@W', counted)], next: null });
    expect(await ledger.stocktakes.sheet('unknown')).toBeUndefined();
  });

  test('are listed by id, all or only open ones', async () => {
    for (const [i, id] of ['c', 'a', 'd', 'b'].entries()) {
      await write({ stocktakes: [line(id, 'S@W'), line(id, 'T@W', counted)] });
      if (i % 2 === 0)
        await write({ endedStocktakes: [{ stocktakeId: id, sku: 'S', warehouse: 'W', ...counted }] });
    }
    const names = async (query: Parameters<typeof ledger.stocktakes.sheets>[0]) => {
      const { stocktakes, next } = await ledger.stocktakes.sheets(query);
      return [stocktakes.map(({ stocktakeId, lines }) => `${stocktakeId}${lines}`).join(), next];
    };
    expect(await names({ limit: 10 })).toEqual(['a2,b2,c2,d2', null]);
    expect(await names({ openOnly: true, limit: 10 })).toEqual(['a2,b2', null]);
    expect(await names({ limit: 3 })).toEqual(['a2,b2,c2', 'c']);
    expect(await names({ limit: 3, after: 'c' })).toEqual(['d2', null]);
    expect(await names({ openOnly: true, limit: 1 })).toEqual(['a2', 'a']);
    expect(await names({ limit: 3, after: 'd' })).toEqual(['', null]);
  });

  test('of an id whose record in Redis had expired replace the former lines', async () => {
    await write({ stocktakes: [line('k', 'S@W', counted)] });
    const anew = line('k', 'S@W', { before: 7, startedAtMs: AT_MS + 99 });
    await write({ stocktakes: [anew] });
    expect((await ledger.stocktakes.lines('k', undefined, 9)).lines).toEqual([anew]);
  });

  test('end a line once', async () => {
    const end = { stocktakeId: 'k', sku: 'S', warehouse: 'W' };
    await write({ stocktakes: [line('k', 'S@W')] });
    await write({ endedStocktakes: [{ ...end, ...counted }] });
    await write({ endedStocktakes: [{ ...end, ...counted, counted: 1, endedBy: 'eve' }] });
    expect((await ledger.stocktakes.lines('k', undefined, 9)).lines).toMatchObject([
      { counted: 7, endedBy: 'bob' },
    ]);
  });
});

test('sales are listed, closed once, and scheduled again under an id that had ended', async () => {
  const sale: SaleDocument = {
    saleId: 'x',
    sku: 'S',
    opensAtMs: AT_MS,
    closesAtMs: AT_MS + 60_000,
    quantity: 50,
    limitPerCustomer: 2,
    scheduledBy: 'ann',
    scheduledAtMs: AT_MS - 9,
    closedBy: undefined,
    closedAtMs: undefined,
  };
  await write({ sales: [sale, { ...sale, saleId: 'y', sku: 'T' }] });
  await write({ closedSales: [{ saleId: 'x', closedBy: 'bob', closedAtMs: AT_MS + 5 }] });
  await write({ closedSales: [{ saleId: 'x', closedBy: 'eve', closedAtMs: AT_MS + 6 }] });
  expect(await ledger.sales.one('x')).toEqual({ ...sale, closedBy: 'bob', closedAtMs: AT_MS + 5 });
  expect((await ledger.sales.page({ limit: 1 })).sales).toMatchObject([{ saleId: 'y' }]);
  expect((await ledger.sales.page({ sku: 'S', limit: 9 })).sales).toMatchObject([{ saleId: 'x' }]);
  await write({ sales: [{ ...sale, quantity: 9 }] });
  expect(await ledger.sales.one('x')).toEqual({ ...sale, quantity: 9 });
  expect(await ledger.sales.closingSince(AT_MS + 60_001)).toEqual([]);
  expect(await ledger.sales.closingSince(AT_MS + 60_000)).toHaveLength(2);
});

test('shortfalls are open until a person or a later payment resolves them', async () => {
  const lines = [{ sku: 'S', warehouse: 'W', quantity: 3 }];
  const short = (orderId: string) => ({ orderId, lines, actor: 'ann', atMs: AT_MS });
  await write({ shortfalls: [short('o'), short('p'), short('q')] });
  await write({
    resolvedShortfalls: [
      { orderId: 'p', actor: 'bob', atMs: AT_MS + 5 },
      { orderId: 'never', actor: 'x', atMs: 1 },
    ],
  });
  const open = async () => (await ledger.shortfalls.page({ openOnly: true, limit: 9 })).shortfalls;
  expect((await open()).map(({ orderId }) => orderId)).toEqual(['q', 'o']);
  const api = await openLedger({ databaseUrl: database.url, role: 'holdfast_api' });
  const resolution = { orderId: 'o', resolution: 'refunded', actor: 'cid' };
  expect(await api.shortfalls.resolve(resolution)).toMatchObject({
    isResolvedNow: true,
    shortfall: { ...short('o'), resolution: 'refunded', resolvedBy: 'cid' },
  });
  expect(await api.shortfalls.resolve({ ...resolution, resolution: 'other' })).toMatchObject({
    isResolvedNow: false,
    shortfall: { resolution: 'refunded' },
  });
  await api.close();
  expect(await ledger.shortfalls.resolve({ ...resolution, orderId: 'never' })).toBeUndefined();
  const all = await ledger.shortfalls.page({ limit: 2 });
  expect(all.shortfalls).toMatchObject([
    { orderId: 'q', resolution: undefined },
    { orderId: 'p', resolution: 'reacquired', resolvedBy: 'bob', resolvedAtMs: AT_MS + 5 },
  ]);
  expect((await ledger.shortfalls.page({ limit: 2, after: all.next ?? 0 })).shortfalls).toHaveLength(1);
  // The order came short in one life after the other.
  await write({ shortfalls: [short('o')] });
  await write({ shortfalls: [{ ...short('o'), atMs: AT_MS + 7 }] });
  expect(await open()).toMatchObject([{ orderId: 'o', atMs: AT_MS + 7 }, { orderId: 'q' }]);
});

test('an item keeps its lock, and is listed in its warehouse', async () => {
  const stocktake = { stocktakeId: 'NULL', untilMs: AT_MS + 900_001 };
  const write = (sku: string, warehouse: string, rest: object = {}) => ({
    item: { ...itemWith({ available: 5, version: 1 }), sku, warehouse, ...rest },
    expectedVersion: undefined,
    atMs: AT_MS,
    quarantineReason: undefined,
    parkedEvents: 0,
  });
  await commit(ledger, 0, {
    items: [write('S', 'W', { stocktake }), write('S', 'V'), write('T', 'W'), write('A', 'W')],
  });
  expect((await ledger.read.item('S', 'W'))?.item.stocktake).toEqual(stocktake);
  expect((await ledger.loadItems([{ sku: 'S', warehouse: 'V' }]))[0]?.item.stocktake).toBeUndefined();
  expect(await ledger.read.skusOf('W', 10)).toEqual(['A', 'S', 'T']);
  expect(await ledger.read.skusOf('W', 1, 'A')).toEqual(['S']);
  await expect(ledger.read.skusOf('W', 5_002)).rejects.toThrow(RangeError);
  const unlocked = { ...write('S', 'W'), expectedVersion: 1 };
  await commit(ledger, 1, { items: [{ ...unlocked, item: { ...unlocked.item, version: 2 } }] });
  expect((await ledger.read.item('S', 'W'))?.item.stocktake).toBeUndefined();
});

test('the newest holds of an item come first', async () => {
  const hold = (orderId: string, ageMs: number, lines = 'S@W=1') => ({
    orderId,
    status: 'ACTIVE' as const,
    lines: decodeLines(lines),
    reservedAtMs: AT_MS - ageMs,
    expiresAtMs: AT_MS + 60_000,
    fingerprint: '-',
    operations: [],
  });
  const others = [hold('other', 0, 'S@V=1'), hold('similar', 0, 'xS@W=1,S@W2=1,S_W@W=1')];
  const sold = { ...hold('sold', 0), status: 'CONFIRMED' as const, resolvedAtMs: AT_MS };
  await commit(ledger, 0, {
    newReservations: [
      hold('old', 9),
      hold('new', 1, 'A@W=1,S@W=2,T@W=1'),
      hold('mid-a', 5),
      hold('mid-b', 5),
      ...others,
      sold,
    ],
  });
  expect(await ledger.read.newestHolds('S', 'W', 3)).toEqual(['new', 'mid-b', 'mid-a']);
  expect(await ledger.read.newestHolds('S', 'W', 200)).toHaveLength(4);
});

test('a reservation keeps its customer and its sale, from which its fingerprint is derived', async () => {
  const sold = {
    orderId: 'o',
    status: 'ACTIVE' as const,
    lines: [{ sku: 'S', warehouse: 'W', quantity: 1 }],
    reservedAtMs: AT_MS,
    expiresAtMs: AT_MS + 60_000,
    fingerprint: '60000;S@W=1;c=NULL;s=x',
    operations: [],
    customerId: 'NULL',
    saleId: 'x',
  };
  const late = {
    ...sold,
    orderId: 'late',
    status: 'EXPIRED' as const,
    resolvedAtMs: AT_MS + 60_000,
    saleId: undefined,
  };
  await commit(ledger, 0, { newReservations: [sold, { ...late, fingerprint: '60000;S@*=1;c=NULL' }] });
  expect(await ledger.loadReservations(['o'])).toEqual([sold]);
  const { rows } = await database.owner.query('SELECT order_id, asked FROM reservations ORDER BY order_id');
  expect(rows).toEqual([
    { order_id: 'late', asked: '60000;S@*=1;c=NULL' },
    { order_id: 'o', asked: null },
  ]);
  const paid = {
    ...late,
    status: 'CONFIRMED' as const,
    fingerprint: '60000;S@*=1;c=NULL',
    operations: ['c*'],
  };
  await commit(ledger, 1, { paidLateReservations: [paid] });
  expect(await ledger.read.reservation('late')).toEqual(paid);
  // BR-006: only an expired one.
  for (const orderId of ['late', 'o']) {
    await expect(commit(ledger, 2, { paidLateReservations: [{ ...paid, orderId }] })).rejects.toThrow(
      ConcurrentModification,
    );
  }
});
