/**
 * Transfers and proposals of transfers (調撥), for the warehouse people and for the worker that judges the next step.
 * Promises: pages newest first, by key; a proposal is decided once, and the first decision stands.
 */
import { type Kysely, type Selectable, sql } from 'kysely';
import type pg from 'pg';
import type { TransferStatus } from '../../domain/language.ts';
import type { LedgerSchema, TransferProposalsTable, TransfersTable } from '../schema.ts';
import { textArray } from '../write/bulk-text.ts';
import type { ProposalWrite, TransferDocument } from '../write/documents.ts';
import { pageRows } from './queries.ts';
import { streamRows } from './row-stream.ts';

export interface TransfersQuery {
  /** Left out: all. */
  readonly status?: TransferStatus | undefined;
  /** The `next` of the page before. */
  readonly after?: number | undefined;
  readonly limit: number;
}
export interface TransfersPage {
  readonly transfers: readonly TransferDocument[];
  readonly next: number | null;
}

export const PROPOSAL_STATES = ['open', 'dismissed', 'transferred'] as const;
export type ProposalState = (typeof PROPOSAL_STATES)[number];
export interface Proposal extends ProposalWrite {
  readonly id: number;
  readonly state: ProposalState;
  readonly decidedBy: string | undefined;
  readonly decidedAtMs: number | undefined;
}
export interface ProposalsQuery {
  /** Left out: all. */
  readonly state?: ProposalState | undefined;
  readonly after?: number | undefined;
  readonly limit: number;
}
export interface ProposalsPage {
  readonly proposals: readonly Proposal[];
  readonly next: number | null;
}
export interface ProposalDecision {
  readonly id: number;
  readonly state: Exclude<ProposalState, 'open'>;
  readonly actor: string;
}

export class Transfers {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Newest first. */
  async page(query: TransfersQuery): Promise<TransfersPage> {
    const limit = pageRows(query.limit);
    let select = this.#db.selectFrom('transfers').selectAll();
    // As text in the statement, for only so does Postgres see that the index of open ones serves it.
    if (query.status !== undefined) {
      select = select.where(sql<boolean>`status = ${sql.lit(query.status)}::transfer_status`);
    }
    if (query.after !== undefined) select = select.where('id', '<', query.after);
    const rows = await select
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const shown = rows.slice(0, limit);
    return {
      transfers: shown.map(readTransfer),
      next: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
    };
  }

  async one(transferId: string): Promise<TransferDocument | undefined> {
    const select = this.#db.selectFrom('transfers').selectAll().where('transfer_id', '=', transferId);
    const row = await select.executeTakeFirst();
    return row && readTransfer(row);
  }

  /** Newest first. */
  async proposals(query: ProposalsQuery): Promise<ProposalsPage> {
    const limit = pageRows(query.limit);
    let select = this.#db.selectFrom('transfer_proposals').selectAll();
    if (query.state !== undefined) {
      select = select.where(sql<boolean>`state = ${sql.lit(query.state)}::proposal_state`);
    }
    if (query.after !== undefined) select = select.where('id', '<', query.after);
    const rows = await select
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const proposals = rows.slice(0, limit).map(readProposal);
    return { proposals, next: rows.length > limit ? (proposals.at(-1)?.id ?? null) : null };
  }

  async proposal(id: number): Promise<Proposal | undefined> {
    const select = this.#db.selectFrom('transfer_proposals').selectAll().where('id', '=', id);
    const row = await select.executeTakeFirst();
    return row && readProposal(row);
  }

  /**
   * Decides an open proposal.
   * @returns how it stands then, whoever decided it, and whether this call did; undefined where there is no such proposal
   */
  async decide(
    decision: ProposalDecision,
  ): Promise<{ readonly proposal: Proposal; readonly isDecidedNow: boolean } | undefined> {
    const decided = await this.#db
      .updateTable('transfer_proposals')
      .set({ state: decision.state, decided_by: decision.actor, decided_at: sql<string>`now()` })
      .where('id', '=', decision.id)
      .where('state', '=', 'open')
      .returningAll()
      .executeTakeFirst();
    if (decided) return { proposal: readProposal(decided), isDecidedNow: true };
    const proposal = await this.proposal(decision.id);
    return proposal && { proposal, isDecidedNow: false };
  }
}

/** The transfers that exist among those named, in no order. */
export async function loadTransfers(
  client: Pick<pg.ClientBase, 'query'>,
  transferIds: readonly string[],
): Promise<TransferDocument[]> {
  if (transferIds.length === 0) return [];
  const { rows } = await client.query<Selectable<TransfersTable>>(
    'SELECT * FROM transfers WHERE transfer_id = ANY($1::text[])',
    [textArray(transferIds)],
  );
  return rows.map(readTransfer);
}

/** Transfers in transit, and those closed at this time or later, in pages, for a rebuild. */
export async function* transfersSince(pool: pg.Pool, atMs: number): AsyncGenerator<TransferDocument[]> {
  const query = `SELECT * FROM transfers WHERE status = 'IN_TRANSIT' OR status <> 'IN_TRANSIT' AND closed_at >= to_timestamp($1)`;
  for await (const rows of streamRows<Selectable<TransfersTable>>(pool, query, [atMs / 1_000])) {
    yield rows.map(readTransfer);
  }
}

function readTransfer(row: Selectable<TransfersTable>): TransferDocument {
  return {
    transferId: row.transfer_id,
    status: row.status,
    sku: row.sku,
    from: row.from_warehouse,
    to: row.to_warehouse,
    quantity: row.quantity,
    received: row.received,
    rejected: row.rejected,
    returned: row.returned,
    operations: row.operations?.split(';') ?? [],
    reason: row.reason ?? '',
    actor: row.actor,
    dispatchedAtMs: row.dispatched_at,
    closedAtMs: row.closed_at ?? undefined,
  };
}

function readProposal(row: Selectable<TransferProposalsTable>): Proposal {
  return {
    id: row.id,
    orderId: row.order_id,
    sku: row.sku,
    from: row.from_warehouse,
    to: row.to_warehouse,
    quantity: row.quantity,
    actor: row.actor,
    atMs: row.at,
    state: row.state,
    decidedBy: row.decided_by ?? undefined,
    decidedAtMs: row.decided_at ?? undefined,
  };
}
