/**
 * An engine, a ledger in a database of its own, and any number of workers, each with the connections that a process of its
 * own would have; and the check that every test ends with: is the ledger exact?
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { expect } from 'vitest';
import { decodeItem } from '../../src/hotpath/codec/item-codec.ts';
import { decodeReservation } from '../../src/hotpath/codec/reservation-codec.ts';
import { encodeSale } from '../../src/hotpath/codec/sale-codec.ts';
import { encodeStocktakeLine } from '../../src/hotpath/codec/stocktake-codec.ts';
import { readStream, type StreamEntry } from '../../src/hotpath/codec/stream-codec.ts';
import { encodeTransfer } from '../../src/hotpath/codec/transfer-codec.ts';
import { connectRedis, type HotInventoryOptions } from '../../src/hotpath/hot-inventory.ts';
import { type Ledger, type LedgerOptions, openLedger } from '../../src/ledger/ledger.ts';
import type { LedgerEntry } from '../../src/ledger/read/ledger-entry.ts';
import type { Finding } from '../../src/ledger/write/chunk.ts';
import type { SaleDocument } from '../../src/ledger/write/documents.ts';
import {
  startWriteBehind,
  type WriteBehind,
  type WriteBehindOptions,
} from '../../src/worker/carry/write-behind.ts';
import { ledgerDatabase, type TestEngine, testEngine, testRedisUrl } from '../services.ts';
import { newEpoch } from './chunks.ts';
import type { TradersClock } from './traders.ts';

/** A database with the tables in it, and a connection of its owner, who may do what no role may. */
export async function migratedDatabase() {
  const database = await ledgerDatabase();
  const owner = new pg.Client({ connectionString: database.url });
  owner.on('error', () => {});
  await owner.connect();
  return {
    url: database.url,
    owner,
    drop: async () => {
      await owner.end();
      await database.drop();
    },
  };
}

export interface WorkerOptions extends Partial<Omit<WriteBehindOptions, 'ledger'>> {
  readonly ledger?: Partial<LedgerOptions>;
}

export interface TestWorker {
  readonly writeBehind: WriteBehind;
  readonly ledger: Ledger;
  readonly findings: Finding[];
  readonly streamRedis: ReturnType<typeof connectRedis>;
  /** As a killed process leaves it: every connection to Postgres ends where it is. It must have stopped at a checkpoint. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export class Room {
  readonly engine: TestEngine;
  readonly database: Awaited<ReturnType<typeof migratedDatabase>>;
  readonly #workers: TestWorker[] = [];
  /** What the engine decided, read before anything was trimmed. */
  readonly decided: StreamEntry[] = [];
  #remembering: Promise<void> = Promise.resolve();

  constructor(engine: TestEngine, database: Awaited<ReturnType<typeof migratedDatabase>>) {
    this.engine = engine;
    this.database = database;
  }

  /** Epoch 1 on both sides, nothing in either. */
  static async open(options: Partial<HotInventoryOptions> & { turnedClockMs?: number } = {}): Promise<Room> {
    const database = await migratedDatabase();
    const ledger = await openLedger({ databaseUrl: database.url });
    await ledger.beginEpoch(0, newEpoch(1));
    await ledger.close();
    return new Room(await testEngine({ ack: 'memory', ...options }), database);
  }

  /** The engine's clock, for those who turn it; only of a room opened with `turnedClockMs`. */
  turnedClock(startMs: number): TradersClock {
    let nowMs = startMs;
    return {
      now: () => nowMs,
      turn: async (ms) => {
        nowMs += ms;
        await this.engine.setTime(nowMs);
      },
    };
  }

