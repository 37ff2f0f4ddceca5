/**
 * Reservations as rows and back. New ones by COPY, in the order of their ids: neighbours in the chunk are neighbours in
 * the index, which saves Postgres 1 us of 6 a row. A chunk that reserves and confirms an order writes one row once.
 */
import type pg from 'pg';
import { linesText, parseLines, type ReservationStatus, requestFingerprint } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import { ConcurrentModification } from '../errors.ts';
import { copyCell, copyIn, instantText, secondsArray, textArray, textInSteps } from './bulk-text.ts';
import type { LedgerChunk } from './chunk.ts';

const COPY_RESERVATIONS = `COPY reservations (order_id, status, reserved_at, expires_at, resolved_at, lines, asked,
  operations, customer_id, sale_id) FROM STDIN`;

// BR-006: what is resolved stays as it was resolved; only a new life of the same order id takes its place.
const SETTLE = `UPDATE reservations AS r SET status = u.status, resolved_at = to_timestamp(u.resolved_at),
  operations = u.operations
  FROM unnest($1::text[], $2::reservation_status[], $3::float8[], $4::text[])
    AS u(order_id, status, resolved_at, operations)
  WHERE r.order_id = u.order_id AND r.status = 'ACTIVE'`;

const UNNESTED = `unnest($1::text[], $2::reservation_status[], $3::float8[], $4::float8[], $5::float8[], $6::text[],
  $7::text[], $8::text[], $9::text[], $10::text[])
  AS u(order_id, status, reserved_at, expires_at, resolved_at, lines, asked, operations, customer_id, sale_id)`;
const REPLACE = `SET status = u.status, reserved_at = to_timestamp(u.reserved_at),
  expires_at = to_timestamp(u.expires_at), resolved_at = to_timestamp(u.resolved_at), lines = u.lines, asked = u.asked,
  operations = u.operations, customer_id = u.customer_id, sale_id = u.sale_id FROM ${UNNESTED} WHERE r.order_id = u.order_id`;
const UPDATE_ACTIVE = `UPDATE reservations AS r ${REPLACE} AND r.status = 'ACTIVE'`;
// A payment that came too late: what it took again, or that people have to resolve it.
const UPDATE_EXPIRED = `UPDATE reservations AS r ${REPLACE} AND r.status = 'EXPIRED'`;
const REPLACE_RESOLVED = `UPDATE reservations AS r ${REPLACE} AND r.status <> 'ACTIVE'`;

/** A chunk's reservations as the statements take them. */
export interface ReservationTexts {
  readonly added: Buffer;
  readonly settled: Columns | undefined;
  readonly changed: Columns | undefined;
  readonly paidLate: Columns | undefined;
  readonly reused: Columns | undefined;
}
interface Columns {
  readonly rows: number;
  readonly values: string[];
}

export async function reservationTexts(chunk: LedgerChunk): Promise<ReservationTexts> {
  return {
    added: await textInSteps([...chunk.newReservations].sort(byOrderId), rowText),
    settled: settledColumns(chunk.settledReservations),
    changed: columns(chunk.changedReservations),
    paidLate: columns(chunk.paidLateReservations),
    reused: columns(chunk.reusedReservations),
  };
}

/** @throws {ConcurrentModification}; a unique violation where an order thought new is known */
export async function writeReservations(client: pg.ClientBase, texts: ReservationTexts): Promise<void> {
  if (texts.added.length > 0) await copyIn(client, COPY_RESERVATIONS, texts.added);
  await update(client, 'settle-reservations', SETTLE, texts.settled);
  await update(client, 'update-reservations', UPDATE_ACTIVE, texts.changed);
  await update(client, 'pay-reservations-late', UPDATE_EXPIRED, texts.paidLate);
  await update(client, 'reuse-reservations', REPLACE_RESOLVED, texts.reused);
}

function byOrderId(a: Reservation, b: Reservation): number {
  return a.orderId < b.orderId ? -1 : 1;
}

