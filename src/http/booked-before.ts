/**
 * Repeats that Redis has forgotten (BR-006): after the tombstone time it takes the id of a movement, a transfer or a count for a
 * new one, and would move the goods twice. So the ledger, which never forgets, is asked first: one look-up by key, for commands
 * that people and warehouses send and no rush of orders.
 * Promises: receiving goes on without the ledger; then the worker finds what was moved twice and takes it back.
 */
import { setTimeout } from 'node:timers/promises';
import {
  type DispatchTransferInput,
  type MovementInput,
  readDispatchTransfer,
  readMovement,
} from '../domain/inputs/goods.ts';
import type {
  Decision,
  ItemView,
  Movement,
  MovementKind,
  StocktakeLine,
  TransferView,
} from '../domain/language.ts';
import { transferView } from '../domain/transfer.ts';
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import type { LedgerApi } from '../ledger/handle.ts';
import type { DoneMovement } from '../ledger/read/past.ts';
import { LedgerAway, type LedgerClient } from './ledger-client.ts';

/** A look-up takes a millisecond; a ledger that needs longer than this counts as away. */
const LOOK_MS_MAX = 2_000;

type Refused = Extract<Decision<never>, { outcome: 'refused' }>;

/** Asks the ledger before the engine. */
export class BookedBefore {
  readonly #hot: HotInventory;
  readonly #ledger: LedgerClient;

  constructor(hot: HotInventory, ledger: LedgerClient) {
    this.#hot = hot;
    this.#ledger = ledger;
  }

  /** As {@link HotInventory.move}; a repeat of long ago gets the item as it stood after the first time. @throws as it does */
  async move(kind: MovementKind, input: MovementInput): Promise<Decision<ItemView>> {
    const command = readMovement(kind, input);
    const first = await this.#ask(async (ledger) => {
      const done = await ledger.doneMovement(command.movementId);
      if (!done) return undefined;
      if (!isSameMovement(command, done)) return refusal('movement-conflict');
      const then = await ledger.asOf(command, { version: done.version });
      return then.outcome === 'found' ? replayed(then.item) : undefined;
    });
    return first ?? this.#hot.move(kind, input);
  }

  /** As {@link HotInventory.dispatchTransfer}; a repeat of long ago gets the transfer as it stands now. @throws as it does */
  async dispatchTransfer(input: DispatchTransferInput): Promise<Decision<TransferView>> {
    const { transferId, sku, from, to, quantity } = readDispatchTransfer(input);
    const first = await this.#ask(async (ledger) => {
      const known = await ledger.transfers.one(transferId);
      // While anything is in transit, Redis knows it.
      if (!known || known.status === 'IN_TRANSIT') return undefined;
      const isSame =
        known.sku === sku && known.from === from && known.to === to && known.quantity === quantity;
      return isSame ? replayed(transferView(known)) : refusal('transfer-conflict');
    });
    return first ?? this.#hot.dispatchTransfer(input);
  }

  /** Lines of a count sheet that ended, perhaps long ago: how, by SKU. */
  async endedCounts(
    stocktakeId: string,
    warehouse: string,
  ): Promise<ReadonlyMap<string, Decision<StocktakeLine>>> {
    const lines = await this.#ask((ledger) => ledger.stocktakes.allLines(stocktakeId));
    const ended = (lines ?? []).filter((line) => line.warehouse === warehouse && line.status !== 'COUNTING');
    return new Map(
      ended.map(({ sku, status }) => [
        sku,
        { outcome: 'refused', refusal: { code: 'stocktake-ended', countStatus: status } },
      ]),
    );
  }

  /** Undefined also where the ledger is away. */
  async #ask<T>(question: (ledger: LedgerApi) => Promise<T>): Promise<T | undefined> {
    if (!this.#ledger.isThere) return undefined;
    const late = new AbortController();
    try {
      return await Promise.race([
        this.#ledger.query(question),
        setTimeout(LOOK_MS_MAX, undefined, { signal: late.signal }),
      ]);
    } catch (error) {
      if (error instanceof LedgerAway) return undefined;
      throw error;
    } finally {
      late.abort();
    }
  }
}

function replayed<T>(value: T): Decision<T> {
  return { outcome: 'done', replayed: true, value };
}

function refusal(code: 'movement-conflict' | 'transfer-conflict'): Refused {
  return { outcome: 'refused', refusal: { code } };
}

/** By what the program itself recognizes a repeat: the record of the movement. */
function isSameMovement(command: Movement, done: DoneMovement): boolean {
  const orderId = 'orderId' in command ? command.orderId : undefined;
  return (
    command.kind === done.kind &&
    command.sku === done.sku &&
    command.warehouse === done.warehouse &&
    command.quantity === done.quantity &&
    command.reason === done.reason &&
    orderId === done.orderId &&
    (command.kind !== 'correct' || command.expectedVersion === done.versionBefore)
  );
}
