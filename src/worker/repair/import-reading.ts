/**
 * What Redis has and the ledger has not, record by record, while the partition is fenced: so all of it is of one instant.
 * Promises: only differences are kept in memory; what cannot be brought is named, and nothing is guessed without a word.
 */
import { evolveItem, type InventoryItem, newItem } from '../../domain/inventory-item.ts';
import { decodeId, decodeItemName, itemName, QUANTITY_MAX } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import { decodeItem } from '../../hotpath/codec/item-codec.ts';
import { decodeReservation, encodeReservation } from '../../hotpath/codec/reservation-codec.ts';
import { decodeStocktakeLine } from '../../hotpath/codec/stocktake-codec.ts';
import { decodeTransferView, encodeTransfer } from '../../hotpath/codec/transfer-codec.ts';
import { decodeOperations } from '../../hotpath/codec/words.ts';
import type { RedisConnection } from '../../hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { LedgerRow } from '../../ledger/write/chunk.ts';
import type {
  Documents,
  SaleDocument,
  StocktakeDocument,
  TransferDocument,
} from '../../ledger/write/documents.ts';
import type { ImportWrite } from '../../ledger/write/repair-import.ts';
import { scanIds } from './hot-records.ts';

/** A person's word, and where the entries belong. */
export interface ImportWord {
  readonly actor: string;
  readonly reason: string;
  readonly atMs: number;
  readonly epoch: number;
  readonly sequence: number;
}

export interface ImportParts {
  readonly redis: RedisConnection;
  readonly keys: PartitionKeys;
  readonly ledger: Ledger;
}

function isSound({ total, available, reserved, sold }: InventoryItem): boolean {
  return total === available + reserved + sold && total <= QUANTITY_MAX;
}

type Written = Omit<ImportWrite, 'place'>;

/** Reads Redis against the ledger. */
export class ImportReading {
  readonly #parts: ImportParts;
  readonly #word: ImportWord;
  readonly #rows: LedgerRow[] = [];
  readonly #items: { item: InventoryItem; expectedVersion: number | undefined }[] = [];
  readonly #reservations: Reservation[] = [];
  readonly #newTransfers: TransferDocument[] = [];
  readonly #changedTransfers: TransferDocument[] = [];
  readonly #reusedTransfers: TransferDocument[] = [];
  readonly #stocktakes: StocktakeDocument[] = [];
  readonly #sales: SaleDocument[] = [];
  /** Movements that the ledger has not, by item and version. */
  readonly #movements = new Map<string, Map<number, string>>();
  /** What a person must look at afterwards, a sentence each. */
  readonly notes: string[] = [];

  constructor(parts: ImportParts, word: ImportWord) {
    this.#parts = parts;
    this.#word = word;
  }

  /** Reads everything. @throws an outage of a store */
  async read(): Promise<Written> {
    await this.#readMovements();
    await this.#readItems();
    await this.#readOrders();
    await this.#readTransfers();
    await this.#readSheets();
    await this.#readSales();
    const documents: Documents = {
      newTransfers: this.#newTransfers,
      changedTransfers: this.#changedTransfers,
      reusedTransfers: this.#reusedTransfers,
      proposals: [],
      stocktakes: this.#stocktakes,
      endedStocktakes: [],
      sales: this.#sales,
      closedSales: [],
      shortfalls: [],
      resolvedShortfalls: [],
    };
    const { atMs } = this.#word;
    return { rows: this.#rows, items: this.#items, reservations: this.#reservations, documents, atMs };
  }

  async #texts(keys: readonly string[]): Promise<(string | null)[]> {
    return keys.length === 0 ? [] : this.#parts.redis.mget(...keys);
  }

