/**
 * Compares open holds from both sides: those of the ledger, then those of Redis. One that differs is read again: it is a
 * finding only if it does not change and still differs.
 */
import type { Reservation } from '../../domain/reservation.ts';
import { decodeReservation } from '../../hotpath/codec/reservation-codec.ts';
import { AUDIT_PAGE, type Auditor, LOOKS_MAX, readable } from './auditor.ts';

/** Compares every open hold. @throws {Incomplete} */
export async function compareHolds(auditor: Auditor): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  for await (const page of ledger.past.openReservations(AUDIT_PAGE)) {
    const texts = await redis.mget(...page.map((reservation) => keys.reservation(reservation.orderId)));
    for (const [i, reservation] of page.entries()) {
      auditor.holds++;
      if (!isSame(reservation, texts[i] ?? null)) await recheckHold(auditor, reservation.orderId);
    }
    auditor.reportOrAbort();
  }
  for await (const orderIds of auditor.scan(keys.reservation(''))) {
    const texts = await redis.mget(...orderIds.map((orderId) => keys.reservation(orderId)));
    const open = orderIds.filter((_, i) => texts[i]?.startsWith('ACTIVE '));
    const known = new Set((await ledger.loadReservations(open)).map((reservation) => reservation.orderId));
    for (const orderId of open) if (!known.has(orderId)) await recheckHold(auditor, orderId);
  }
}

/** A hold that differed: a finding only if Redis's text did not change while the ledger caught up, and still differs. */
async function recheckHold(auditor: Auditor, orderId: string): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  for (let look = 0; look < LOOKS_MAX; look++) {
    const before = await redis.get(keys.reservation(orderId));
    await auditor.catchUp();
    const [reservation] = await ledger.loadReservations([orderId]);
    const after = await redis.get(keys.reservation(orderId));
    if (before !== after) continue;
    // A resolved reservation leaves Redis when its tombstone ends; only an open one must be there.
    if (
      reservation
        ? isSame(reservation, after) || (after === null && reservation.status !== 'ACTIVE')
        : after === null
    )
      return;
    const line = reservation?.lines[0];
    auditor.addFinding({
      kind: 'hold',
      sku: line?.sku ?? '',
      warehouse: line?.warehouse ?? '',
      orderId,
      version: 0,
      detail: `order ${orderId}: ${after ?? 'nothing'} in the hot path, ${reservation ? `${reservation.status}` : 'nothing'} in the ledger`,
    });
    return;
  }
}

/** Whether Redis's text has the status, lines, deadline, customer and sale that the ledger has. */
export function isSame(reservation: Reservation, text: string | null): boolean {
  if (text === null) return false;
  const hot = readable(() => decodeReservation(reservation.orderId, text));
  return hot !== undefined && isSameHold(reservation, hot);
}

/** Whether status, lines, deadline, customer and sale of an order are the same. */
export function isSameHold(reservation: Reservation, hot: Reservation): boolean {
  return (
    hot.status === reservation.status &&
    hot.expiresAtMs === reservation.expiresAtMs &&
    hot.customerId === reservation.customerId &&
    hot.saleId === reservation.saleId &&
    hot.lines.length === reservation.lines.length &&
    hot.lines.every((line, i) => {
      const other = reservation.lines[i];
      return (
        line.sku === other?.sku && line.warehouse === other.warehouse && line.quantity === other.quantity
      );
    })
  );
}
