/**
 * The evidence about items in quarantine as a person reads it, and as JSON.
 */
import type { InventoryItem } from '../../domain/inventory-item.ts';
import { itemName } from '../../domain/language.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { ItemFinding, Parked } from '../../ledger/read/parked.ts';
import type { ItemName } from '../../ledger/read/worker-queries.ts';
import { readHotItem, readHotOrders } from './hot-records.ts';
import type { LiftParts } from './lift.ts';
import { compareOrders } from './orders-to-agree.ts';

/** An item in quarantine. */
export interface QuarantinedItem extends ItemName {
  readonly since: string;
  /** The kind of its finding, or `closed-by-hand`. */
  readonly kind: string;
  readonly reason: string;
  /** Event lines that wait, those beyond what is kept included. */
  readonly parkedEvents: number;
}

/** Items in quarantine, the oldest first. */
export async function quarantineList(ledger: Ledger, limit: number): Promise<QuarantinedItem[]> {
  const items = await ledger.itemsInQuarantine(limit);
  return items.map(({ item: { sku, warehouse }, quarantine, parkedEvents }) => {
    const { atMs = 0, reason = '' } = quarantine ?? {};
    const kind = reason.slice(0, Math.max(0, reason.indexOf(':')));
    return { sku, warehouse, since: new Date(atMs).toISOString(), kind, reason, parkedEvents };
  });
}

/** The list for a person. */
export function listText(items: readonly QuarantinedItem[]): string {
  if (items.length === 0) return 'no item is in quarantine';
  return items
    .map((item) => `${itemName(item)}  since ${item.since}  ${item.parkedEvents} parked  ${item.reason}`)
    .join('\n');
}

/** All that is known about one item. */
export interface QuarantineShown extends ItemName {
  readonly quarantine: QuarantinedItem | undefined;
  readonly findings: readonly ItemFinding[];
  readonly parked: readonly Parked[];
  /** Event lines that came when no more were kept. */
  readonly parkedNotKept: number;
  readonly ledger: InventoryItem;
  readonly hotPath: InventoryItem | undefined;
  /** The record in Redis, `null` where there is none. */
  readonly hotPathText: string | null;
  /** Orders that hold some of it and are not the same in both stores: the records of each side. */
  readonly orders: readonly {
    readonly orderId: string;
    readonly hotPath: unknown;
    readonly ledger: unknown;
  }[];
}

const FINDINGS_MAX = 100;

/** Collects the evidence; undefined where the ledger does not know the item. */
export async function showQuarantine(
  { redis, hot, ledger }: Pick<LiftParts, 'redis' | 'hot' | 'ledger'>,
  name: ItemName,
): Promise<QuarantineShown | undefined> {
  const [known] = await ledger.loadItems([name]);
  if (!known) return undefined;
  const there = await readHotItem(redis, hot.keys, name);
  const { findings, parked } = await ledger.quarantineOf(name, FINDINGS_MAX);
  const holds = await ledger.holdsOf(name);
  const orders = await readHotOrders(
    redis,
    hot.keys,
    name,
    holds.map(({ orderId }) => orderId),
  );
  const here = new Map(holds.map((hold) => [hold.orderId, hold]));
  const missing = [...orders.keys()].filter((orderId) => !here.has(orderId));
  for (const order of await ledger.loadReservations(missing)) here.set(order.orderId, order);
  const { differences } = compareOrders(name, orders, here, undefined, Date.now());
  const quarantine = known.quarantine && {
    ...name,
    since: new Date(known.quarantine.atMs).toISOString(),
    kind: known.quarantine.reason.split(':')[0] ?? '',
    reason: known.quarantine.reason,
    parkedEvents: known.parkedEvents,
  };
  return {
    ...name,
    quarantine,
    findings,
    parked,
    parkedNotKept: Math.max(0, known.parkedEvents - parked.length),
    ledger: known.item,
    hotPath: there.item,
    hotPathText: there.text ?? null,
    orders: differences.map(({ orderId, hot, ledger }) => ({
      orderId,
      hotPath: hot ?? null,
      ledger: ledger ?? null,
    })),
  };
}

const FIGURES = ['total', 'available', 'reserved', 'sold', 'safetyStock', 'version'] as const;

/** The evidence for a person. */
export function showText(shown: QuarantineShown): string {
  const { quarantine, findings, parked, parkedNotKept, ledger, hotPath, hotPathText, orders } = shown;
  const lines = [
    quarantine
      ? `${itemName(shown)} is in quarantine since ${quarantine.since}: ${quarantine.reason}`
      : `${itemName(shown)} is not in quarantine in the ledger`,
    '',
    `${''.padEnd(14)}${'hot path'.padStart(12)}${'ledger'.padStart(12)}`,
    ...FIGURES.map(
      (figure) =>
        `${figure.padEnd(14)}${String(hotPath?.[figure] ?? '?').padStart(12)}${String(ledger[figure]).padStart(12)}`,
    ),
    `record in Redis: ${hotPathText ?? 'none'}`,
    '',
    ...findings.map(
      ({ kind, detail, evidence, epoch, sequence }) =>
        `found at entry ${epoch}-${sequence}: ${kind}: ${detail}\n  evidence: ${JSON.stringify(evidence)}`,
    ),
    '',
    `${parked.length} events wait${parkedNotKept > 0 ? `, and ${parkedNotKept} more came that were not kept` : ''}`,
    ...parked.map(
      ({ version, epoch, sequence, event }) =>
        `  version ${version}, entry ${epoch}-${sequence}: ${JSON.stringify(event)}`,
    ),
    ...orders.map(
      (order) =>
        `order ${order.orderId} differs\n  hot path: ${JSON.stringify(order.hotPath)}\n  ledger:   ${JSON.stringify(order.ledger)}`,
    ),
  ];
  return lines.join('\n');
}
