/**
 * Lifts the quarantine of an item (D8), while everything else goes on.
 *
 * 1. Redis refuses commands about the item, and the ledger has caught up: from here on nothing changes it.
 * 2. The ledger is put right in one transaction, which the worker waits for.
 * 3. Redis gets the ledger's orders and figures, the item's last.
 *
 * Promises: repeating it after a death anywhere finishes it; between 2 and 3 the item is closed, never wrong.
 */
import { ID_LENGTH_MAX } from '../../domain/id.ts';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import { itemName } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import { encodeStocktakeLine } from '../../hotpath/codec/stocktake-codec.ts';
import type { HotInventory, RedisConnection } from '../../hotpath/hot-inventory.ts';
import { loadReservations } from '../../hotpath/load.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { ItemName } from '../../ledger/read/worker-queries.ts';
import type { RepairFound, RepairWrite } from '../../ledger/write/repair.ts';
import { type HotItem, type HotOrder, readHotItem, readHotOrders } from './hot-records.ts';
import { type LiftOrder, planLift } from './lift-plan.ts';
import { compareOrders, othersTouched, type Side } from './orders-to-agree.ts';
import type { LeftOut } from './replay.ts';

/** What a lift works with. */
export interface LiftParts {
  readonly hot: HotInventory;
  readonly redis: RedisConnection;
  readonly ledger: Ledger;
  /** How long a record of an order that has ended is kept; as the engine has it. */
  readonly tombstoneMs: number;
  /** How long to wait until the ledger has caught up. */
  readonly waitMs: number;
  /** For tests, which stop it there. */
  readonly checkpoint?: ((name: 'ledger-written') => Promise<void>) | undefined;
}

/** What a lift did, or why it did nothing. */
export type LiftAnswer =
  | {
      readonly outcome: 'lifted';
      readonly item: InventoryItem;
      /** Parked events that are in the ledger now. */
      readonly booked: number;
      readonly leftOut: readonly LeftOut[];
      /** Orders that both stores have alike now. */
      readonly orders: readonly string[];
      /** The ledger had been put right before, and Redis has now followed. */
      readonly finished: boolean;
    }
  | { readonly outcome: 'refused'; readonly why: string };

type Decided =
  | { readonly kind: 'refuse'; readonly why: string }
  | {
      readonly kind: 'done';
      readonly item: InventoryItem;
      readonly booked: number;
      readonly leftOut: readonly LeftOut[];
      readonly finished: boolean;
    };

/** Lifts the quarantine of an item. @throws an outage of a store, a fault of the engine; then it is repeated */
export async function lift(parts: LiftParts, name: ItemName, order: LiftOrder): Promise<LiftAnswer> {
  const { hot, redis, ledger } = parts;
  const [known] = await ledger.loadItems([name]);
  const before = await readHotItem(redis, hot.keys, name);
  if (!known) return refused(`the ledger does not know ${itemName(name)}`);
  if (!known.quarantine && before.isOpen) {
    return refused(`${itemName(name)} is not in quarantine: the ledger follows it and commands are decided`);
  }
  const head = await close(parts, name);
  if (!head) {
    const why = `the ledger has not caught up within ${parts.waitMs / 1_000} s: is the worker running? Nothing was changed`;
    return refused(why);
  }
  const closed = await readHotItem(redis, hot.keys, name);
  // Before the transaction, in which the worker waits: a look at every order of Redis takes its time.
  const orderIds = (await ledger.holdsOf(name)).map(({ orderId }) => orderId);
  const there = await readHotOrders(redis, hot.keys, name, orderIds);
  const decided = await ledger.repairItem<Decided>(hot.keys.partition, name, (found) => {
    if (found.holds.some(({ orderId }) => !orderIds.includes(orderId))) throw new Error(CHANGED);
    return decide(name, closed, there, found, order, head.nowMs);
  });
  if (decided === undefined) return refused(`the ledger does not know ${itemName(name)}`);
  if (decided.kind === 'refuse') return refused(decided.why);
  await parts.checkpoint?.('ledger-written');
  const orders = await bringOrders(parts, name, closed, decided.item, head.nowMs);
  const item = await hot.lift(decided.item);
  const { booked, leftOut, finished } = decided;
  return { outcome: 'lifted', item, booked, leftOut, orders, finished };
}

const CHANGED = 'somebody changed the orders of the item meanwhile: repeat the command';

function refused(why: string): LiftAnswer {
  return { outcome: 'refused', why };
}