function rowText(reservation: Reservation): string {
  const { orderId, status, reservedAtMs, expiresAtMs, resolvedAtMs, lines } = reservation;
  const resolvedAt = resolvedAtMs === undefined ? '\\N' : instantText(resolvedAtMs);
  return (
    `${orderId}\t${status}\t${instantText(reservedAtMs)}\t${instantText(expiresAtMs)}\t` +
    `${resolvedAt}\t${linesText(lines)}\t${copyCell(askedColumn(reservation))}\t` +
    `${copyCell(operationsColumn(reservation))}\t${reservation.customerId ?? '\\N'}\t${reservation.saleId ?? '\\N'}\n`
  );
}

async function update(
  client: pg.ClientBase,
  name: string,
  text: string,
  columns: Columns | undefined,
): Promise<void> {
  if (!columns) return;
  const { rowCount } = await client.query({ name, text, values: columns.values });
  if (rowCount !== columns.rows) throw new ConcurrentModification(name, columns.rows, rowCount ?? 0);
}

function settledColumns(reservations: readonly Reservation[]): Columns | undefined {
  if (reservations.length === 0) return undefined;
  const rows = [...reservations].sort(byOrderId);
  const values = [
    textArray(rows.map((row) => row.orderId)),
    `{${rows.map((row) => row.status).join(',')}}`,
    secondsArray(rows.map((row) => row.resolvedAtMs)),
    textArray(rows.map(operationsColumn)),
  ];
  return { rows: rows.length, values };
}

function columns(reservations: readonly Reservation[]): Columns | undefined {
  if (reservations.length === 0) return undefined;
  const rows = [...reservations].sort(byOrderId);
  const values = [
    textArray(rows.map((row) => row.orderId)),
    `{${rows.map((row) => row.status).join(',')}}`,
    secondsArray(rows.map((row) => row.reservedAtMs)),
    secondsArray(rows.map((row) => row.expiresAtMs)),
    secondsArray(rows.map((row) => row.resolvedAtMs)),
    textArray(rows.map((row) => linesText(row.lines))),
    textArray(rows.map(askedColumn)),
    textArray(rows.map(operationsColumn)),
    textArray(rows.map((row) => row.customerId)),
    textArray(rows.map((row) => row.saleId)),
  ];
  return { rows: rows.length, values };
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

/** The columns {@link readReservation} needs. */
export const RESERVATION_COLUMNS = [
  'order_id',
  'status',
  'reserved_at',
  'expires_at',
  'resolved_at',
  'lines',
  'asked',
  'operations',
  'customer_id',
  'sale_id',
] as const;

export interface ReservationRow {
  readonly order_id: string;
  readonly status: ReservationStatus;
  readonly reserved_at: number;
  readonly expires_at: number;
  readonly resolved_at: number | null;
  readonly lines: string;
  readonly asked: string | null;
  readonly operations: string | null;
  readonly customer_id: string | null;
  readonly sale_id: string | null;
}

/** @param unitMs what the times of the row are counted in, milliseconds or seconds */
export function readReservation(row: ReservationRow, unitMs: 1 | 1_000 = 1): Reservation {
  const lines = parseLines(row.lines);
  const reservedAtMs = Math.round(row.reserved_at * unitMs);
  const expiresAtMs = Math.round(row.expires_at * unitMs);
  const beside = { customerId: row.customer_id ?? undefined, saleId: row.sale_id ?? undefined };
  return {
    orderId: row.order_id,
    status: row.status,
    lines,
    reservedAtMs,
    expiresAtMs,
    ...beside,
    fingerprint: row.asked ?? requestFingerprint(expiresAtMs - reservedAtMs, lines, beside),
    resolvedAtMs: row.resolved_at === null ? undefined : Math.round(row.resolved_at * unitMs),
    operations: row.operations?.split(';') ?? [],
  };
}
