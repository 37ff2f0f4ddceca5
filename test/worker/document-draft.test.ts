/**
 * The documents of a chunk as the validator makes them: each in its last state, none of a line whose item is in quarantine; and the
 * rules that no item can know, a transfer's own above all.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { StreamEntry } from '../../src/hotpath/codec/stream-codec.ts';
import type { LedgerChunk } from '../../src/ledger/write/chunk.ts';
import type { Documents, TransferDocument } from '../../src/ledger/write/documents.ts';
import { EventValidator, type ValidationMode } from '../../src/worker/carry/event-validator.ts';
import type { ReadEntry, StreamPosition } from '../../src/worker/carry/stream-reader.ts';
import { MapLedger } from './map-ledger.ts';
import { STORY_AT_MS, Story, type Told } from './story.ts';

const START: StreamPosition = { epoch: 1, sequence: 0, link: '-', eventsTotal: 0 };
const EPOCH = { number: 1, nonce: '00000001' };
const NONE: ValidationMode = { kind: 'none' };
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

let story: Story;
let ledger: MapLedger;
let validator: EventValidator;
let judged: number;
beforeEach(() => {
  story = new Story();
  ledger = new MapLedger();
  validator = new EventValidator(ledger, 0, {
    itemsCachedMax: 9,
    reservationsCachedMax: 9,
    parkedEventsPerItemMax: 9,
  });
  judged = 0;
  story.tell(receive('m1', 'S@W=100'), receive('m2', 'S@V=100'));
});

/** Validates what was told since the last call, as one chunk. */
async function chunk(
  change = (entries: StreamEntry[]): ReadEntry[] => entries,
  mode = NONE,
): Promise<LedgerChunk> {
  const entries = story.entries.slice(judged);
  const from = { ...START, sequence: judged, eventsTotal: story.entries[judged - 1]?.eventsTotal ?? 0 };
  judged = story.entries.length;
  return validator.validate(change(entries), from, EPOCH, mode);
}

function receive(movementId: string, lines: string): Told {
  return { type: 'InventoryReceived', movementId, reason: '', lines };
}
const dispatch: Told = {
  type: 'TransferDispatched',
  transferId: 't',
  to: 'V',
  reason: 'refill',
  lines: 'S@W=10',
};
const land = (lines: string, rejected: number, operation: string): Told => ({
  type: 'TransferReceived',
  transferId: 't',
  rejected,
  operation,
  lines,
});
const transfer: TransferDocument = {
  transferId: 't',
  status: 'IN_TRANSIT',
  sku: 'S',
  from: 'W',
  to: 'V',
  quantity: 10,
  received: 0,
  rejected: 0,
  returned: 0,
  operations: [],
  reason: 'refill',
  actor: 'tester',
  dispatchedAtMs: STORY_AT_MS,
  closedAtMs: undefined,
};
/** The last entry with an item that the script left with other figures. */
function withSold(sold: number, warehouse?: string) {
  return (entries: StreamEntry[]): StreamEntry[] =>
    entries.map((entry, i) => {
      if (i < entries.length - 1) return entry;
      const isMeant = (item: { warehouse: string }) =>
        warehouse === undefined || item.warehouse === warehouse;
      return { ...entry, items: entry.items.map((item) => (isMeant(item) ? { ...item, sold } : item)) };
    });
}
const kindsOf = ({ findings }: LedgerChunk) =>
  findings.map(({ kind, sku, warehouse }) => `${kind} ${sku}@${warehouse}`);

test('a chunk of ordinary orders has none', async () => {
  const fingerprint = '1800000;S@W=1';
  const expiresAtMs = STORY_AT_MS + 1_800_000;
  story.tell({ type: 'InventoryReserved', orderId: 'o', expiresAtMs, fingerprint, lines: 'S@W=1' });
  story.tell({ type: 'InventoryDeducted', orderId: 'o', operation: 'c*', lines: 'S@W=1' });
  expect((await chunk()).documents).toBeUndefined();
  expect(ledger.asked).toEqual([['S@W', 'S@V'], ['o']]);
});

