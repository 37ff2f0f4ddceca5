/**
 * Fills the hot path from the ledger (D10): a Redis that lost decisions (flushed, restored, a replica promoted too early) is
 * fenced, emptied, filled and opened under a new epoch. Promises: until the last step every command is refused with
 * `not-ready`; a rebuild that dies leaves the fence, and the next one starts anew.
 * The caller holds the lease of the partition, so nobody else writes the ledger meanwhile.
 */
import { itemName } from '../../domain/language.ts';
import { type Control, type NewControl, randomLink } from '../../hotpath/codec/control-codec.ts';
import { NOTHING } from '../../hotpath/codec/words.ts';
import type { FencedKeys } from '../../hotpath/fenced-page.ts';
import type { RedisConnection } from '../../hotpath/hot-inventory.ts';
import {
  afterlifeMs,
  loadItems,
  loadMovements,
  loadQuotas,
  loadReservations,
  loadSales,
  loadStocktakeLines,
  loadTransfers,
  loadWarehouses,
  sheetLifeMs,
} from '../../hotpath/load.ts';
import {
  type ControlRecord,
  clearPartition,
  fencePartition,
  readClockMs,
  readControl,
  readIncarnation,
  replaceControl,
} from '../../hotpath/partition.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { lostRange, nextEpoch, pauseSince } from './opening.ts';

export interface RebuildParts {
  readonly redis: RedisConnection;
  readonly keys: FencedKeys;
  readonly ledger: Ledger;
  /** How long a resolved reservation stays readable; as the engine has it. */
  readonly tombstoneMs: number;
  /** The last control record this process saw; undefined where it has seen none. */
  readonly seen?: (() => Control | undefined) | undefined;
}

/** What was loaded. */
export interface RebuildOutcome {
  readonly epoch: number;
  readonly items: number;
  readonly openHolds: number;
  readonly settled: number;
  readonly movements: number;
  readonly stocktakeLines: number;
  readonly transfers: number;
  readonly sales: number;
  readonly durationMs: number;
}

const ITEMS_PAGE = 1_000;

/** What the entry of a movement does not have: it is taken from the item of today. */
type Safety = ReadonlyMap<string, { readonly safetyStock: number; readonly isLow: boolean }>;

/**
 * Rebuilds the partition: Redis continues where the ledger is.
 * @param onProgress called after each page with the counts so far
 * @throws where a store is away or another process rebuilt meanwhile; the fence stays, and the next attempt begins anew
 */
export async function rebuild(
  parts: RebuildParts,
  onProgress: (loaded: { items: number; reservations: number }) => void = () => {},
): Promise<RebuildOutcome> {
  const startedMs = performance.now();
  const { redis, keys, ledger } = parts;
  const cursor = await ledger.cursor(keys.partition);
  const { id: incarnation } = await readIncarnation(redis);
  const before = await readControl(redis, keys).catch(() => undefined);
  const fenced = await fencePartition(redis, keys);
  const epoch = nextEpoch(fenced, cursor);
  // Two empty partitions are two histories.
  const {
    sequence,
    eventsTotal,
    link = NOTHING,
  } = cursor ?? { sequence: 0, eventsTotal: 0, link: randomLink() };
  const lost = lostRange(parts.seen?.(), undefined, cursor);
  const id = await ledger.beginEpoch(keys.partition, {
    epoch,
    incarnation,
    how: 'rebuilt',
    compared: { sequence, link, eventsTotal },
    cursor,
    ...(lost ? { lost } : {}),
  });
  if (id === undefined) {
    throw new Error(
      `partition ${keys.partition}: another process began epoch ${epoch.number} or a later one, or carried meanwhile`,
    );
  }
  const target: NewControl = {
    epoch,
    sequence,
    link,
    clockMs: await readClockMs(redis),
    eventsTotal,
    carriedTotal: eventsTotal,
    incarnation: undefined,
    pause: undefined,
    state: 'fenced',
  };
  // Says where the partition is going before anything is deleted: a rebuild that dies half way has nothing to save, and the
  // next one need not ask whether something is lost.
  const emptied = await replace(parts, fenced, target, incarnation);
  const loaded = await refill(parts, emptied.text, onProgress);
  const nowMs = await readClockMs(redis);
  const pause = pauseSince(before?.clockMs ?? parts.seen?.()?.clockMs, nowMs);
  await replace(
    parts,
    emptied,
    { ...target, incarnation, pause, clockMs: nowMs, state: 'open' },
    incarnation,
  );
  await ledger.openEpoch(id, { sequence, link });
  return { epoch: epoch.number, ...loaded, durationMs: performance.now() - startedMs };
}

async function replace(
  { redis, keys }: RebuildParts,
  before: ControlRecord,
  after: NewControl,
  incarnation: string,
): Promise<ControlRecord> {
  const { control, isReplaced } = await replaceControl(redis, keys, before, after, { incarnation });
  if (isReplaced && control) return control;
  throw new Error(
    `partition ${keys.partition}: Redis was started again or another process changed it during the rebuild`,
  );
}

