/**
 * Goal: what warehouse and shop people look up and settle: goods on their way, proposals to send some, sales, and payments
 * that came too late.
 * Method: a whole Holdfast, Redis, worker and Postgres; the lists are asked until the worker has carried the events over.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../holdfast.ts';
import { type Desk, openDesk } from './desk.ts';
import { problemOf } from './open-server.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk?.close());

const call: Desk['call'] = (...request) => desk.call(...request);
const fresh: Desk['fresh'] = (what) => desk.fresh(what);
const stock: Desk['stock'] = (...units) => desk.stock(...units);
const reserve: Desk['reserve'] = (...order) => desk.reserve(...order);
const listed: Desk['listed'] = (url, plural, is) => desk.listed(url, plural, is);

describe('transfers', () => {
  test('are listed by state, and told by the ledger when Redis has forgotten them', async () => {
    await stock('SENT', 10, 'KHH');
    const transferId = fresh('T');
    const sent = { transferId, sku: 'SENT', from: 'KHH', to: 'TPE', quantity: 4, reason: 'festival' };
    await call('POST', '/v1/transfers', sent, 'alice');
    type Row = { transferId: string; received: number };
    const row = await listed<Row>(
      '/v1/transfers?state=IN_TRANSIT',
      'transfers',
      (found) => found.transferId === transferId,
    );
    expect(row).toMatchObject({ ...sent, actor: 'alice', inTransit: 4, dispatchedAt: expect.any(String) });
    await call('POST', `/v1/transfers/${transferId}/receive`, { received: 3, rejected: 1 });
    await listed<Row>(
      '/v1/transfers?state=RECEIVED',
      'transfers',
      (found) => found.transferId === transferId && found.received === 3,
    );
    const before = (await call('GET', `/v1/transfers/${transferId}`)).body;
    expect(await desk.holdfast.redis.del(desk.holdfast.keys.transfer(transferId))).toBe(1);
    expect((await call('GET', `/v1/transfers/${transferId}`)).body).toEqual(before);
    const { body } = await call('GET', `/v1/ledger?transferId=${transferId}`);
    expect((body.entries as { type: string }[]).map(({ type }) => type)).toEqual([
      'InventoryIssued',
      'TransferReceived',
      'TransferDispatched',
    ]);
  });

  type Proposal = { proposalId: number; orderId: string; state: string };
  /** A proposal to send `sku` from KHH to TPE, where it should have been. */
  async function proposed(sku: string): Promise<Proposal> {
    await stock(sku, 5, 'KHH');
    const orderId = await reserve(sku, 2);
    await call('POST', `/v1/reservations/${orderId}/confirm`, { proposeTransferTo: 'TPE' });
    return listed<Proposal>(
      '/v1/transfer-proposals?state=open',
      'proposals',
      (row) => row.orderId === orderId,
    );
  }

  test('a proposal is dismissed once', async () => {
    const { proposalId, ...proposal } = await proposed('PROPOSED-1');
    expect(proposal).toMatchObject({ state: 'open', sku: 'PROPOSED-1', from: 'KHH', to: 'TPE', quantity: 2 });
    const url = `/v1/transfer-proposals/${proposalId}/dismiss`;
    const dismissed = await call('POST', url, undefined, 'alice');
    expect([dismissed.status, dismissed.headers['idempotent-replayed']]).toEqual([200, undefined]);
    expect(dismissed.body).toMatchObject({ proposalId, state: 'dismissed', decidedBy: 'alice' });
    const again = await call('POST', url, undefined, 'bob');
    expect([again.status, again.headers['idempotent-replayed'], again.body]).toEqual([
      200,
      'true',
      dismissed.body,
    ]);
    const late = {
      transferId: fresh('T'),
      sku: 'PROPOSED-1',
      from: 'KHH',
      to: 'TPE',
      quantity: 2,
      proposalId,
    };
    expect(problemOf(await call('POST', '/v1/transfers', late))).toEqual({
      status: 409,
      code: 'proposal-ended',
      proposal: dismissed.body,
    });
    expect((await call('GET', '/v1/items/PROPOSED-1')).body.total).toBe(5);
  });

  test('a transfer settles the proposal it answers, and may be repeated', async () => {
    const { proposalId } = await proposed('PROPOSED-2');
    const sent = { sku: 'PROPOSED-2', from: 'KHH', to: 'TPE', quantity: 2, proposalId };
    const transferId = fresh('T');
    const first = await call('POST', '/v1/transfers', { transferId, ...sent });
    expect(first.status).toBe(201);
    const again = await call('POST', '/v1/transfers', { transferId, ...sent });
    expect([again.status, again.headers['idempotent-replayed'], again.body]).toEqual([
      200,
      'true',
      first.body,
    ]);
    const settled = await listed<Proposal>(
      '/v1/transfer-proposals?state=transferred',
      'proposals',
      (row) => row.proposalId === proposalId,
    );
    const other = await call('POST', '/v1/transfers', { transferId: fresh('T'), ...sent });
    expect(problemOf(other)).toEqual({ status: 409, code: 'proposal-ended', proposal: settled });
    const dismissed = await call('POST', `/v1/transfer-proposals/${proposalId}/dismiss`);
    expect(problemOf(dismissed)).toMatchObject({ status: 409, code: 'proposal-ended' });
    const unknown = { status: 404, code: 'unknown-proposal' };
    expect(problemOf(await call('POST', '/v1/transfer-proposals/999999/dismiss'))).toEqual(unknown);
    const lost = { transferId: fresh('T'), ...sent, proposalId: 999_999 };
    expect(problemOf(await call('POST', '/v1/transfers', lost))).toEqual(unknown);
  });
});

