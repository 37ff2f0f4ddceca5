/**
 * Compares confirmed orders from both sides, for as long as Redis keeps them: whoever was told that an order is bought must
 * find it in both stores. One that differs is read again, in the way of audit-holds.ts.
 */
import type { Reservation } from '../../domain/reservation.ts';
import { isSame } from './audit-holds.ts';
import { AUDIT_PAGE, type Auditor, LOOKS_MAX } from './auditor.ts';

/** A record of Redis may go a little before its time by the clock of this process. */
const CLOCKS_DIFFER_MS = 60_000;

/** Compares every confirmed order. @param tombstoneMs how long Redis keeps one @throws {Incomplete} */
export async function compareConfirmed(auditor: Auditor, tombstoneMs: number): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  for await (const orderIds of auditor.scan(keys.reservation(''))) {
    const texts = await redis.mget(...orderIds.map((orderId) => keys.reservation(orderId)));
    const textOf = new Map(orderIds.map((orderId, i) => [orderId, texts[i] ?? null]));
    const confirmed = orderIds.filter((orderId) => isConfirmed(textOf.get(orderId)));
    const known = new Map(
      (await ledger.loadReservations(confirmed)).map((reservation) => [reservation.orderId, reservation]),
    );
    for (const orderId of confirmed) {
      auditor.orders++;
      const reservation = known.get(orderId);
      if (!reservation || !isSame(reservation, textOf.get(orderId) ?? null)) {
        await recheck(auditor, orderId, tombstoneMs);
      }
    }
  }
  const sinceMs = Date.now() - tombstoneMs + CLOCKS_DIFFER_MS;
  for await (const page of ledger.past.resolvedSince(sinceMs, AUDIT_PAGE)) {
    const confirmed = page.filter(({ status }) => status === 'CONFIRMED');
    if (confirmed.length === 0) continue;
    const texts = await redis.mget(...confirmed.map(({ orderId }) => keys.reservation(orderId)));
    for (const [i, { orderId }] of confirmed.entries()) {
      if (!isConfirmed(texts[i])) await recheck(auditor, orderId, tombstoneMs);
    }
    auditor.reportOrAbort();
  }
}

function isConfirmed(text: string | null | undefined): boolean {
  return text?.startsWith('CONFIRMED ') ?? false;
}

/** An order that differed: a finding only if Redis's text did not change while the ledger caught up, and still differs. */
async function recheck(auditor: Auditor, orderId: string, tombstoneMs: number): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  for (let look = 0; look < LOOKS_MAX; look++) {
    const before = await redis.get(keys.reservation(orderId));
    await auditor.catchUp();
    const [reservation] = await ledger.loadReservations([orderId]);
    const after = await redis.get(keys.reservation(orderId));
    if (before !== after) continue;
    if (isExplained(reservation, after, tombstoneMs)) return;
    const line = reservation?.lines[0];
    auditor.addFinding({
      kind: 'order',
      sku: line?.sku ?? '',
      warehouse: line?.warehouse ?? '',
      orderId,
      version: 0,
      detail: `order ${orderId}: ${after ?? 'nothing'} in the hot path, ${reservation?.status ?? 'nothing'} in the ledger`,
    });
    return;
  }
}

function isExplained(
  reservation: Reservation | undefined,
  text: string | null,
  tombstoneMs: number,
): boolean {
  if (!isConfirmed(text) && reservation?.status !== 'CONFIRMED') return true;
  if (reservation === undefined) return false;
  if (text !== null) return isSame(reservation, text);
  // It has left Redis in its own time.
  return (reservation.resolvedAtMs ?? 0) < Date.now() - tombstoneMs + CLOCKS_DIFFER_MS;
}
