/**
 * Documents where something is wrong: a transfer that the stream has with other figures, a document that SQL refuses.
 * The item it concerns stops, or where there is none a finding is made; all others go on.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Room, type TestWorker } from '../ledger/room.ts';

let room: Room;
beforeEach(async () => {
  room = await Room.open();
  const { hot } = room.engine;
  for (const warehouse of ['east', 'west']) {
    await hot.receive({ movementId: `stock-${warehouse}`, sku: 'S', warehouse, quantity: 100 });
  }
});
afterEach(async () => {
  await room.close();
});

async function carryAll(): Promise<TestWorker> {
  const worker = await room.worker();
  await worker.writeBehind.drained();
  return worker;
}

/** Writes the newest entry of the stream anew with other texts. */
async function tamper(change: (text: string) => string): Promise<void> {
  const { redis, hot } = room.engine;
  const [[id, fields] = ['', []]] = await redis.xrevrange(hot.keys.events, '+', '-', 'COUNT', 1);
  const before = await redis.xrange(hot.keys.events, '-', `(${id}`);
  await redis.del(hot.keys.events);
  for (const [earlier, same] of before) await redis.xadd(hot.keys.events, earlier, ...same);
  await redis.xadd(hot.keys.events, id, ...fields.map(change));
}

const dispatch = (transferId: string, quantity: number) =>
  room.engine.hot.dispatchTransfer({ transferId, sku: 'S', from: 'east', to: 'west', quantity });
const statesOf = async ({ ledger }: TestWorker) =>
  (await ledger.read.items(undefined, 10)).map(
    ({ item, quarantine }) => `${item.warehouse} ${item.total} ${quarantine ? 'stopped' : 'goes on'}`,
  );

test('goods that land although they never left stop the item they landed in', async () => {
  await dispatch('t', 10);
  await dispatch('u', 10);
  await room.engine.hot.receiveTransfer({ transferId: 't', received: 4 });
  await tamper((text) => text.replace('TransferReceived t ', 'TransferReceived never-left '));
  await room.engine.hot.receiveTransfer({ transferId: 'u', received: 3 });
  const worker = await carryAll();
  expect(worker.findings).toMatchObject([{ kind: 'transfer-not-allowed', sku: 'S', warehouse: 'west' }]);
  expect(await statesOf(worker)).toEqual(['east 80 goes on', 'west 100 stopped']);
  // Both stand in transit, for nothing of what the stopped item took in is believed.
  const { transfers } = await worker.ledger.transfers.page({ limit: 10 });
  expect(transfers.map(({ transferId, status, received }) => [transferId, status, received])).toEqual([
    ['u', 'IN_TRANSIT', 0],
    ['t', 'IN_TRANSIT', 0],
  ]);
  expect(await worker.ledger.read.parkedEvents('S', 'west', 0, 10)).toHaveLength(2);
});

test('more than is in transit stops the item', async () => {
  await dispatch('t', 10);
  const { hot, redis } = room.engine;
  await redis.set(hot.keys.transfer('t'), 'IN_TRANSIT S east west 50 0 0 0 -');
  await hot.receiveTransfer({ transferId: 't', received: 40 });
  const worker = await carryAll();
  expect(worker.findings).toMatchObject([
    {
      kind: 'transfer-not-allowed',
      warehouse: 'west',
      detail: expect.stringContaining('40 of 10 in transit'),
    },
  ]);
  expect(await statesOf(worker)).toEqual(['east 90 goes on', 'west 100 stopped']);
});

test('a transfer whose id was used before is a finding, and stops no item', async () => {
  await dispatch('t', 10);
  const { hot, redis } = room.engine;
  await hot.receiveTransfer({ transferId: 't', received: 10 });
  const worker = await carryAll();
  await redis.del(hot.keys.transfer('t'));
  await dispatch('t', 10);
  await worker.writeBehind.drained();
  expect(worker.findings).toMatchObject([{ kind: 'transfer-id-reused' }]);
  // What Redis decided is followed; the worker takes a repeat of the same content back (repeats.ts).
  expect(await statesOf(worker)).toEqual(['east 80 goes on', 'west 110 goes on']);
});

test('a document that SQL refuses stops its item; the others go on', async () => {
  await room.database.owner.query(`ALTER TABLE transfers ADD CONSTRAINT test_only CHECK (quantity <> 13)`);
  await dispatch('t', 5);
  await dispatch('unlucky', 13);
  await room.engine.hot.receiveTransfer({ transferId: 't', received: 5 });
  const worker = await carryAll();
  expect(worker.findings).toMatchObject([{ kind: 'refused-by-sql', sku: 'S', warehouse: 'east' }]);
  expect(worker.findings[0]?.detail).toContain('test_only');
  expect(await statesOf(worker)).toEqual(['east 95 stopped', 'west 105 goes on']);
  expect(await worker.ledger.transfers.one('unlucky')).toBeUndefined();
  expect(await worker.ledger.transfers.one('t')).toMatchObject({ status: 'RECEIVED' });
});

test('a sale that SQL refuses is a finding, and nothing waits for it', async () => {
  const { hot } = room.engine;
  await room.database.owner.query(`ALTER TABLE sales ADD CONSTRAINT test_only CHECK (quantity <> 13)`);
  const sale = { sku: 'S', opensAtMs: 1, closesAtMs: Date.now() + 60_000 };
  await hot.scheduleSale({ saleId: 'unlucky', ...sale, quantity: 13 });
  await hot.scheduleSale({ saleId: 'fine', ...sale, quantity: 12 });
  await hot.reserve({ orderId: 'o', lines: [{ sku: 'S', quantity: 1 }], saleId: 'fine' });
  const worker = await carryAll();
  expect(worker.findings).toMatchObject([
    { kind: 'refused-by-sql', detail: expect.stringContaining('test_only') },
  ]);
  expect(await worker.ledger.sales.one('unlucky')).toBeUndefined();
  expect(await worker.ledger.sales.one('fine')).toMatchObject({ quantity: 12 });
  expect(await worker.ledger.read.reservation('o')).toMatchObject({ saleId: 'fine', status: 'ACTIVE' });
  expect(await statesOf(worker)).toEqual(['east 100 goes on', 'west 100 goes on']);
});

test('a sale with an impossible time in the stream is a finding', async () => {
  const { hot } = room.engine;
  const closesAtMs = Date.now() + 60_000;
  await hot.scheduleSale({ saleId: 'x', sku: 'S', opensAtMs: 1, closesAtMs, quantity: 9 });
  await tamper((text) => text.replace(`${closesAtMs}`, '999999999999999'));
  const worker = await carryAll();
  expect(worker.findings).toMatchObject([
    { kind: 'not-allowed', detail: expect.stringContaining('closesAtMs') },
  ]);
  expect(await worker.ledger.sales.one('x')).toBeUndefined();
});
