/**
 * Compares items at the same version: under load the ledger is late, never different, so a difference is real (D14).
 */
import type { InventoryItem } from '../../domain/inventory-item.ts';
import { decodeId, decodeItemName, itemName } from '../../domain/language.ts';
import { decodeItem } from '../../hotpath/codec/item-codec.ts';
import type { Figures } from '../../ledger/read/queries.ts';
import type { LedgerItem } from '../../ledger/read/worker-queries.ts';
import { AUDIT_PAGE, type AuditFinding, type Auditor, readable } from './auditor.ts';

/** Items as Redis has them, by {@link itemName}; the text itself where it cannot be read. */
async function readHot(
  { parts }: Auditor,
  skus: readonly string[],
): Promise<Map<string, InventoryItem | string>> {
  const { redis, keys } = parts;
  const pipeline = redis.pipeline();
  for (const sku of skus) pipeline.hgetall(keys.sku(sku));
  const found = new Map<string, InventoryItem | string>();
  for (const [i, [error, fields]] of ((await pipeline.exec()) ?? []).entries()) {
    if (error) throw error;
    const sku = skus[i] as string;
    for (const [field, text] of Object.entries(fields as Record<string, string>)) {
      const warehouse = decodeId(field);
      // The hash of a SKU has its sales as well, under names that are no ids.
      if (warehouse === undefined) continue;
      found.set(itemName({ sku, warehouse }), readable(() => decodeItem(sku, warehouse, text)) ?? text);
    }
  }
  return found;
}

/** Compares every item of the ledger. @throws {Incomplete} */
export async function compareItems(auditor: Auditor): Promise<void> {
  let after: { sku: string; warehouse: string } | undefined;
  for (;;) {
    const page = await auditor.parts.ledger.read.items(after, AUDIT_PAGE);
    if (page.length === 0) return;
    const hot = await readHot(auditor, [...new Set(page.map((row) => row.item.sku))]);
    await auditor.catchUp();
    for (const row of page) {
      auditor.items++;
      await compareItem(auditor, row, hot.get(itemName(row.item)));
    }
    after = page.at(-1)?.item;
    auditor.reportOrAbort();
  }
}

async function compareItem(
  auditor: Auditor,
  { item, quarantine }: LedgerItem,
  hot: InventoryItem | string | undefined,
): Promise<void> {
  const { sku, warehouse, version } = item;
  const base = { sku, warehouse, version, ledger: item };
  if (quarantine) {
    auditor.addFinding({ kind: 'quarantined', ...base, detail: quarantine.reason });
  } else if (hot === undefined) {
    const detail = 'the ledger has this item, the hot path has not';
    auditor.addFinding({ kind: 'missing-in-hot-path', ...base, detail });
  } else if (typeof hot === 'string') {
    const detail = `the hot path's text cannot be read: ${JSON.stringify(hot)}`;
    auditor.addFinding({ kind: 'figures', ...base, version: 0, detail });
  } else {
    await compareFigures(auditor, hot, item);
  }
}

/** To be called when the ledger has caught up with what was read from Redis, so that it has that version. */
async function compareFigures(auditor: Auditor, hot: InventoryItem, item: InventoryItem): Promise<void> {
  const { sku, warehouse, version } = hot;
  const isNewest = version === item.version;
  const { read } = auditor.parts.ledger;
  const ledger: Figures | InventoryItem | undefined = isNewest
    ? item
    : await read.itemAtVersion(sku, warehouse, version);
  const base = { kind: 'figures', sku, warehouse, version, hotPath: hot, ledger } as const;
  const addFinding = (detail: string) => auditor.addFinding({ ...base, detail } satisfies AuditFinding);
  if (!ledger) {
    addFinding(`the ledger has no version ${version}, it is at ${item.version}`);
    return;
  }
  // Of older versions the ledger keeps the four counters.
  if (isNewest && hot.safetyStock !== item.safetyStock) {
    addFinding(`safety stock ${hot.safetyStock} against ${item.safetyStock}`);
  }
  if (isNewest && lockText(hot) !== lockText(item)) {
    addFinding(`BR-007: ${lockText(hot)} in the hot path, ${lockText(item)} in the ledger`);
  }
  const off = (['total', 'available', 'reserved', 'sold'] as const).filter(
    (figure) => hot[figure] !== ledger[figure],
  );
  if (off.length === 0) return;
  const detail = off.map((figure) => `${figure} ${hot[figure]} against ${ledger[figure]}`).join(', ');
  addFinding(`at version ${version} hot path and ledger differ: ${detail}`);
}

function lockText({ stocktake, holdsUntilMs }: InventoryItem): string {
  const time = (ms: number) => new Date(ms).toISOString();
  if (stocktake) return `locked by ${stocktake.stocktakeId} until ${time(stocktake.untilMs)}`;
  return holdsUntilMs === undefined ? 'not locked' : `not locked, holds until ${time(holdsUntilMs)}`;
}

/** Finds items that only the hot path has. @throws {Incomplete} */
export async function findUnknownItems(auditor: Auditor): Promise<void> {
  for await (const skus of auditor.scan(auditor.parts.keys.sku(''))) {
    const hot = await readHot(auditor, skus);
    await auditor.catchUp();
    const names = [...hot.keys()].flatMap((text) => decodeItemName(text) ?? []);
    const found = await auditor.parts.ledger.loadItems(names);
    const known = new Set(found.map(({ item }) => itemName(item)));
    for (const { sku, warehouse } of names) {
      const item = hot.get(itemName({ sku, warehouse }));
      if (known.has(itemName({ sku, warehouse })) || item === undefined) continue;
      const detail = 'the hot path has this item, the ledger has not';
      const figures = typeof item === 'string' ? {} : { hotPath: item };
      auditor.addFinding({ kind: 'missing-in-ledger', sku, warehouse, version: 0, ...figures, detail });
    }
  }
}