  /** A record that cannot be read is named and left out. */
  #readable<T>(what: string, read: () => T): T | undefined {
    try {
      return read();
    } catch {
      this.notes.push(`${what} cannot be read in Redis and was left out`);
      return undefined;
    }
  }

  async #readMovements(): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    for await (const ids of scanIds(redis, keys.movement(''))) {
      const known = new Set(await ledger.knownMovements(ids));
      const fresh = ids.filter((id) => !known.has(id));
      const texts = await this.#texts(fresh.map((id) => keys.movement(id)));
      for (const [i, id] of fresh.entries()) {
        // "receive TEA@east=5 - 5 5 0 0 1 0 0": the item right after it follows what was asked.
        const found = /^\S+ (\S+@\S+)=\d+ \S+(?: \S+)?? \d+ \d+ \d+ \d+ (\d+) \d+ [01](?: \S+ \d+)?$/.exec(
          texts[i] ?? '',
        );
        const [, name = '', version] = found ?? [];
        if (!found) {
          if (texts[i]) this.notes.push(`movement ${id} cannot be read in Redis and was left out`);
          continue;
        }
        const ofItem = this.#movements.get(name) ?? new Map<number, string>();
        ofItem.set(Number(version), id);
        this.#movements.set(name, ofItem);
      }
    }
  }

  async #readItems(): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    for await (const skus of scanIds(redis, keys.sku(''))) {
      const pipeline = redis.pipeline();
      for (const sku of skus) pipeline.hgetall(keys.sku(sku));
      const replies = (await pipeline.exec()) ?? [];
      const hot: InventoryItem[] = [];
      for (const [i, sku] of skus.entries()) {
        for (const [field, text] of Object.entries((replies[i]?.[1] ?? {}) as Record<string, string>)) {
          const warehouse = decodeId(field);
          if (field.startsWith('*') || warehouse === undefined) continue;
          const item = this.#readable(`item ${itemName({ sku, warehouse })}`, () =>
            decodeItem(sku, warehouse, text),
          );
          if (item && isSound(item)) hot.push(item);
          else if (item)
            this.notes.push(`item ${itemName(item)} does not add up in Redis (BR-004) and was left out`);
        }
      }
      const known = new Map((await ledger.loadItems(hot)).map((row) => [itemName(row.item), row]));
      for (const item of hot) this.#addItem(item, known.get(itemName(item)));
    }
  }

  #addItem(item: InventoryItem, known: Awaited<ReturnType<Ledger['loadItems']>>[number] | undefined): void {
    const name = itemName(item);
    const before = known?.item ?? newItem(item.sku, item.warehouse);
    if (known?.quarantine) {
      this.notes.push(`${name} is in quarantine in the ledger and was left out: npm run quarantine`);
      return;
    }
    if (item.version < before.version) {
      this.notes.push(
        `${name} is at version ${item.version} in Redis and ${before.version} in the ledger: close it and lift it (npm run quarantine)`,
      );
      return;
    }
    if (item.version === before.version) return;
    const { actor, reason, atMs, epoch, sequence } = this.#word;
    const movements = this.#movements.get(name) ?? new Map<number, string>();
    const versions = [...movements.keys()].filter(
      (version) => version > before.version && version < item.version,
    );
    let at = before;
    const rows: LedgerRow[] = [];
    for (const version of [...versions.sort((a, b) => a - b), item.version]) {
      // Movements stand at their own versions; the last entry brings the figures.
      const figures = version === item.version ? item : before;
      const { sku, warehouse } = item;
      const line = { sku, warehouse, quantity: version - at.version - 1, version };
      const { available, reserved, sold, safetyStock } = figures;
      const movementId = movements.get(version);
      const event = {
        type: 'InventoryRealigned',
        lines: [line],
        ...{ available, reserved, sold, safetyStock, reason, atMs, actor },
        ...(movementId === undefined ? {} : { movementId }),
      } as const;
      const after = evolveItem(at, event, line);
      rows.push({ epoch, sequence, event, line, before: at, after });
      at = after;
    }
    this.#rows.push(...rows);
    this.#items.push({ item, expectedVersion: known?.item.version });
  }

  async #readOrders(): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    const seen = new Set<string>();
    for await (const page of scanIds(redis, keys.reservation(''))) {
      const ids = page.filter((id) => !seen.has(id));
      for (const id of ids) seen.add(id);
      const texts = await this.#texts(ids.map((id) => keys.reservation(id)));
      const known = new Map((await ledger.loadReservations(ids)).map((order) => [order.orderId, order]));
      for (const [i, id] of ids.entries()) {
        const text = texts[i];
        if (!text) continue;
        const order = this.#readable(`order ${id}`, () => decodeReservation(id, text));
        const here = known.get(id);
        if (order && (!here || encodeReservation(here) !== encodeReservation(order)))
          this.#reservations.push(order);
      }
    }
    let forgotten = 0;
    for await (const page of ledger.past.openReservations()) {
      for (const order of page) {
        if (seen.has(order.orderId)) continue;
        forgotten++;
        const status = order.expiresAtMs <= this.#word.atMs ? 'EXPIRED' : 'RELEASED';
        this.#reservations.push({ ...order, status, resolvedAtMs: this.#word.atMs });
      }
    }
    if (forgotten > 0) {
      this.notes.push(
        `${forgotten} orders that were open in the ledger have ended, and Redis has forgotten how: they are noted as expired or released`,
      );
    }
  }

  async #readTransfers(): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    const seen = new Set<string>();
    for await (const ids of scanIds(redis, keys.transfer(''))) {
      const texts = await this.#texts(ids.map((id) => keys.transfer(id)));
      const known = new Map((await ledger.loadTransfers(ids)).map((one) => [one.transferId, one]));
      for (const [i, id] of ids.entries()) {
        const text = texts[i];
        const here = known.get(id);
        if (!text || seen.has(id)) continue;
        seen.add(id);
        if (here && encodeTransfer(here) === text) continue;
        const view = this.#readable(`transfer ${id}`, () => decodeTransferView(id, text));
        if (!view) continue;
        const { actor, reason, atMs } = this.#word;
        const { reason: why, actor: who, dispatchedAtMs } = here ?? { reason, actor, dispatchedAtMs: atMs };
        const operations = decodeOperations(text.split(' ')[8]);
        const closedAtMs = view.status === 'IN_TRANSIT' ? undefined : atMs;
        const transfer = { ...view, operations, reason: why, actor: who, dispatchedAtMs, closedAtMs };
        if (!here) this.#newTransfers.push(transfer);
        else if (here.status === 'IN_TRANSIT') this.#changedTransfers.push(transfer);
        else this.#reusedTransfers.push(transfer);
      }
    }
    for await (const page of ledger.past.transfersSince(this.#word.atMs)) {
      for (const { transferId, status } of page) {
        if (status === 'IN_TRANSIT' && !seen.has(transferId)) {
          this.notes.push(
            `transfer ${transferId} is in transit in the ledger, and Redis has forgotten it: it was left as it is`,
          );
        }
      }
    }
  }

  async #readSheets(): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    const { actor, atMs } = this.#word;
    for await (const ids of scanIds(redis, keys.stocktake(''))) {
      for (const stocktakeId of ids) {
        const known = new Map(
          (await ledger.stocktakes.allLines(stocktakeId)).map((line) => [itemName(line), line]),
        );
        for (const [field, text] of Object.entries(await redis.hgetall(keys.stocktake(stocktakeId)))) {
          const name = decodeItemName(field);
          const line =
            name &&
            this.#readable(`line ${field} of ${stocktakeId}`, () =>
              decodeStocktakeLine(stocktakeId, name.sku, name.warehouse, text),
            );
          if (!line) continue;
          const here = known.get(field);
          if (here && here.status === line.status && here.untilMs === line.untilMs) continue;
          const hasEnded = line.status !== 'COUNTING';
          const { startedBy = actor, startedAtMs = atMs, reason = '' } = here ?? {};
          const ended = { endedBy: hasEnded ? actor : undefined, endedAtMs: hasEnded ? atMs : undefined };
          this.#stocktakes.push({ ...line, startedBy, startedAtMs, reason, ...ended });
        }
      }
    }
  }

  async #readSales(): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    const { actor, atMs } = this.#word;
    for await (const ids of scanIds(redis, keys.sale(''))) {
      for (const saleId of ids) {
        const text = await redis.get(keys.sale(saleId));
        const [skuText = '', ...words] = text?.split(' ') ?? [];
        const sku = decodeId(skuText);
        const [opensAtMs, closesAtMs, quantity, limitPerCustomer] = words.map(Number);
        if (!text || (await ledger.sales.one(saleId))) continue;
        if (
          sku === undefined ||
          opensAtMs === undefined ||
          closesAtMs === undefined ||
          quantity === undefined ||
          limitPerCustomer === undefined
        ) {
          this.notes.push(`sale ${saleId} cannot be read in Redis and was left out`);
          continue;
        }
        // Orders of the sale came after it was scheduled, and not before it opened.
        const scheduled = {
          scheduledBy: actor,
          scheduledAtMs: Math.min(opensAtMs, atMs),
          closedBy: undefined,
          closedAtMs: undefined,
        };
        this.#sales.push({ saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer, ...scheduled });
        this.notes.push(
          `sale ${saleId} was brought with its terms; how many of its orders were released or expired is known to Redis alone`,
        );
      }
    }
  }
}
