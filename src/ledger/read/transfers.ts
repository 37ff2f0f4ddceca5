/**
 * Transfers and proposals of transfers (調撥), for the people of the warehouses.
 * Promises: pages newest first, by key; a proposal is decided once, and the first decision is the one that counts.
 */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { TransferStatus } from '../../domain/language.ts';
import type { LedgerSchema, TransferProposalsTable, TransfersTable } from '../schema.ts';
import type { ProposalWrite, TransferDocument } from '../write/documents.ts';
import { members } from './members.ts';
import { byId, type PageQuery, pageOf, pageRows } from './pages.ts';

export interface TransfersQuery extends PageQuery {
  /** Left out: all. */
  readonly status?: TransferStatus | undefined;
}
export interface TransfersPage {
  readonly transfers: readonly TransferDocument[];
  readonly next: number | null;
}

/** States of a proposal; the last two are decisions. */
export const PROPOSAL_STATES = ['open', 'dismissed', 'transferred'] as const;
export type ProposalState = (typeof PROPOSAL_STATES)[number];
/** A proposed transfer and its decision. */
export interface Proposal extends ProposalWrite {
  readonly id: number;
  readonly state: ProposalState;
  readonly decidedBy: string | undefined;
  readonly decidedAtMs: number | undefined;
}
export interface ProposalsQuery extends PageQuery {
  /** Left out: all. */
  readonly state?: ProposalState | undefined;
}
export interface ProposalsPage {
  readonly proposals: readonly Proposal[];
  readonly next: number | null;
}
/** What a person decided. */
export interface ProposalDecision {
  readonly id: number;
  readonly state: Exclude<ProposalState, 'open'>;
  readonly actor: string;
}

/** Reads transfers; reads and decides proposals. */
export class Transfers {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Transfers, newest first. */
  async page(query: TransfersQuery): Promise<TransfersPage> {
    const limit = pageRows(query.limit);
    let select = this.#db.selectFrom('transfers').selectAll();
    // Spelled in the statement and not a parameter: only then does Postgres use the partial index of open ones.
    if (query.status !== undefined) {
      select = select.where(sql<boolean>`status = ${sql.lit(query.status)}::transfer_status`);
    }
    if (query.after !== undefined) select = select.where('id', '<', query.after);
    const rows = await select
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const { shown: transfers, next } = pageOf(rows, limit, byId, readTransfer);
    return { transfers, next };
  }

  /** Undefined where there is no such transfer. */
  async one(transferId: string): Promise<TransferDocument | undefined> {
    const select = this.#db.selectFrom('transfers').selectAll().where('transfer_id', '=', transferId);
    const row = await select.executeTakeFirst();
    return row && readTransfer(row);
  }

  /** Proposals, newest first. */
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
    const { shown: proposals, next } = pageOf(rows, limit, byId, readProposal);
    return { proposals, next };
  }

  /** Undefined where there is no such proposal. */
  async proposal(id: number): Promise<Proposal | undefined> {
    const select = this.#db.selectFrom('transfer_proposals').selectAll().where('id', '=', id);
    const row = await select.executeTakeFirst();
    return row && readProposal(row);
  }

  /**
   * Decides an open proposal.
   * @returns the decided proposal, by whomever, and whether by this call; undefined where there is no such proposal
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

/** Reads a row of `transfers`. */
export function readTransfer(row: Selectable<TransfersTable>): TransferDocument {
  const {
    id,
    inTransit,
    fromWarehouse: from,
    toWarehouse: to,
    operations,
    reason = '',
    ...transfer
  } = members(row);
  return { ...transfer, from, to, operations: operations?.split(';') ?? [], reason };
}

function readProposal(row: Selectable<TransferProposalsTable>): Proposal {
  const { fromWarehouse: from, toWarehouse: to, ...proposal } = members(row);
  return { ...proposal, from, to };
}