  /** Keeps a copy of what was decided since the last call, by which the ledger is measured in the end. */
  remember(): Promise<void> {
    this.#remembering = this.#remembering.then(async () => {
      const { redis, hot } = this.engine;
      const last = this.decided.at(-1)?.sequence ?? 0;
      this.decided.push(...(await readStream(redis, hot.keys, 1, last, 100_000)));
    });
    return this.#remembering;
  }

  async ledger(options: Partial<LedgerOptions> = {}): Promise<Ledger> {
    return openLedger({ databaseUrl: this.database.url, ...options });
  }

  async worker(options: WorkerOptions = {}): Promise<TestWorker> {
    const { ledger: ledgerOptions, onDrift, ...rest } = options;
    const applicationName = `worker-${randomBytes(4).toString('hex')}`;
    const ledger = await this.ledger({ applicationName, ...ledgerOptions });
    const streamRedis = connectRedis(testRedisUrl());
    await streamRedis.connect();
    const findings: Finding[] = [];
    const writeBehind = startWriteBehind({
      ledger,
      hot: {
        keys: this.engine.hot.keys,
        trim: async (nonce, carriedTotal, keepFrom) => {
          await this.remember();
          await this.engine.hot.trim(nonce, carriedTotal, keepFrom);
        },
      },
      streamRedis,
      partition: 0,
      log: { info() {}, warn() {}, error() {} },
      onDrift: (finding) => {
        findings.push(finding);
        onDrift?.(finding);
      },
      ...rest,
      // Without a tail the stream shows what the ledger has.
      limits: { standbyPollMs: 20, retryWaitMsMax: 100, keepEvents: 0, ...rest.limits },
    });
    let isGone = false;
    const worker: TestWorker = {
      writeBehind,
      ledger,
      findings,
      streamRedis,
      kill: async () => {
        isGone = true;
        streamRedis.disconnect();
        await this.terminate(applicationName);
      },
      stop: async () => {
        if (isGone) return;
        isGone = true;
        await writeBehind.stop();
        await ledger.close();
        streamRedis.disconnect();
      },
    };
    this.#workers.push(worker);
    return worker;
  }

  /** Ends connections from the server's side; `where` narrows them down. */
  async terminate(applicationName: string, where = 'true'): Promise<void> {
    await this.database.owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND ${where}`,
      [applicationName],
    );
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) await worker.stop();
    await this.engine.close();
    await this.database.drop();
  }
}

/** Every entry of the ledger, oldest first. */
export async function allEntries(ledger: Ledger): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  let after: number | undefined;
  do {
    const page = await ledger.read.entries({ after, limit: 1_000 });
    entries.push(...page.entries);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return entries.reverse();
}

/**
 * The ledger is exact: every event line that was decided is in it once, in order and unchanged; each item's entries
 * follow from each other without a gap; items and reservations are what Redis has.
 */
export async function expectExact(room: Room, ledger: Ledger): Promise<void> {
  await room.remember(); // what is not trimmed yet, because a trim may come later than the commit
  const entries = await allEntries(ledger);
  expect(entries.map(lineOfEntry)).toEqual(room.decided.flatMap(linesOfDecided));
  const last = new Map<string, LedgerEntry>();
  for (const entry of entries) {
    const name = `${entry.sku}@${entry.warehouse}`;
    const before = last.get(name);
    expect(entry.version).toBe((before?.version ?? 0) + 1);
    expect(entry.before).toEqual(before?.after ?? { total: 0, available: 0, reserved: 0, sold: 0 });
    last.set(name, entry);
  }
  await expectSameItems(room, ledger);
  await expectSameReservations(room, ledger);
  await expectSameDocuments(room, ledger);
  expect(await ledger.selfCheck(true)).toEqual([]);
}

/** What an entry tells, in the words of the stream. */
function lineOfEntry(entry: LedgerEntry) {
  const { sequence, type, sku, warehouse, quantity, version, orderId, movementId, transferId, stocktakeId } =
    entry;
  const { actor, atMs, reason, cause, safetyStock, expiresAtMs } = entry;
  const ids = { orderId, movementId, transferId, stocktakeId };
  return {
    sequence,
    type,
    sku,
    warehouse,
    quantity,
    version,
    ...ids,
    actor,
    atMs,
    reason,
    cause,
    safetyStock,
    expiresAtMs,
  };
}

function linesOfDecided(entry: StreamEntry) {
  return entry.events.flatMap((event) =>
    event.lines.map(({ sku, warehouse, quantity, version }) => ({
      sequence: entry.sequence,
      type: event.type,
      sku,
      warehouse,
      quantity,
      version,
      orderId: 'orderId' in event ? event.orderId : undefined,
      movementId: 'movementId' in event ? event.movementId : undefined,
      transferId: 'transferId' in event ? event.transferId : undefined,
      stocktakeId: 'stocktakeId' in event ? event.stocktakeId : undefined,
      actor: event.actor,
      atMs: event.atMs,
      reason: 'reason' in event && event.reason !== '' ? event.reason : undefined,
      cause: 'cause' in event ? event.cause : undefined,
      safetyStock: 'safetyStock' in event ? event.safetyStock : undefined,
      expiresAtMs:
        'untilMs' in event ? event.untilMs : 'expiresAtMs' in event ? event.expiresAtMs : undefined,
    })),
  );
}

export async function expectSameItems(room: Room, ledger: Ledger): Promise<void> {
  const { redis, hot } = room.engine;
  const found = (await ledger.read.items(undefined, 1_000)).map(({ item }) => item);
  const expected = [];
  for (const sku of new Set(found.map((item) => item.sku))) {
    const texts = await redis.hgetall(hot.keys.sku(sku));
    for (const [field, text] of Object.entries(texts)) {
      if (!field.startsWith('*')) expected.push(decodeItem(sku, field, text));
    }
  }
  const byName = (a: { sku: string; warehouse: string }, b: { sku: string; warehouse: string }) =>
    `${a.sku}@${a.warehouse}` < `${b.sku}@${b.warehouse}` ? -1 : 1;
  expect(found.sort(byName)).toEqual(expected.sort(byName));
}

export async function expectSameReservations(room: Room, ledger: Ledger): Promise<void> {
  const { redis, hot } = room.engine;
  const prefix = hot.keys.reservation('');
  const expected = [];
  for (const key of await redis.keys(`${prefix}*`)) {
    const orderId = key.slice(prefix.length);
    expected.push(decodeReservation(orderId, (await redis.get(key)) ?? ''));
  }
  const found = await ledger.loadReservations(expected.map((reservation) => reservation.orderId));
  const byId = (a: { orderId: string }, b: { orderId: string }) => (a.orderId < b.orderId ? -1 : 1);
  expect(found.sort(byId)).toEqual(expected.sort(byId));
}

/** Transfers, count sheets and sales are what Redis has; proposals and shortfalls are those that were decided. */
export async function expectSameDocuments(room: Room, ledger: Ledger): Promise<void> {
  const { redis, hot } = room.engine;
  for (const [id, key] of await keysBehind(room, hot.keys.transfer(''))) {
    const transfer = await ledger.transfers.one(id);
    expect(transfer && encodeTransfer(transfer), id).toBe(await redis.get(key));
  }
  for (const [id, key] of await keysBehind(room, hot.keys.stocktake(''))) {
    const { lines } = await ledger.stocktakes.lines(id, undefined, 1_000);
    const texts = lines.map((line) => [`${line.sku}@${line.warehouse}`, encodeStocktakeLine(line)]);
    expect(Object.fromEntries(texts), id).toEqual(await redis.hgetall(key));
  }
  for (const [id, key] of await keysBehind(room, hot.keys.sale(''))) {
    const document = await ledger.sales.one(id);
    if (!document) throw new Error(`the ledger has no sale ${id}`);
    const { held: reserved, ...figures } = await ledger.sales.figures(document);
    const closesAtMs = document.closedAtMs ?? document.closesAtMs;
    const sale = encodeSale({ ...document, closesAtMs, reserved, ...figures });
    expect(sale, id).toBe(await redis.hget(hot.keys.sku(document.sku), `*${id}`));
    expect(await ledger.sales.held(document)).toBe(reserved);
    const { quantity, limitPerCustomer } = document;
    const asked = `${document.sku} ${document.opensAtMs} ${document.closesAtMs} ${quantity} ${limitPerCustomer}`;
    expect(await redis.get(key)).toBe(asked);
    await expectSameQuotas(room, ledger, document);
  }
  const events = room.decided.flatMap((entry) => entry.events);
  const { proposals } = await ledger.transfers.proposals({ limit: 1_000 });
  expect(
    [...proposals]
      .reverse()
      .map(({ orderId, sku, from, to, quantity }) => `${orderId} ${sku} ${from} ${to} ${quantity}`),
  ).toEqual(
    events.flatMap((event) =>
      event.type !== 'InventoryDeducted' || event.proposeTransferTo === undefined
        ? []
        : event.lines
            .filter(({ warehouse }) => warehouse !== event.proposeTransferTo)
            .map(
              (line) =>
                `${event.orderId} ${line.sku} ${line.warehouse} ${event.proposeTransferTo} ${line.quantity}`,
            ),
    ),
  );
  const { shortfalls } = await ledger.shortfalls.page({ limit: 1_000 });
  const ofType = (type: string) =>
    events.flatMap((event) => (event.type === type && 'orderId' in event ? [event.orderId] : []));
  const paid = new Set(ofType('InventoryReacquired'));
  expect([...shortfalls].reverse().map(({ orderId, resolution }) => `${orderId} ${resolution}`)).toEqual(
    ofType('PaymentCameShort').map(
      (orderId) => `${orderId} ${paid.has(orderId ?? '') ? 'reacquired' : undefined}`,
    ),
  );
}

async function expectSameQuotas(room: Room, ledger: Ledger, sale: SaleDocument): Promise<void> {
  const { redis, hot } = room.engine;
  const found: Record<string, string> = {};
  for await (const page of ledger.past.quotasOf(sale)) {
    for (const { customerId, held, bought } of page) found[customerId] = `${held} ${bought}`;
  }
  const quotas = Object.entries(await redis.hgetall(hot.keys.quota(sale.saleId)));
  expect(found, sale.saleId).toEqual(Object.fromEntries(quotas.filter(([, text]) => text !== '0 0')));
}

/** The keys with this prefix, and the rest of each. */
async function keysBehind(room: Room, start: string): Promise<[id: string, key: string][]> {
  const keys = await room.engine.redis.keys(`${start}*`);
  return keys.map((key) => [key.slice(start.length), key]);
}