describe('a transfer', () => {
  test('is one document, however many steps it takes, in one chunk or in several', async () => {
    story.tell(dispatch);
    story.tell(land('S@V=4', 1, 'r1'), {
      type: 'InventoryIssued',
      transferId: 't',
      reason: 'rejected',
      lines: 'S@V=1',
    });
    const first = await chunk();
    expect(first.documents).toEqual({
      ...NOTHING,
      newTransfers: [{ ...transfer, received: 3, rejected: 1, operations: ['r1'] }],
    });
    // Not committed yet when the next is validated.
    story.nowMs += 5;
    story.tell(land('S@V=6', 0, 'r2'));
    const second = await chunk();
    const received = { received: 9, rejected: 1, operations: ['r1', 'r2'] };
    expect(second.documents).toEqual({
      ...NOTHING,
      changedTransfers: [{ ...transfer, ...received, status: 'RECEIVED', closedAtMs: STORY_AT_MS + 5 }],
    });
    expect([...first.findings, ...second.findings]).toEqual([]);
    expect(first.rows.map(({ event }) => event.type)).toContain('InventoryIssued');
  });

  test('returns what is in transit when it is cancelled', async () => {
    ledger.transfers.set('t', { ...transfer, received: 3, operations: ['r1'] });
    story.tell({ type: 'TransferCancelled', transferId: 't', lines: 'S@W=7' });
    const { documents, findings } = await chunk();
    expect(findings).toEqual([]);
    expect(documents?.changedTransfers).toMatchObject([
      { status: 'CANCELLED', received: 3, returned: 7, closedAtMs: STORY_AT_MS },
    ]);
  });

  test.each<[string, TransferDocument | undefined, Told, string]>([
    ['lands more than is in transit', { ...transfer, received: 3 }, land('S@V=8', 0, 'r2'), 'S@V'],
    ['lands elsewhere', transfer, land('S@W=8', 0, 'r2'), 'S@W'],
    ['lands although nobody dispatched it', undefined, land('S@V=1', 0, 'r'), 'S@V'],
    ['lands after its end', { ...transfer, status: 'RECEIVED', received: 10 }, land('S@V=1', 0, 'r'), 'S@V'],
    [
      'turns round with less than is in transit',
      transfer,
      { type: 'TransferCancelled', transferId: 't', lines: 'S@W=9' },
      'S@W',
    ],
    ['is dispatched a second time', transfer, dispatch, 'S@W'],
  ])('that %s stops the item, and nothing of it is noted', async (_, known, told, name) => {
    if (known) ledger.transfers.set('t', known);
    story.tell(told);
    const found = await chunk();
    expect(kindsOf(found)).toEqual([`transfer-not-allowed ${name}`]);
    expect(found.documents).toEqual(NOTHING);
    expect(found.items.filter((item) => item.quarantineReason)).toHaveLength(1);
    expect(found.rows.filter(({ line }) => `${line.sku}@${line.warehouse}` === name)).toHaveLength(1);
    expect(found.parked).toHaveLength(1);
  });

  test('that is dispatched again after its end begins anew, and a repeat of the same is to be cancelled', async () => {
    ledger.transfers.set('t', { ...transfer, status: 'CANCELLED', returned: 10 });
    story.tell(dispatch);
    const found = await chunk();
    expect(found.findings).toMatchObject([
      { kind: 'transfer-id-reused', evidence: { takeBack: { by: 'cancel-transfer', id: 't' } } },
    ]);
    expect(found.documents).toMatchObject({ reusedTransfers: [{ status: 'IN_TRANSIT', returned: 0 }] });
    expect(found.items.filter((item) => item.quarantineReason)).toEqual([]);
  });

  test('does not count what an item in quarantine took in, in the same entry or later', async () => {
    ledger.transfers.set('t', transfer);
    story.tell(land('S@V=2', 0, 'r1'));
    const found = await chunk(withSold(9));
    expect(kindsOf(found)).toEqual(['checkpoint-mismatch S@V']);
    expect(found.documents).toEqual(NOTHING);
    story.tell(land('S@V=3', 0, 'r2'));
    const next = await chunk();
    expect(next).toMatchObject({ findings: [], rows: [], documents: NOTHING, parked: [{ warehouse: 'V' }] });
  });

  test('does not keep an earlier step of an entry in which a later one stops the item', async () => {
    ledger.transfers.set('t', transfer);
    story.tell(land('S@V=4', 0, 'r1'), land('S@V=7', 0, 'r2'));
    const found = await chunk();
    expect(kindsOf(found)).toEqual(['transfer-not-allowed S@V']);
    expect(found.documents).toEqual(NOTHING);
    expect(found.parked).toHaveLength(2);
  });

  test('whose first step is in quarantine takes its second there in the same entry', async () => {
    story.tell(dispatch, land('S@V=4', 0, 'r1'));
    const found = await chunk(withSold(9, 'W'));
    expect(kindsOf(found)).toEqual(['checkpoint-mismatch S@W', 'transfer-not-allowed S@V']);
    expect(found.documents).toEqual(NOTHING);
    expect(found.rows.map(({ event }) => event.type)).toEqual(['InventoryReceived', 'InventoryReceived']);
    expect(found.parked).toHaveLength(2);
  });
});

