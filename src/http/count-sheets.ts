/**
 * Count sheets of many items over an engine that knows one item at a time (BR-007): which line is meant, many lines in
 * one request, and holds released where a count comes short.
 * Promises: a large sheet leaves room in the queue for orders; an outage half way is answered `unknown`, and the same request
 * again continues where it stopped. Refuses to know: routes and status codes.
 */
import { type Decision, SHORTFALL_RELEASES_MAX, type StocktakeLine } from '../domain/language.ts';
import { Fault } from '../hotpath/fault.ts';
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import { invalid, type Problem, problem } from './answers.ts';
import { refused } from './decisions.ts';
import { LedgerAway, type LedgerClient } from './ledger-client.ts';

/** Half a batch: the engine's queue is shared with the orders. */
const AT_ONCE_MAX = 128;
/** The worker mostly lags by milliseconds; a longer wait means an outage. */
const LEDGER_WAIT_MS_MAX = 5_000;

/** Runs `ask` for each part, at most 128 at once. @throws {Fault} with the outcome `unknown`: some parts may be done */
export async function forEach<P, R>(parts: readonly P[], ask: (part: P) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < parts.length; from += AT_ONCE_MAX) {
    try {
      results.push(...(await Promise.all(parts.slice(from, from + AT_ONCE_MAX).map(ask))));
    } catch (error) {
      if (!(error instanceof Fault) || parts.length === 1) throw error;
      throw new Fault('unavailable', 'unknown', error.message, error.retryAfterMs, error);
    }
  }
  return results;
}

/** What a caller names of a line; it must identify one line. */
export interface LineName {
  readonly sku?: string | undefined;
  readonly warehouse?: string | undefined;
}
export interface ItemName {
  readonly sku: string;
  readonly warehouse: string;
}

/** A sheet, loaded once and only when needed: it may have thousands of lines. */
export class Sheet {
  readonly #hot: HotInventory;
  readonly #stocktakeId: string;
  #loaded: Promise<SheetLines | Problem> | undefined;

  constructor(hot: HotInventory, stocktakeId: string) {
    this.#hot = hot;
    this.#stocktakeId = stocktakeId;
  }

  /** The one item that is meant, or the problem that says what else to name. A full name needs no look at the sheet. */
  async itemOf({ sku, warehouse }: LineName): Promise<ItemName | Problem> {
    if (sku !== undefined && warehouse !== undefined) return { sku, warehouse };
    const lines = await this.#lines();
    return 'problem' in lines ? lines : lines.find({ sku, warehouse });
  }

  /** The items that are locked and not counted yet. */
  async stillCounting(warehouse: string | undefined): Promise<readonly ItemName[] | Problem> {
    const lines = await this.#lines();
    if ('problem' in lines) return lines;
    return lines.all
      .filter(
        (line) => line.status === 'COUNTING' && (warehouse === undefined || line.warehouse === warehouse),
      )
      .map((line) => ({ sku: line.sku, warehouse: line.warehouse }));
  }

  #lines(): Promise<SheetLines | Problem> {
    this.#loaded ??= this.#hot
      .stocktake(this.#stocktakeId)
      .then((decision) =>
        decision.outcome === 'done' ? new SheetLines(decision.value) : refused(decision.refusal),
      );
    return this.#loaded;
  }
}

/** The lines of a sheet, looked up by SKU. */
class SheetLines {
  readonly all: readonly StocktakeLine[];
  readonly #bySku = new Map<string, StocktakeLine[]>();

  constructor(lines: readonly StocktakeLine[]) {
    this.all = lines;
    for (const line of lines) {
      const ofSku = this.#bySku.get(line.sku);
      if (ofSku) ofSku.push(line);
      else this.#bySku.set(line.sku, [line]);
    }
  }

  find({ sku, warehouse }: LineName): ItemName | Problem {
    const named = sku === undefined ? this.all : (this.#bySku.get(sku) ?? []);
    const [line, second] = named.filter((found) => warehouse === undefined || found.warehouse === warehouse);
    if (line === undefined) return problem('unknown-stocktake', 'This sheet has no such line.');
    if (second === undefined) return { sku: line.sku, warehouse: line.warehouse };
    return sku === undefined
      ? invalid([{ path: 'sku', message: 'the sheet has several lines: say which' }])
      : invalid([{ path: 'warehouse', message: 'the sheet has the SKU in several warehouses: say which' }]);
  }
}

export interface Count extends ItemName {
  readonly stocktakeId: string;
  readonly counted: number;
  readonly reason?: string | undefined;
  readonly actor?: string | undefined;
}

/**
 * Completes a line; where less was counted than is committed, the newest holds are released until it fits.
 * @throws {LedgerAway} where holds are to be released and the ledger cannot name them
 */
export async function completeReleasing(
  hot: HotInventory,
  ledger: LedgerClient,
  count: Count,
): Promise<Decision<StocktakeLine>> {
  const decision = await hot.completeStocktake(count);
  if (decision.outcome === 'done' || decision.refusal.code !== 'count-below-committed') return decision;
  // What is sold is not released, so there is nothing to look for.
  if (decision.refusal.sold > count.counted) return decision;
  const releasable = await newestHolds(hot, ledger, count);
  return hot.completeStocktake({ ...count, releasable });
}

/** No order reserves under the lock, so once the ledger has the lock it has every hold on the item. */
async function newestHolds(
  hot: HotInventory,
  ledger: LedgerClient,
  { sku, warehouse }: ItemName,
): Promise<readonly string[]> {
  const { epoch, nonce, sequence, link } = hot.head ?? (await hot.sweep(0));
  const place = { epoch, nonce, sequence, link };
  const orderIds = await ledger.query(async (known) =>
    (await known.waitForSequence(hot.keys.partition, place, LEDGER_WAIT_MS_MAX))
      ? known.read.newestHolds(sku, warehouse, SHORTFALL_RELEASES_MAX)
      : undefined,
  );
  if (!orderIds) throw new LedgerAway('The ledger is too far behind to say which holds are the newest.');
  return orderIds;
}
