/**
 * The tables and views as kysely sees them, for reading. The migrations make them.
 * Numbers and times arrive as numbers: see connection.ts.
 */
import type { ColumnType, Generated } from 'kysely';
import type {
  EventType,
  ReleaseCause,
  ReservationStatus,
  StocktakeStatus,
  TransferStatus,
} from '../domain/language.ts';
import type { DriftKind } from './write/chunk.ts';

/** Read as milliseconds since 1970; written by SQL only. */
type Instant = ColumnType<number, string, string>;
type InstantOrNull = ColumnType<number | null, string | null, string | null>;

export interface LedgerEntriesView {
  id: number;
  partition: number;
  epoch: number;
  sequence: number;
  sku: string;
  warehouse: string;
  version: number;
  type: EventType;
  order_id: string | null;
  movement_id: string | null;
  quantity: number;
  total_before: number;
  available_before: number;
  reserved_before: number;
  sold_before: number;
  total_change: number;
  available_change: number;
  reserved_change: number;
  sold_change: number;
  total_after: number;
  available_after: number;
  reserved_after: number;
  sold_after: number;
  cause: ReleaseCause | null;
  reason: string | null;
  operation: string | null;
  expires_at: InstantOrNull;
  safety_stock: number | null;
  actor: string;
  at: Instant;
  transfer_id: string | null;
  stocktake_id: string | null;
}

export interface ItemsTable {
  sku: string;
  warehouse: string;
  total: number;
  available: number;
  reserved: number;
  sold: number;
  safety_stock: number;
  is_low: boolean;
  version: number;
  updated_at: Instant;
  quarantined_at: InstantOrNull;
  quarantine_reason: string | null;
  parked_events: number;
  stocktake_id: string | null;
  stocktake_until: InstantOrNull;
}

export interface ReservationsTable {
  order_id: string;
  status: ReservationStatus;
  reserved_at: Instant;
  expires_at: Instant;
  resolved_at: InstantOrNull;
  lines: string;
  asked: string | null;
  operations: string | null;
  customer_id: string | null;
  sale_id: string | null;
}

export interface OpenHoldsView {
  order_id: string;
  sku: string;
  warehouse: string;
  quantity: number;
  reserved_at: Instant;
  expires_at: Instant;
}

export interface DriftTable {
  id: Generated<number>;
  sku: string | null;
  warehouse: string | null;
  order_id: string | null;
  kind: DriftKind;
  detail: string;
  evidence: unknown;
  partition: number;
  epoch: number;
  sequence: number;
  found_at: Instant;
  resolved_at: InstantOrNull;
}

export interface ParkedEventsTable {
  id: Generated<number>;
  sku: string;
  warehouse: string;
  version: number;
  partition: number;
  epoch: number;
  sequence: number;
  event: unknown;
  settled_at: InstantOrNull;
  settled_as: 'booked' | 'left-out' | null;
}

export interface WarehousesTable {
  id: string;
  name: string;
  latitude: number | null;
  longitude: number | null;
}

export interface TransfersTable {
  id: Generated<number>;
  transfer_id: string;
  sku: string;
  from_warehouse: string;
  to_warehouse: string;
  quantity: number;
  received: number;
  rejected: number;
  returned: number;
  in_transit: Generated<number>;
  status: TransferStatus;
  operations: string | null;
  actor: string;
  reason: string | null;
  dispatched_at: Instant;
  closed_at: InstantOrNull;
}

export interface TransferProposalsTable {
  id: Generated<number>;
  order_id: string;
  sku: string;
  from_warehouse: string;
  to_warehouse: string;
  quantity: number;
  state: 'open' | 'dismissed' | 'transferred';
  actor: string;
  at: Instant;
  decided_by: string | null;
  decided_at: InstantOrNull;
}

export interface StocktakeLinesTable {
  stocktake_id: string;
  sku: string;
  warehouse: string;
  status: StocktakeStatus;
  started_at: Instant;
  started_by: string;
  until_at: Instant;
  total_before: number;
  counted: number | null;
  reason: string | null;
  ended_at: InstantOrNull;
  ended_by: string | null;
}

export interface SalesTable {
  id: Generated<number>;
  sale_id: string;
  sku: string;
  opens_at: Instant;
  closes_at: Instant;
  quantity: number;
  limit_per_customer: number;
  scheduled_at: Instant;
  scheduled_by: string;
  closed_at: InstantOrNull;
  closed_by: string | null;
}

export interface ShortfallsTable {
  id: Generated<number>;
  order_id: string;
  lines: string;
  actor: string;
  at: Instant;
  resolved_at: InstantOrNull;
  resolved_by: string | null;
  resolution: string | null;
}

export interface AlertAcknowledgementsTable {
  alert_id: number;
  at: Instant;
  actor: string;
  note: string | null;
}

/** Tables and views by name. */
export interface LedgerSchema {
  ledger_entries: LedgerEntriesView;
  alert_acknowledgements: AlertAcknowledgementsTable;
  items: ItemsTable;
  reservations: ReservationsTable;
  open_holds: OpenHoldsView;
  drift: DriftTable;
  parked_events: ParkedEventsTable;
  warehouses: WarehousesTable;
  transfers: TransfersTable;
  transfer_proposals: TransferProposalsTable;
  stocktake_lines: StocktakeLinesTable;
  sales: SalesTable;
  shortfalls: ShortfallsTable;
}