describe('a count', () => {
  const start: Told = {
    type: 'StocktakeStarted',
    stocktakeId: 'k',
    untilMs: STORY_AT_MS + 900_000,
    lines: 'S@W=100',
  };
  const begun = {
    stocktakeId: 'k',
    sku: 'S',
    warehouse: 'W',
    untilMs: STORY_AT_MS + 900_000,
    before: 100,
    startedBy: 'tester',
    startedAtMs: STORY_AT_MS,
  };

  test('is one line of its sheet, begun and ended in one chunk', async () => {
    story.tell(start);
    story.nowMs += 9;
    story.tell({
      type: 'StocktakeCompleted',
      stocktakeId: 'k',
      reason: 'broken',
      lines: 'S@W=97',
      actor: 'ann',
    });
    const { documents, items } = await chunk();
    const ended = {
      status: 'COUNTED',
      counted: 97,
      reason: 'broken',
      endedBy: 'ann',
      endedAtMs: STORY_AT_MS + 9,
    };
    expect(documents).toEqual({ ...NOTHING, stocktakes: [{ ...begun, ...ended }] });
    expect(items.find(({ item }) => item.warehouse === 'W')?.item).toMatchObject({
      total: 97,
      available: 97,
    });
  });

  test('locks the item in one chunk, and ends in another', async () => {
    story.tell(start);
    const first = await chunk();
    expect(first.documents?.stocktakes).toMatchObject([{ ...begun, status: 'COUNTING', counted: undefined }]);
    expect(first.items.find(({ item }) => item.warehouse === 'W')?.item.stocktake).toEqual({
      stocktakeId: 'k',
      untilMs: STORY_AT_MS + 900_000,
    });
    story.nowMs += 900_000;
    story.tell({ type: 'StocktakeLapsed', stocktakeId: 'k', lines: 'S@W=100', actor: 'clock' });
    const second = await chunk();
    expect(second.documents).toEqual({
      ...NOTHING,
      endedStocktakes: [
        {
          stocktakeId: 'k',
          sku: 'S',
          warehouse: 'W',
          status: 'LAPSED',
          counted: undefined,
          reason: '',
          endedBy: 'clock',
          endedAtMs: STORY_AT_MS + 900_000,
        },
      ],
    });
    expect(second.items[0]?.item.stocktake).toBeUndefined();
  });

  test('BR-007: a hot path that sells under the lock stops the item', async () => {
    story.tell(start);
    await chunk();
    const expiresAtMs = STORY_AT_MS + 1_800_000;
    const line = { sku: 'S', warehouse: 'W', quantity: 1, version: 3 };
    const event = {
      type: 'InventoryReserved',
      orderId: 'o',
      expiresAtMs,
      fingerprint: '1800000;S@W=1',
    } as const;
    const base = { atMs: STORY_AT_MS, actor: 'tester', lines: [line] };
    const entry = {
      epoch: 1,
      sequence: 3,
      atMs: STORY_AT_MS,
      eventsTotal: 9,
      link: 'link3',
      linkBefore: 'link2',
      events: [{ ...event, ...base }],
    };
    const item = { ...story.item('S@W'), available: 99, reserved: 1, version: 3 };
    const found = await validator.validate(
      [{ ...entry, items: [item] }],
      { ...START, sequence: 2 },
      EPOCH,
      NONE,
    );
    expect(found.findings).toMatchObject([
      { kind: 'not-allowed', detail: expect.stringContaining('BR-007') },
    ]);
  });

  test('a lock that the hot path forgot, or moved, is a difference', async () => {
    story.tell(start);
    const found = await chunk((entries) => {
      const last = entries.at(-1) as StreamEntry;
      return [
        ...entries.slice(0, -1),
        { ...last, items: last.items.map(({ stocktake: _, ...item }) => item) },
      ];
    });
    expect(found.findings).toMatchObject([
      { kind: 'checkpoint-mismatch', detail: expect.stringContaining('stocktake none') },
    ]);
    expect(found.documents).toEqual(NOTHING);
  });
});

