/**
 * Random work of warehouses and sellers: movements, counts, transfers and sales from a seed, on few items and few ids, so
 * that they collide. Refusals are fine; nothing is expected but that the engine answers.
 */
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { randomFrom } from './shoppers.ts';

export const TRADED_SKUS = ['tea', 'rice', 'NULL'];
export const TRADED_WAREHOUSES = ['east', 'west', 'NULL'];

/** The clock the engine goes by. */
export interface TradersClock {
  now(): number;
  /** Time goes on by so much. */
  turn(ms: number): Promise<void>;
}

/** Stock and a sale for everybody, then `commands` commands, some at a time so that batches form. */
export async function trade(
  hot: HotInventory,
  seed: number,
  commands: number,
  clock: TradersClock,
): Promise<void> {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const whole = (max: number) => 1 + Math.floor(random() * max);
  const id = (what: string) => `${what}-${seed}-${whole(Math.ceil(commands / 6))}`;
  const item = () => ({ sku: pick(TRADED_SKUS), warehouse: pick(TRADED_WAREHOUSES) });
  const reason = `"${seed}" \\ 櫃, \t50 %`.replace('\t', '');
  const saleOf = (sku: string) => `sale-${seed}-${sku}`;
  for (const sku of TRADED_SKUS) {
    for (const warehouse of TRADED_WAREHOUSES) {
      await hot.receive({
        movementId: `opening-${seed}-${sku}-${warehouse}`,
        sku,
        warehouse,
        quantity: 8,
        reason,
      });
      await hot.setSafetyStock({ sku, warehouse, quantity: 4 });
    }
    const window = { opensAtMs: clock.now() - 1_000, closesAtMs: clock.now() + 3_600_000 };
    await hot.scheduleSale({ saleId: saleOf(sku), sku, ...window, quantity: 15, limitPerCustomer: 4 });
  }
  const newVersion = async (of: { sku: string; warehouse: string }): Promise<number> => {
    const found = await hot.item(of.sku);
    if (found.outcome === 'refused') return 0;
    return found.value.warehouses.find(({ warehouse }) => warehouse === of.warehouse)?.version ?? 0;
  };
  const order = (): Promise<unknown> => {
    const sku = pick(TRADED_SKUS);
    const isInSale = random() < 0.5;
    return hot.reserve({
      orderId: id('order'),
      lines: [{ sku, quantity: whole(6), ...(random() < 0.3 ? { warehouse: pick(TRADED_WAREHOUSES) } : {}) }],
      customerId: `customer-${whole(6)}`,
      ...(isInSale ? { saleId: saleOf(sku) } : {}),
      allocation: random() < 0.3 ? 'split' : 'single',
      holdSeconds: pick([5, 60, 1_800]),
    });
  };
  const move = async (): Promise<unknown> => {
    const of = item();
    const movement = { movementId: id('move'), ...of, quantity: whole(4), reason, orderId: undefined };
    const kind = pick(['receive', 'issue', 'issue', 'ship', 'return', 'write-off', 'correct'] as const);
    if (kind !== 'correct') {
      const orderId = kind === 'receive' || kind === 'issue' || random() < 0.3 ? undefined : id('order');
      return hot.move(kind, { ...movement, orderId });
    }
    return hot.move(kind, { ...movement, quantity: whole(12), expectedVersion: await newVersion(of) });
  };
  const counts: { stocktakeId: string; sku: string; warehouse: string }[] = [];
  const count = (): Promise<unknown> => {
    const dice = random();
    if (dice < 0.5) {
      const of = { stocktakeId: id('sheet'), ...item() };
      counts.push(of);
      return hot.startStocktake({ ...of, leaseSeconds: pick([1, 30, 900]) });
    }
    const of = counts.splice(Math.floor(random() * counts.length), 1)[0] ?? {
      stocktakeId: id('sheet'),
      ...item(),
    };
    if (dice < 0.6) return hot.cancelStocktake(of);
    const releasable = random() < 0.5 ? Array.from({ length: 5 }, () => id('order')) : [];
    return hot.completeStocktake({ ...of, counted: whole(12), reason, releasable: [...new Set(releasable)] });
  };
  const transfer = (): Promise<unknown> => {
    const transferId = id('transfer');
    const dice = random();
    if (dice < 0.4) {
      const [from, to] = random() < 0.5 ? ['east', 'west'] : ['west', 'NULL'];
      return hot.dispatchTransfer({
        transferId,
        sku: pick(TRADED_SKUS),
        from: from ?? '',
        to: to ?? '',
        quantity: whole(5),
        reason,
      });
    }
    if (dice < 0.85) return hot.receiveTransfer({ transferId, received: whole(2), rejected: whole(2) - 1 });
    return hot.cancelTransfer({ transferId });
  };
  const act = (): Promise<unknown> => {
    const dice = random();
    if (dice < 0.25) return order();
    if (dice < 0.4) {
      return hot.confirm({
        orderId: id('order'),
        reacquire: random() < 0.5,
        proposeTransferTo: pick(TRADED_WAREHOUSES),
      });
    }
    if (dice < 0.47) return hot.release({ orderId: id('order') });
    if (dice < 0.62) return move();
    if (dice < 0.78) return count();
    if (dice < 0.98) return transfer();
    return random() < 0.2 ? hot.closeSale({ saleId: saleOf(pick(TRADED_SKUS)) }) : hot.sweep(100);
  };
  for (let n = 0; n < commands; n += 8) {
    await Promise.all(Array.from({ length: Math.min(8, commands - n) }, () => act()));
    await clock.turn(whole(20_000));
  }
  // What is due by now returns now, and not while somebody looks at what was done.
  while ((await hot.sweep(1_000)).moreDue);
}
