/**
 * Many reservations, page by page, for a rebuild and for a comparison.
 */
import type pg from 'pg';
import type { Reservation } from '../../domain/reservation.ts';
import { RESERVATION_COLUMNS, type ReservationRow, readReservation } from '../write/reservation-rows.ts';
import { streamRows } from './row-stream.ts';

export type ReservationSelection =
  | { readonly open: true }
  /** Milliseconds since 1970. */
  | { readonly resolvedSinceMs: number };

export async function* streamReservations(
  pool: pg.Pool,
  selection: ReservationSelection,
  pageRowsMax: number,
): AsyncGenerator<Reservation[]> {
  const isOpen = 'open' in selection;
  const query = `SELECT ${RESERVATION_COLUMNS.join(', ')} FROM reservations
    WHERE ${isOpen ? `status = 'ACTIVE'` : 'resolved_at >= to_timestamp($1)'}`;
  const values = isOpen ? [] : [selection.resolvedSinceMs / 1_000];
  for await (const rows of streamRows<ReservationRow>(pool, query, values, pageRowsMax)) {
    yield rows.map((row) => readReservation(row));
  }
}