describe('a sale', () => {
  const sale = {
    saleId: 'x',
    sku: 'S',
    opensAtMs: STORY_AT_MS,
    closesAtMs: STORY_AT_MS + 60_000,
    quantity: 50,
    limitPerCustomer: 2,
  };
  const made = {
    scheduledBy: 'tester',
    scheduledAtMs: STORY_AT_MS,
    closedBy: undefined,
    closedAtMs: undefined,
  };

  test('passes without an item, and is a document of its own', async () => {
    await chunk();
    story.tell({ type: 'SaleScheduled', ...sale });
    const first = await chunk();
    expect(first).toMatchObject({ rows: [], items: [], findings: [], toSequence: 2 });
    expect(first.documents).toEqual({ ...NOTHING, sales: [{ ...sale, ...made }] });
    story.nowMs += 7;
    story.tell({ type: 'SaleClosed', saleId: 'x', sku: 'S', actor: 'ann' });
    expect((await chunk()).documents).toEqual({
      ...NOTHING,
      closedSales: [{ saleId: 'x', closedBy: 'ann', closedAtMs: STORY_AT_MS + 7 }],
    });
  });

  test('scheduled and closed in one chunk is one document', async () => {
    story.tell({ type: 'SaleScheduled', ...sale });
    story.tell({ type: 'SaleClosed', saleId: 'x', sku: 'S' });
    const ended = { closedBy: 'tester', closedAtMs: STORY_AT_MS };
    expect((await chunk()).documents).toEqual({ ...NOTHING, sales: [{ ...sale, ...made, ...ended }] });
  });

  test('with an impossible time is a finding, although there is no item to stop', async () => {
    story.tell({ type: 'SaleScheduled', ...sale, closesAtMs: 1e18 });
    const found = await chunk();
    expect(found.findings).toMatchObject([
      { kind: 'not-allowed', detail: expect.stringContaining('closesAtMs') },
    ]);
    expect(found.documents).toBeUndefined();
  });

  test('that SQL refuses is a finding', async () => {
    await chunk();
    story.tell({ type: 'SaleScheduled', ...sale });
    const found = await chunk(undefined, { kind: 'condemned', refusal: 'too early' });
    expect(found.findings).toMatchObject([{ kind: 'refused-by-sql', detail: 'too early' }]);
    expect(found.documents).toBeUndefined();
  });
});