/** Empties the partition and fills it, on a connection of its own, as long as the control record is this fence. */
async function refill(
  parts: RebuildParts,
  fence: string,
  onProgress: (loaded: { items: number; reservations: number }) => void,
): Promise<Omit<RebuildOutcome, 'epoch' | 'durationMs'>> {
  const redis = parts.redis.duplicate();
  redis.on('error', () => {}); // the commands get their errors
  try {
    await redis.connect();
    const keys = { ...parts.keys, fence };
    await clearPartition(redis, keys);
    return await fill({ ...parts, redis, keys }, onProgress);
  } finally {
    redis.disconnect();
  }
}

/** Fills the emptied partition from the ledger. */
async function fill(
  parts: RebuildParts,
  onProgress: (loaded: { items: number; reservations: number }) => void,
): Promise<Omit<RebuildOutcome, 'epoch' | 'durationMs'>> {
  const { redis, keys, ledger, tombstoneMs } = parts;
  const loaded = { items: 0, openHolds: 0, settled: 0 };
  const report = () => onProgress({ items: loaded.items, reservations: loaded.openHolds + loaded.settled });
  const safety = new Map<string, { safetyStock: number; isLow: boolean }>();
  let after: { sku: string; warehouse: string } | undefined;
  for (;;) {
    const page = await ledger.read.items(after, ITEMS_PAGE);
    // The ledger has an item in quarantine as of where it stopped; later holds of it are open all the same, so its units
    // would be sold twice.
    await loadItems(
      redis,
      keys,
      page.map(({ item, quarantine }) => ({ item, isQuarantined: quarantine !== undefined })),
    );
    for (const { item } of page) safety.set(itemName(item), item);
    loaded.items += page.length;
    report();
    after = page.at(-1)?.item;
    if (page.length < ITEMS_PAGE) break;
  }
  for await (const page of ledger.past.openReservations()) {
    await loadReservations(redis, keys, page, tombstoneMs);
    loaded.openHolds += page.length;
    report();
  }
  const sinceMs = Date.now() - tombstoneMs;
  for await (const page of ledger.past.resolvedSince(sinceMs)) {
    await loadReservations(redis, keys, page, tombstoneMs);
    loaded.settled += page.length;
    report();
  }
  const movements = await fillMovements(parts, sinceMs, safety);
  const documents = await fillDocuments(parts, sinceMs);
  await loadWarehouses(redis, keys, await ledger.warehouses());
  return { ...loaded, movements, ...documents };
}

async function fillMovements(parts: RebuildParts, sinceMs: number, safety: Safety): Promise<number> {
  const { redis, keys, ledger, tombstoneMs } = parts;
  let movements = 0;
  for await (const page of ledger.past.movementsSince(sinceMs)) {
    const done = page.map((movement) => {
      const { sku, warehouse, version, after, firedAlert } = movement;
      const now = safety.get(itemName(movement));
      const isLow = firedAlert || (now?.isLow ?? false);
      return {
        ...movement,
        item: { sku, warehouse, version, ...after, safetyStock: now?.safetyStock ?? 0, isLow },
      };
    });
    await loadMovements(redis, keys, done, tombstoneMs);
    movements += page.length;
  }
  return movements;
}

async function fillDocuments(
  { redis, keys, ledger, tombstoneMs }: RebuildParts,
  sinceMs: number,
): Promise<Pick<RebuildOutcome, 'stocktakeLines' | 'transfers' | 'sales'>> {
  const loaded = { stocktakeLines: 0, transfers: 0, sales: 0 };
  for await (const page of ledger.past.sheetLinesSince(Date.now() - sheetLifeMs(tombstoneMs))) {
    await loadStocktakeLines(redis, keys, page, tombstoneMs);
    loaded.stocktakeLines += page.length;
  }
  for await (const page of ledger.past.transfersSince(sinceMs)) {
    await loadTransfers(redis, keys, page, tombstoneMs);
    loaded.transfers += page.length;
  }
  for (const document of await ledger.sales.closingSince(Date.now() - afterlifeMs(tombstoneMs))) {
    const { held: reserved, ...figures } = await ledger.sales.figures(document);
    const closesAtMs = document.closedAtMs ?? document.closesAtMs;
    const scheduledToCloseAtMs = document.closesAtMs;
    const sale = { ...document, closesAtMs, scheduledToCloseAtMs, reserved, ...figures };
    await loadSales(redis, keys, [sale], tombstoneMs);
    loaded.sales++;
    // Without a limit customers are not counted.
    if (sale.limitPerCustomer === 0) continue;
    for await (const page of ledger.past.quotasOf(document))
      await loadQuotas(redis, keys, sale, page, tombstoneMs);
  }
  return loaded;
}
