/**
 * Many reservations, page by page, for a rebuild: a server-side cursor reads the table once, as of one instant.
 * Promises: memory is bounded by the page, whatever the number of holds.
 */
import type pg from 'pg';
import type { Reservation } from '../domain/reservation.ts';
import { RESERVATION_COLUMNS, type ReservationRow, readReservation } from './reservation-rows.ts';

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
  const client = await pool.connect();
  let isDone = false;
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(
      `DECLARE reservation_stream NO SCROLL CURSOR FOR SELECT ${RESERVATION_COLUMNS.join(', ')} FROM reservations
       WHERE ${isOpen ? `status = 'ACTIVE'` : 'resolved_at >= to_timestamp($1)'}`,
      isOpen ? [] : [selection.resolvedSinceMs / 1_000],
    );
    for (;;) {
      const { rows } = await client.query<ReservationRow>(`FETCH ${pageRowsMax} FROM reservation_stream`);
      if (rows.length === 0) break;
      yield rows.map((row) => readReservation(row));
    }
    await client.query('COMMIT');
    isDone = true;
  } finally {
    // A reader that stops early, or an error, leaves a transaction: the connection goes with it.
    client.release(!isDone);
  }
}