/** From here on no command changes the item, and the ledger has all that did; undefined where it does not catch up. */
async function close({ hot, ledger, waitMs }: LiftParts, name: ItemName) {
  await hot.quarantine(name.sku, name.warehouse);
  const head = await hot.sweep(0);
  const { epoch, sequence } = head;
  const place = { epoch, nonce: undefined, sequence };
  const isThere = await ledger.waitForSequence(hot.keys.partition, place, waitMs);
  return isThere ? head : undefined;
}

async function decide(
  name: ItemName,
  closed: HotItem,
  there: ReadonlyMap<string, HotOrder>,
  found: RepairFound,
  order: LiftOrder,
  nowMs: number,
): Promise<{ answer: Decided; write?: RepairWrite }> {
  if (!found.item.quarantine && found.lastType === 'InventoryRealigned') {
    const { item } = found.item;
    return { answer: { kind: 'done', item, booked: 0, leftOut: [], finished: true } };
  }
  const here = await ledgerOrders(found, [...there.keys()]);
  const orders = compareOrders(name, there, here, order.right, nowMs);
  const others = othersTouched(orders.differences, name);
  const stopped = new Set(
    (await found.loadItems(others)).flatMap(({ item, quarantine }) => (quarantine ? [itemName(item)] : [])),
  );
  const open = others.find((other) => !stopped.has(itemName(other)));
  if (open) {
    const why =
      `order ${orders.differences[0]?.orderId} is not the same in both stores, and holds ${itemName(open)} too, which is not in ` +
      'quarantine: close that item first (npm run quarantine -- close), then lift this one, then that one';
    return { answer: { kind: 'refuse', why } };
  }
  const plan = await planLift(found, closed.item, orders, order, nowMs);
  if (plan.kind === 'refuse') return { answer: plan };
  const { write, leftOut } = plan;
  return {
    answer: { kind: 'done', item: write.item, booked: write.booked.length, leftOut, finished: false },
    write,
  };
}

async function ledgerOrders(
  found: Pick<RepairFound, 'holds' | 'loadReservations'>,
  orderIds: readonly string[],
): Promise<Map<string, Reservation>> {
  const holds = new Map(found.holds.map((hold) => [hold.orderId, hold]));
  const missing = orderIds.filter((orderId) => !holds.has(orderId));
  for (const order of await found.loadReservations(missing)) holds.set(order.orderId, order);
  return holds;
}

/** Gives Redis the orders of the item as the ledger has them, and ends the locks that the ledger has ended. */
async function bringOrders(
  { redis, hot, ledger, tombstoneMs }: LiftParts,
  name: ItemName,
  closed: HotItem,
  item: InventoryItem,
  nowMs: number,
): Promise<string[]> {
  const holds = await ledger.holdsOf(name);
  const there = await readHotOrders(
    redis,
    hot.keys,
    name,
    holds.map(({ orderId }) => orderId),
  );
  const find = {
    holds,
    loadReservations: (orderIds: readonly string[]) => ledger.loadReservations(orderIds),
  };
  const right: Side = 'ledger';
  const { differences } = compareOrders(
    name,
    there,
    await ledgerOrders(find, [...there.keys()]),
    right,
    nowMs,
  );
  await loadReservations(
    redis,
    hot.keys,
    differences.flatMap(({ agreed }) => agreed ?? []),
    tombstoneMs,
  );
  const lock = closed.item?.stocktake;
  if (lock && item.stocktake?.stocktakeId !== lock.stocktakeId) {
    const line = { ...name, ...lock, status: 'CANCELLED', before: item.total, counted: undefined } as const;
    await redis.hset(hot.keys.stocktake(lock.stocktakeId), itemName(name), encodeStocktakeLine(line));
  }
  return differences.map(({ orderId }) => orderId);
}

/** What the ledger keeps of why a person closed an item. */
export function closedByHand(actor: string, reason: string): string {
  return `closed-by-hand: ${reason} (${actor.slice(0, ID_LENGTH_MAX)})`;
}

/**
 * Puts a sound item in quarantine by a person's word, so that it can be put right by a lift.
 * @returns why not; undefined where it is done @throws an outage
 */
export async function closeByHand(
  parts: LiftParts,
  name: ItemName,
  actor: string,
  reason: string,
): Promise<string | undefined> {
  const [known] = await parts.ledger.loadItems([name]);
  if (!known) return `the ledger does not know ${itemName(name)}`;
  if (!(await close(parts, name))) {
    return `the ledger has not caught up within ${parts.waitMs / 1_000} s: is the worker running? Repeat this when it does`;
  }
  await parts.ledger.quarantine(name, closedByHand(actor, reason));
  return undefined;
}
