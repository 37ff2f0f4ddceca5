/**
 * What a rebuild reads beside items and reservations: everything of which somebody may still hear, in pages.
 * Promises: each stream is as of one instant; memory is bounded by its pages.
 */
import type pg from 'pg';
import type { SaleDocument, TransferDocument } from '../write/documents.ts';
import { type DoneMovement, movementsSince } from './movements.ts';
import { type CustomerQuota, streamQuotas } from './sales.ts';
import { type SheetLine, sheetLinesSince } from './stocktakes.ts';
import { transfersSince } from './transfers.ts';

export class Past {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Movements decided at this time or later. */
  movementsSince(atMs: number): AsyncGenerator<DoneMovement[]> {
    return movementsSince(this.#pool, atMs);
  }

  /** Lines of count sheets that are open or changed at this time or later. */
  sheetLinesSince(atMs: number): AsyncGenerator<SheetLine[]> {
    return sheetLinesSince(this.#pool, atMs);
  }

  /** Transfers in transit, or closed at this time or later. */
  transfersSince(atMs: number): AsyncGenerator<TransferDocument[]> {
    return transfersSince(this.#pool, atMs);
  }

  /** What every customer of a sale holds and has bought in it. */
  quotasOf(sale: SaleDocument): AsyncGenerator<CustomerQuota[]> {
    return streamQuotas(this.#pool, sale);
  }
}
