/**
 * What lifting a quarantine writes: parked events that fit, and one entry of its own kind, with actor and reason, from which
 * hot path and ledger both go on. Promises: every figure follows from one of the two stores, from open orders, or from a
 * count that a person names; where nothing is known to be right it refuses and says what to name. It writes nothing itself.
 */
import type { InventoryItem } from '../../domain/inventory-item.ts';
import type { EventOf } from '../../domain/language.ts';
import type { RepairFound, RepairWrite } from '../../ledger/write/repair.ts';
import { differenceOf, isSame } from '../carry/event-checks.ts';
import type { OrdersToAgree, Side } from './orders-to-agree.ts';
import { type LeftOut, Replay } from './replay.ts';

/** A person's word. */
export interface LiftOrder {
  /** Which store is right; undefined: the parked events must explain what Redis has. */
  readonly right: Side | undefined;
  /** Units that a person has counted, sold and not shipped ones included; undefined: as the store that is right says. */
  readonly total: number | undefined;
  /** Units that are sold and not shipped yet; undefined: as the store that is right says. */
  readonly sold?: number | undefined;
  readonly actor: string;
  readonly reason: string;
}

/** What is written, or why not, in words that name what to do. */
export type LiftPlan =
  | { readonly kind: 'write'; readonly write: RepairWrite; readonly leftOut: readonly LeftOut[] }
  | { readonly kind: 'refuse'; readonly why: string };

const NAME_A_SIDE = 'look at the evidence (show), then say which side is right: --to-hot-path or --to-ledger';

/**
 * Plans the repair of one item.
 * @param hot the item as Redis has it; undefined where that cannot be read
 * @param nowMs by Redis's clock
 */
export async function planLift(
  found: RepairFound,
  hot: InventoryItem | undefined,
  orders: OrdersToAgree,
  { right, total, sold: soldNamed, actor, reason }: LiftOrder,
  nowMs: number,
): Promise<LiftPlan> {
  const replay = new Replay(found);
  const held = [...orders.held.values()].reduce((sum, units) => sum + units, 0);
  const isLost = found.item.parkedEvents > found.parked.length;
  if (right === undefined) {
    const why =
      total === undefined && soldNamed === undefined
        ? unexplained(replay, hot, orders, held, isLost)
        : 'a count replaces what they say';
    if (why !== undefined) return refuse(`the parked events do not explain the item: ${why}; ${NAME_A_SIDE}`);
  }
  const unsound = orders.differences.find(({ agreed }) => agreed === undefined);
  if (unsound) {
    const { orderId } = unsound;
    return refuse(`the record of order ${orderId} in Redis cannot be read: only --to-ledger can be right`);
  }
  const base = right === 'hot-path' ? hot : replay.item;
  if (!base) return refuse("Redis's record of the item cannot be read: only --to-ledger can be right");
  const units = total ?? base.total;
  const sold = soldNamed ?? base.sold;
  const available = units - held - sold;
  if (available < 0) {
    return refuse(
      `a total of ${units} is below what is promised: ${held} held by open orders and ${sold} sold and not shipped. ` +
        `Lift it with --total ${held + sold} or more, then count it: a stocktake can release the newest holds`,
    );
  }
  const { epoch, sequence } = found.cursor;
  const atMs = Math.max(nowMs, found.item.updatedAtMs, ...found.parked.map(({ event }) => event.atMs));
  if (replay.item.stocktake) {
    const { stocktakeId } = replay.item.stocktake;
    const lines: never[] = [];
    const cancelled = { type: 'StocktakeCancelled', stocktakeId, lines, atMs, actor } as const;
    replay.add(cancelled, replay.item.total, epoch, sequence);
  }
  const versions = [replay.item.version, hot?.version ?? 0, ...found.parked.map(({ version }) => version)];
  const passedOver = Math.max(...versions) - replay.item.version;
  const realigned = (figures: Pick<EventOf<'InventoryRealigned'>, 'available' | 'reserved' | 'sold'>) =>
    ({
      type: 'InventoryRealigned',
      lines: [],
      ...figures,
      safetyStock: base.safetyStock,
      reason,
      atMs,
      actor,
    }) as const;
  const isInStep = replay.item.reserved === held && orders.differences.length === 0;
  const steps = isInStep ? [] : stepsOf(replay, await found.heldByEntries(), orders.held);
  const change = steps.reduce((sum, [, units]) => sum + units, 0);
  let reserved = held - change;
  replay.add(realigned({ available, reserved, sold }), passedOver, epoch, sequence);
  for (const [orderId, units] of steps) {
    reserved += units;
    replay.add({ ...realigned({ available, reserved, sold }), orderId }, 0, epoch, sequence);
  }
  return {
    kind: 'write',
    leftOut: replay.leftOut,
    write: {
      rows: replay.rows,
      item: replay.item,
      atMs,
      reservations: right === 'hot-path' ? orders.differences.flatMap(({ agreed }) => agreed ?? []) : [],
      documents: replay.documents(),
      booked: replay.booked.map(({ id }) => id),
      leftOut: replay.leftOut.map(({ parked }) => parked.id),
    },
  };
}

function refuse(why: string): LiftPlan {
  return { kind: 'refuse', why };
}

/** Why parked events alone do not put the item right; undefined where they do. */
function unexplained(
  replay: Replay,
  hot: InventoryItem | undefined,
  orders: OrdersToAgree,
  held: number,
  isLost: boolean,
): string | undefined {
  const [left] = replay.leftOut;
  const [difference] = orders.differences;
  const { item } = replay;
  if (isLost) return 'more events came than are kept';
  if (left)
    return `event ${left.parked.event.type} of entry ${left.parked.sequence} is not allowed: ${left.why}`;
  if (!replay.isGapless) return 'events are missing between them';
  if (!hot) return "Redis's record of the item cannot be read";
  if (!isSame(item, hot)) return `Redis has ${differenceOf(hot, item)}`;
  if (difference) return `order ${difference.orderId} is not the same in both stores`;
  if (item.reserved !== held) return `${item.reserved} are reserved, and open orders hold ${held}`;
  return undefined;
}

/**
 * By how much each order's entries have to change so that they come to what it holds; what more is held comes first, so that
 * nothing is below zero on the way.
 */
function stepsOf(
  replay: Replay,
  heldByEntries: ReadonlyMap<string, number>,
  held: ReadonlyMap<string, number>,
): [orderId: string, units: number][] {
  const entries = new Map(heldByEntries);
  for (const { event, before, after } of replay.rows) {
    if (!('orderId' in event) || event.orderId === undefined) continue;
    entries.set(event.orderId, (entries.get(event.orderId) ?? 0) + after.reserved - before.reserved);
  }
  const steps: [string, number][] = [];
  for (const orderId of new Set([...entries.keys(), ...held.keys()])) {
    const units = (held.get(orderId) ?? 0) - (entries.get(orderId) ?? 0);
    if (units !== 0) steps.push([orderId, units]);
  }
  return steps.sort((a, b) => b[1] - a[1]);
}