describe('sales', () => {
  test('are listed, newest first, with their state', async () => {
    await stock('SALE', 10);
    const hour = (h: number) => new Date(Date.now() + h * 3_600_000).toISOString();
    const windows = { past: [-2, 1], upcoming: [1, 2], open: [-1, 1] } as const;
    for (const [saleId, [from, to]] of Object.entries(windows)) {
      const sale = { saleId, sku: 'SALE', opensAt: hour(from), closesAt: hour(to), quantity: 1 };
      expect((await call('POST', '/v1/sales', sale, 'carol')).status).toBe(201);
    }
    await call('POST', '/v1/sales/past/close', undefined, 'dave');
    type Row = { saleId: string; state: string; closedBy?: string };
    const past = await listed<Row>('/v1/sales?sku=SALE', 'sales', (row) => row.closedBy !== undefined);
    expect(past).toMatchObject({ saleId: 'past', state: 'closed', scheduledBy: 'carol', closedBy: 'dave' });
    const { body } = await call('GET', '/v1/sales?sku=SALE&limit=2');
    expect(body.sales).toMatchObject([
      { saleId: 'open', state: 'open', quantity: 1, limitPerCustomer: 0 },
      { saleId: 'upcoming', state: 'upcoming' },
    ]);
    const rest = await call('GET', `/v1/sales?sku=SALE&after=${body.next}`);
    expect([(rest.body.sales as Row[]).map(({ saleId }) => saleId), rest.body.next]).toEqual([
      ['past'],
      null,
    ]);
  });
});

describe('late payments', () => {
  type Case = { orderId: string; state: string };
  /** An order that was paid after its hold expired and somebody else took the stock. */
  async function short(sku: string): Promise<string> {
    await stock(sku, 1);
    const orderId = await reserve(sku, 1, { holdSeconds: 1 });
    const url = `/v1/reservations/${orderId}`;
    await until(async () => (await call('GET', url)).body.status === 'EXPIRED');
    await reserve(sku, 1);
    expect((await call('POST', `${url}/confirm`, { reacquire: true })).body.code).toBe('paid-but-short');
    await listed<Case>('/v1/shortfalls?state=open', 'shortfalls', (row) => row.orderId === orderId);
    return orderId;
  }

  test('are on a list until somebody has made them good', async () => {
    const orderId = await short('LATE-1');
    const url = `/v1/shortfalls/${orderId}/resolve`;
    const resolved = await call('POST', url, { resolution: 'refunded' }, 'erin');
    expect(resolved.status).toBe(200);
    expect(resolved.body).toMatchObject({
      orderId,
      state: 'resolved',
      lines: [{ sku: 'LATE-1', warehouse: 'TPE', quantity: 1 }],
      resolution: 'refunded',
      resolvedBy: 'erin',
    });
    const again = await call('POST', url, { resolution: 'voucher' }, 'frank');
    expect([again.status, again.headers['idempotent-replayed'], again.body]).toEqual([
      200,
      'true',
      resolved.body,
    ]);
    const open = await call('GET', '/v1/shortfalls?state=open&limit=1000');
    expect((open.body.shortfalls as Case[]).map((row) => row.orderId)).not.toContain(orderId);
    const unknown = await call('POST', '/v1/shortfalls/nobody/resolve', { resolution: 'x' });
    expect(problemOf(unknown)).toEqual({ status: 404, code: 'unknown-shortfall' });
  });

  test('resolve themselves when the goods are there after all', async () => {
    const orderId = await short('LATE-2');
    await stock('LATE-2', 1);
    expect((await call('POST', `/v1/reservations/${orderId}/confirm`, { reacquire: true })).status).toBe(200);
    await listed<Case>(
      '/v1/shortfalls',
      'shortfalls',
      (row) => row.orderId === orderId && row.state === 'resolved',
    );
  });
});

test('after all this hot path and ledger agree', async () => {
  const { verdict, findings } = await desk.holdfast.audit();
  expect({ verdict, findings }).toEqual({ verdict: 'agree', findings: [] });
});
