/**
 * Open holds compared from both sides: those the ledger has, then those Redis has. One that looks different is looked at
 * again; it is adrift only where it stands still and is different still.
 */
import type { Reservation } from '../../domain/reservation.ts';
import { decodeReservation } from '../../hotpath/codec/reservation-codec.ts';
import { AUDIT_PAGE, type Auditor, LOOKS_MAX, readable } from './auditor.ts';

export async function compareHolds(auditor: Auditor): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  for await (const page of ledger.past.openReservations(AUDIT_PAGE)) {
    const texts = await redis.mget(...page.map((reservation) => keys.reservation(reservation.orderId)));
    for (const [i, reservation] of page.entries()) {
      auditor.holds++;
      if (!isSame(reservation, texts[i] ?? null)) await lookAtHold(auditor, reservation.orderId);
    }
    auditor.reportOrAbort();
  }
  for await (const orderIds of auditor.scan(keys.reservation(''))) {
    const texts = await redis.mget(...orderIds.map((orderId) => keys.reservation(orderId)));
    const open = orderIds.filter((_, i) => texts[i]?.startsWith('ACTIVE '));
    const known = new Set((await ledger.loadReservations(open)).map((reservation) => reservation.orderId));
    for (const orderId of open) if (!known.has(orderId)) await lookAtHold(auditor, orderId);
  }
}

/**
 * A hold that looked different. It is adrift only if Redis's text stood still while the ledger passed the point at
 * which it was read, and the ledger still tells something else.
 */
async function lookAtHold(auditor: Auditor, orderId: string): Promise<void> {
  const { redis, keys, ledger } = auditor.parts;
  for (let look = 0; look < LOOKS_MAX; look++) {
    const before = await redis.get(keys.reservation(orderId));
    await auditor.catchUp();
    const [reservation] = await ledger.loadReservations([orderId]);
    const after = await redis.get(keys.reservation(orderId));
    if (before !== after) continue;
    // A settled reservation leaves Redis when its tombstone ends; only an open one must be there.
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

/** Whether Redis's text tells what the ledger tells: status, lines, deadline, customer and sale. */
function isSame(reservation: Reservation, text: string | null): boolean {
  if (text === null) return false;
  const hot = readable(() => decodeReservation(reservation.orderId, text));
  return (
    hot !== undefined &&
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