describe('a payment', () => {
  const fingerprint = '1800000;S@W=3';
  const hold = {
    orderId: 'o',
    lines: [{ sku: 'S', warehouse: 'W', quantity: 3 }],
    fingerprint,
    operations: [],
  };
  const life = { reservedAtMs: STORY_AT_MS - 9, expiresAtMs: STORY_AT_MS - 5, resolvedAtMs: STORY_AT_MS - 4 };

  test('that other warehouses serve proposes transfers to the one that should have', async () => {
    ledger.reservations.set('o', {
      ...hold,
      lines: [...hold.lines, { sku: 'S', warehouse: 'V', quantity: 1 }],
      reservedAtMs: STORY_AT_MS - 9,
      expiresAtMs: STORY_AT_MS + 5,
      status: 'ACTIVE',
    });
    const expiresAtMs = STORY_AT_MS + 5;
    story.tell({
      type: 'InventoryReserved',
      orderId: 'x',
      expiresAtMs,
      fingerprint: '-',
      lines: 'S@W=3,S@V=1',
    });
    story.tell({
      type: 'InventoryDeducted',
      orderId: 'x',
      operation: 'c*',
      proposeTransferTo: 'V',
      lines: 'S@W=3,S@V=1',
    });
    const { documents, findings } = await chunk();
    expect(findings).toEqual([]);
    expect(documents).toEqual({
      ...NOTHING,
      proposals: [
        { orderId: 'x', sku: 'S', from: 'W', to: 'V', quantity: 3, actor: 'tester', atMs: STORY_AT_MS },
      ],
    });
  });

  test('that came short is filed, and resolved by one that found stock', async () => {
    ledger.reservations.set('o', { ...hold, ...life, status: 'EXPIRED' });
    story.tell({ type: 'PaymentCameShort', orderId: 'o', lines: 'S@W=3' });
    const short = await chunk();
    expect(short.findings).toEqual([]);
    expect(short.documents).toEqual({
      ...NOTHING,
      shortfalls: [{ orderId: 'o', lines: hold.lines, actor: 'tester', atMs: STORY_AT_MS }],
    });
    expect(short.paidLateReservations).toMatchObject([
      { orderId: 'o', status: 'EXPIRED', operations: ['short'] },
    ]);
    story.tell({ type: 'InventoryReacquired', orderId: 'o', operation: 'c*', lines: 'S@V=3', actor: 'ann' });
    const found = await chunk();
    expect(found.findings).toEqual([]);
    expect(found.documents).toEqual({
      ...NOTHING,
      resolvedShortfalls: [{ orderId: 'o', actor: 'ann', atMs: STORY_AT_MS }],
    });
    expect(found.paidLateReservations).toMatchObject([
      {
        orderId: 'o',
        status: 'CONFIRMED',
        lines: [{ warehouse: 'V', quantity: 3 }],
        operations: ['short', 'c*'],
      },
    ]);
    expect(found.reusedReservations).toEqual([]);
    expect(found.items[0]?.item).toMatchObject({ available: 97, sold: 3 });
  });

  test('BR-006: an order that did not expire is not sold by a late payment', async () => {
    ledger.reservations.set('o', { ...hold, ...life, status: 'RELEASED' });
    story.tell({ type: 'InventoryReacquired', orderId: 'o', operation: 'c*', lines: 'S@W=3' });
    const found = await chunk();
    expect(kindsOf(found)).toEqual(['reservation-not-allowed S@W']);
    expect(found.paidLateReservations).toEqual([]);
    expect(found.documents).toEqual(NOTHING);
  });

  test('of an order that ships is a movement, not a step of its reservation', async () => {
    story.tell({
      type: 'InventoryReserved',
      orderId: 'o',
      expiresAtMs: STORY_AT_MS + 5,
      fingerprint,
      lines: 'S@W=3',
    });
    story.tell({ type: 'InventoryDeducted', orderId: 'o', operation: 'c*', lines: 'S@W=3' });
    story.tell({ type: 'InventoryShipped', movementId: 'm9', orderId: 'o', reason: '', lines: 'S@W=2' });
    const found = await chunk();
    expect(found.findings).toEqual([]);
    expect(found.newReservations).toMatchObject([{ orderId: 'o', status: 'CONFIRMED' }]);
    expect(found.items[0]?.item).toMatchObject({ total: 98, available: 97, sold: 1 });
  });
});

test('BR-006: a movement of any kind is known by its id', async () => {
  await chunk();
  const base = { sku: 'S', warehouse: 'W', quantity: 1 };
  ledger.movements.set('m7', { ...base, movementId: 'm7', type: 'InventoryIssued', reason: 'lost' });
  ledger.movements.set('m8', { ...base, movementId: 'm8', type: 'InventoryReceived', reason: '' });
  story.tell({ type: 'InventoryIssued', movementId: 'm7', reason: 'lost', lines: 'S@W=1' });
  story.tell({ type: 'ReturnWrittenOff', movementId: 'm8', reason: 'broken', lines: 'S@V=1' });
  const found = await chunk(undefined, { kind: 'strict' });
  expect(found.findings).toMatchObject([
    { kind: 'movement-id-reused', evidence: { takeBack: { by: 'receive', id: 'm7', quantity: 1 } } },
    { kind: 'movement-id-reused', evidence: { takeBack: undefined } },
  ]);
  expect(found.rows.map(({ event }) => event)).toMatchObject([
    { type: 'InventoryIssued', movementId: undefined },
    { type: 'ReturnWrittenOff', movementId: undefined },
  ]);
});
