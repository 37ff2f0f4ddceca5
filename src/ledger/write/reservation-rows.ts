/**
 * Reservations as rows, and back. New ones go by COPY, in the order of their ids: neighbours in the chunk are neighbours in
 * the index, which saves Postgres 1 us of 6 a row. A chunk that reserves and confirms an order writes its row once.
 */
import type { Selectable } from 'kysely';
import type pg from 'pg';
import { decodeLines, encodeLines, requestFingerprint } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { ReservationsTable } from '../schema.ts';
import { type BulkValues, type Columns, instant, text, update, upsertInto } from './bulk-statement.ts';
import { copyCell, copyIn, instantText, textInSteps } from './bulk-text.ts';
import type { LedgerChunk } from './chunk.ts';

const COPY_RESERVATIONS = `COPY reservations (order_id, status, reserved_at, expires_at, resolved_at, lines, asked,
  operations, customer_id, sale_id) FROM STDIN`;

const SETTLED: Columns<Reservation> = {
  order_id: text((reservation) => reservation.orderId),
  status: text((reservation) => reservation.status, 'reservation_status'),
  resolved_at: instant((reservation) => reservation.resolvedAtMs),
  operations: text(operationsColumn),
};
const WHOLE: Columns<Reservation> = {
  ...SETTLED,
  reserved_at: instant((reservation) => reservation.reservedAtMs),
  expires_at: instant((reservation) => reservation.expiresAtMs),
  lines: text((reservation) => encodeLines(reservation.lines)),
  asked: text(askedColumn),
  customer_id: text((reservation) => reservation.customerId),
  sale_id: text((reservation) => reservation.saleId),
};

// BR-006: what is resolved stays as it was resolved; only a new life of the same order id takes its place.
const key = ['order_id'];
const UPDATES = {
  settled: update('reservations', SETTLED, {
    name: 'settle-reservations',
    key,
    where: `t.status = 'ACTIVE'`,
  }),
  changed: update('reservations', WHOLE, { name: 'update-reservations', key, where: `t.status = 'ACTIVE'` }),
  // A payment that came too late: it took the stock again, or a person has to resolve it.
  paidLate: update('reservations', WHOLE, {
    name: 'pay-reservations-late',
    key,
    where: `t.status = 'EXPIRED'`,
  }),
  reused: update('reservations', WHOLE, { name: 'reuse-reservations', key, where: `t.status <> 'ACTIVE'` }),
};
type Update = keyof typeof UPDATES;

/** A chunk's reservations as the statements take them. */
export interface ReservationTexts extends Readonly<Record<Update, BulkValues | undefined>> {
  /** For COPY. */
  readonly added: Buffer;
}

/** Makes the texts of a chunk's reservations, in the order of their ids. */
export async function reservationTexts(chunk: LedgerChunk): Promise<ReservationTexts> {
  const values = (name: Update, reservations: readonly Reservation[]) =>
    UPDATES[name].valuesOf([...reservations].sort(byOrderId));
  return {
    added: await textInSteps([...chunk.newReservations].sort(byOrderId), rowText),
    settled: values('settled', chunk.settledReservations),
    changed: values('changed', chunk.changedReservations),
    paidLate: values('paidLate', chunk.paidLateReservations),
    reused: values('reused', chunk.reusedReservations),
  };
}

/**
 * Writes a chunk's reservations.
 * @throws {ConcurrentModification} where one was not in the status it was believed to be in; a unique violation where an
 * order thought new is known
 */
export async function writeReservations(client: pg.ClientBase, texts: ReservationTexts): Promise<void> {
  if (texts.added.length > 0) await copyIn(client, COPY_RESERVATIONS, texts.added);
  for (const name of ['settled', 'changed', 'paidLate', 'reused'] as const) {
    await UPDATES[name].runForAll(client, texts[name]);
  }
}

const REPLACE = upsertInto('reservations', WHOLE, '(order_id)');

/** Writes reservations as they are said to be, whatever the ledger has under their ids: only a repair may. */
export async function replaceReservations(
  client: pg.ClientBase,
  reservations: readonly Reservation[],
): Promise<void> {
  await REPLACE.run(client, REPLACE.valuesOf(reservations));
}

function byOrderId(a: Reservation, b: Reservation): number {
  return a.orderId < b.orderId ? -1 : 1;
}

// Spelled out: thousands of rows a chunk, and a list of cells would take twice as long.
function rowText(reservation: Reservation): string {
  const { orderId, status, reservedAtMs, expiresAtMs, resolvedAtMs, lines, customerId, saleId } = reservation;
  const resolvedAt = resolvedAtMs === undefined ? '\\N' : instantText(resolvedAtMs);
  return (
    `${copyCell(orderId)}\t${status}\t${instantText(reservedAtMs)}\t${instantText(expiresAtMs)}\t${resolvedAt}\t` +
    `${encodeLines(lines)}\t${copyCell(askedColumn(reservation))}\t${copyCell(operationsColumn(reservation))}\t` +
    `${copyCell(customerId)}\t${copyCell(saleId)}\n`
  );
}

function askedColumn(reservation: Reservation): string | undefined {
  const { fingerprint, lines, reservedAtMs, expiresAtMs } = reservation;
  return fingerprint === requestFingerprint(expiresAtMs - reservedAtMs, lines, reservation)
    ? undefined
    : fingerprint;
}

function operationsColumn({ operations }: Reservation): string | undefined {
  return operations.length > 0 ? operations.join(';') : undefined;
}

/** A row of `reservations`. */
export type ReservationRow = Selectable<ReservationsTable>;

/** Reads a row back. @param unitMs what the times of the row are counted in, milliseconds or seconds */
export function readReservation(row: ReservationRow, unitMs: 1 | 1_000 = 1): Reservation {
  const lines = decodeLines(row.lines);
  const reservedAtMs = Math.round(row.reserved_at * unitMs);
  const expiresAtMs = Math.round(row.expires_at * unitMs);
  const terms = { customerId: row.customer_id ?? undefined, saleId: row.sale_id ?? undefined };
  return {
    orderId: row.order_id,
    status: row.status,
    lines,
    reservedAtMs,
    expiresAtMs,
    ...terms,
    fingerprint: row.asked ?? requestFingerprint(expiresAtMs - reservedAtMs, lines, terms),
    resolvedAtMs: row.resolved_at === null ? undefined : Math.round(row.resolved_at * unitMs),
    operations: row.operations?.split(';') ?? [],
  };
}
