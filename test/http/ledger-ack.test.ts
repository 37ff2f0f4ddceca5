/**
 * The acknowledgement level `ledger` (D11), asked for by a request: the answer comes when Postgres has the decision. A
 * whole Holdfast; the ledger is read right behind the answer, without waiting for anything.
 */

import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { LedgerAck } from '../../src/http/ledger-ack.ts';
import { buildServer } from '../../src/http/server.ts';
import type { AnsweredPlace } from '../../src/ledger/cursor.ts';
import { type LedgerHandle, ledgerHandle } from '../../src/ledger/handle.ts';
import { testHoldfast, until } from '../holdfast.ts';
import { callApp, expectInvalid, openServer, problemOf } from './open-server.ts';

const LEDGER = { 'holdfast-ack': 'ledger' };

async function openWhole() {
  const holdfast = await testHoldfast();
  const log = pino({ level: 'silent' });
  const ledger = ledgerHandle({ databaseUrl: holdfast.databaseUrl });
  const app = await buildServer({ hot: holdfast.hot, log, registry: new Registry(), ledger });
  onTestFinished(async () => {
    await app.close();
    await ledger.close();
    await holdfast.close();
  });
  const call = (method: string, url: string, body?: unknown, headers: Record<string, string> = LEDGER) =>
    callApp(app, method, url, body, headers);
  return { holdfast, call };
}

test('the ledger has what was answered, of many at once', async () => {
  const { holdfast, call } = await openWhole();
  await call('POST', '/v1/stock/receive', { movementId: 'M', sku: 'TEA', warehouse: 'east', quantity: 50 });
  const orders = Array.from({ length: 60 }, (_, i) => `order-${i}`);
  await Promise.all(
    orders.map(async (orderId) => {
      const answer = await call('POST', '/v1/reservations', {
        orderId,
        lines: [{ sku: 'TEA', quantity: 1 }],
      });
      const known = await holdfast.ledger.loadReservations([orderId]);
      expect(known.map((one) => one.status)).toEqual(answer.status === 201 ? ['ACTIVE'] : []);
    }),
  );
  expect((await holdfast.ledger.read.items(undefined, 10))[0]?.item).toMatchObject({ reserved: 50 });
});

test('of those who come while the ledger is waited for, the newest is asked for next', async () => {
  const asked: number[] = [];
  const arrivals: (() => void)[] = [];
  const waitForSequence = (_partition: number, { sequence }: AnsweredPlace) => {
    asked.push(sequence);
    return new Promise<boolean>((resolve) => arrivals.push(() => resolve(true)));
  };
  const hot = { keys: { partition: 0 }, head: { epoch: 1, sequence: 5 } };
  const handle = { open: async () => ({ waitForSequence }) };
  const ack = new LedgerAck(hot as unknown as HotInventory, handle as unknown as LedgerHandle);
  const reached = [ack.reached()];
  for (const sequence of [7, 9, 8]) {
    hot.head = { epoch: 1, sequence };
    reached.push(ack.reached());
  }
  await until(() => arrivals.length === 1);
  arrivals[0]?.();
  await until(() => arrivals.length === 2);
  arrivals[1]?.();
  expect(await Promise.all(reached)).toEqual([true, true, true, true]);
  expect(asked).toEqual([5, 9]);
});

test('those who were answered in an older epoch are asked for by themselves', async () => {
  const asked: AnsweredPlace[] = [];
  // Epoch 2 began below what epoch 1 had answered; the ledger is beyond both.
  const waitForSequence = async (_partition: number, place: AnsweredPlace) => {
    asked.push(place);
    return place.epoch === 2;
  };
  const hot = { keys: { partition: 0 }, head: { epoch: 1, sequence: 5 } };
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const handle = { open: () => opened.then(() => ({ waitForSequence })) };
  const ack = new LedgerAck(hot as unknown as HotInventory, handle as unknown as LedgerHandle);
  const first = ack.reached();
  const reached: Promise<boolean>[] = [];
  for (const head of [
    { epoch: 1, sequence: 6 },
    { epoch: 2, sequence: 4 },
    { epoch: 2, sequence: 7 },
  ]) {
    hot.head = head;
    reached.push(ack.reached());
  }
  open();
  expect([await first, ...(await Promise.all(reached))]).toEqual([false, false, true, true]);
  expect(asked.map(({ epoch, sequence }) => `${epoch}-${sequence}`)).toEqual(['1-5', '1-6', '2-7']);
});

test('where the ledger does not come, the outcome is unknown, and a repeat without the wish tells', async () => {
  const { holdfast, call } = await openWhole();
  await call('POST', '/v1/stock/receive', { movementId: 'M', sku: 'TEA', warehouse: 'east', quantity: 5 });
  await holdfast.stopWorker();
  const order = { orderId: 'late', lines: [{ sku: 'TEA', quantity: 2 }] };
  const late = await call('POST', '/v1/reservations', order);
  expect(problemOf(late)).toMatchObject({ status: 503, code: 'unavailable', outcome: 'unknown' });
  const again = await call('POST', '/v1/reservations', order, {});
  expect(again).toMatchObject({ status: 200, body: { orderId: 'late', status: 'ACTIVE' } });
  // A refusal has nothing to wait for.
  const refused = await call('POST', '/v1/reservations', {
    ...order,
    orderId: 'big',
    lines: [{ sku: 'TEA', quantity: 9 }],
  });
  expect(refused.status).toBe(409);
}, 60_000);

test('another value is refused before anything runs', async () => {
  const server = await openServer();
  onTestFinished(() => server.close());
  const before = await server.dump();
  const receipt = { movementId: 'M', sku: 'TEA', warehouse: 'east', quantity: 5 };
  expectInvalid(await server.call('POST', '/v1/stock/receive', receipt, { 'holdfast-ack': 'paper' }), [
    'Holdfast-Ack',
  ]);
  expect(await server.dump()).toBe(before);
});
