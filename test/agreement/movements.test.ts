/**
 * Stock movements by examples: goods leave unsold, are shipped, come back, are written off, are corrected. Receiving
 * stands in test/domain/stock.test.ts.
 */
import { expect, test } from 'vitest';
import type { MovementInput } from '../../src/domain/inputs/goods.ts';
import { MOVEMENT_KINDS, type MovementKind, QUANTITY_MAX } from '../../src/domain/language.ts';
import { answer, outcome, refusal } from '../domain/sentences.ts';
import { type EitherShop, type Given, onBoth } from './both.ts';

/** 10 = 5 available + 2 reserved + 3 sold, at version 4. */
async function withSold(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=10');
  await shop.reserve('sold', 'TEA@east=3');
  await shop.confirm('sold');
  await shop.reserve('held', 'TEA@east=2');
  return shop;
}
const last = async (shop: EitherShop) => (await shop.happened()).at(-1);

onBoth('issue', (given) => {
  test('takes goods that are available out of the books, and the ledger hears why', async () => {
    const shop = await withSold(given);
    answer(await shop.move('issue', 'TEA@east=4', { movementId: 'M-1', reason: 'damaged by water' }));
    expect(await shop.figures('TEA@east')).toBe('6 = 1 available + 2 reserved + 3 sold');
    expect(await last(shop)).toMatchObject({
      type: 'InventoryIssued',
      movementId: 'M-1',
      reason: 'damaged by water',
      lines: [{ sku: 'TEA', warehouse: 'east', quantity: 4, version: 5 }],
    });
  });

  test('BR-001: takes nothing that is promised or sold', async () => {
    const shop = await withSold(given);
    expect(refusal(await shop.move('issue', 'TEA@east=6'))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', warehouse: 'east', requested: 6, available: 5 }],
    });
    expect(outcome(await shop.move('issue', 'TEA@east=5'))).toBe('done');
  });
});

onBoth('ship', (given) => {
  test('takes sold units out of the building, of which order the ledger hears', async () => {
    const shop = await withSold(given);
    answer(await shop.move('ship', 'TEA@east=2', { movementId: 'M-1', orderId: 'sold' }));
    expect(await shop.figures('TEA@east')).toBe('8 = 5 available + 2 reserved + 1 sold');
    expect(await last(shop)).toMatchObject({ type: 'InventoryShipped', movementId: 'M-1', orderId: 'sold' });
  });

  test('takes no more than is sold, whatever is available', async () => {
    const shop = await withSold(given);
    expect(refusal(await shop.move('ship', 'TEA@east=4'))).toEqual({ code: 'exceeds-sold', sold: 3 });
    expect(outcome(await shop.move('ship', 'TEA@east=3'))).toBe('done');
    expect(refusal(await shop.move('ship', 'TEA@east=1'))).toEqual({ code: 'exceeds-sold', sold: 0 });
  });
});

onBoth('return', (given) => {
  test('puts shipped units on sale again', async () => {
    const shop = await withSold(given);
    await shop.move('ship', 'TEA@east=3');
    answer(
      await shop.move('return', 'TEA@east=1', { movementId: 'M-1', orderId: 'sold', reason: 'too small' }),
    );
    expect(await shop.figures('TEA@east')).toBe('8 = 6 available + 2 reserved + 0 sold');
    expect(await last(shop)).toMatchObject({
      type: 'InventoryReturned',
      orderId: 'sold',
      reason: 'too small',
    });
  });

  test('does not go beyond what a counter may show', async () => {
    const shop = await given(`TEA@east=${QUANTITY_MAX - 1}`);
    expect(refusal(await shop.move('return', 'TEA@east=2'))).toEqual({
      code: 'quantity-limit-exceeded',
      total: QUANTITY_MAX - 1,
    });
    expect(outcome(await shop.move('return', 'TEA@east=1'))).toBe('done');
  });
});

onBoth('write-off', (given) => {
  test('is told to the ledger and moves no counter', async () => {
    const shop = await withSold(given);
    const item = answer(await shop.move('write-off', 'TEA@east=4', { orderId: 'sold', reason: 'broken' }));
    expect(await shop.figures('TEA@east')).toBe('10 = 5 available + 2 reserved + 3 sold');
    expect(item.version).toBe(5);
    expect(await last(shop)).toMatchObject({
      type: 'ReturnWrittenOff',
      orderId: 'sold',
      reason: 'broken',
      lines: [{ quantity: 4, version: 5 }],
    });
  });
});

onBoth('correct', (given) => {
  test('sets the total to what was found; available takes the difference', async () => {
    const shop = await withSold(given);
    answer(await shop.move('correct', 'TEA@east=12', { expectedVersion: 4 }));
    expect(await shop.figures('TEA@east')).toBe('12 = 7 available + 2 reserved + 3 sold');
    answer(await shop.move('correct', 'TEA@east=5', { expectedVersion: 5 }));
    expect(await shop.figures('TEA@east')).toBe('5 = 0 available + 2 reserved + 3 sold');
    expect(await last(shop)).toMatchObject({
      type: 'InventoryCorrected',
      lines: [{ quantity: 5, version: 6 }],
    });
  });

  test('is refused where the item has moved since its corrector looked, and tells the version it has now', async () => {
    const shop = await withSold(given);
    await shop.release('held');
    const asked = { movementId: 'M-1', expectedVersion: 4 };
    expect(refusal(await shop.move('correct', 'TEA@east=12', asked))).toEqual({
      code: 'version-conflict',
      version: 5,
    });
    expect(outcome(await shop.move('correct', 'TEA@east=12', { ...asked, expectedVersion: 6 }))).toBe(
      'version-conflict',
    );
    expect(await shop.figures('TEA@east')).toBe('10 = 7 available + 0 reserved + 3 sold');
    expect(outcome(await shop.move('correct', 'TEA@east=12', { ...asked, expectedVersion: 5 }))).toBe('done');
  });

  test('does not go below what is promised or sold, and tells both', async () => {
    const shop = await withSold(given);
    expect(refusal(await shop.move('correct', 'TEA@east=4', { expectedVersion: 4 }))).toEqual({
      code: 'count-below-committed',
      counted: 4,
      reserved: 2,
      sold: 3,
    });
  });

  test('may find what the books say, or nothing, and is recorded', async () => {
    const shop = await given('TEA@east=3');
    const same = answer(await shop.move('correct', 'TEA@east=3', { expectedVersion: 1 }));
    expect(same).toMatchObject({ total: 3, available: 3, version: 2 });
    answer(await shop.move('correct', 'TEA@east=0', { expectedVersion: 2 }));
    expect(await shop.figures('TEA@east')).toBe('0 = 0 available + 0 reserved + 0 sold');
    expect(await shop.eventTypes(1)).toEqual(['InventoryCorrected', 'InventoryCorrected']);
  });
});

/** A movement of each kind that can be done on {@link withSold}. */
const DOABLE: Readonly<Record<MovementKind, readonly [line: string, more: Partial<MovementInput>]>> = {
  receive: ['TEA@east=1', {}],
  issue: ['TEA@east=1', {}],
  ship: ['TEA@east=1', { orderId: 'sold' }],
  return: ['TEA@east=1', { orderId: 'sold' }],
  'write-off': ['TEA@east=1', { orderId: 'sold' }],
  correct: ['TEA@east=9', { expectedVersion: 4 }],
};

onBoth('a movement', (given) => {
  test.each(MOVEMENT_KINDS)(
    'BR-006: %s told twice counts once and hears the first answer, whatever happened since',
    async (kind) => {
      const shop = await withSold(given);
      const [line, more] = DOABLE[kind];
      const tell = () => shop.move(kind, line, { ...more, movementId: 'M-1' });
      const first = answer(await tell());
      await shop.reserve('later', 'TEA@east=1');
      const events = (await shop.happened()).length;
      const again = await tell();
      expect([outcome(again), answer(again)]).toEqual(['replayed', first]);
      expect((await shop.happened()).length).toBe(events);
    },
  );

  test.each(MOVEMENT_KINDS)('BR-006: other content under the id of a %s is refused', async (kind) => {
    const shop = await withSold(given);
    const [line, more] = DOABLE[kind];
    const asked = { ...more, movementId: 'M-1' };
    answer(await shop.move(kind, line, asked));
    const others: [MovementKind, string, Partial<MovementInput>][] = [
      [kind, 'TEA@east=2', asked],
      [kind, line.replace('east', 'west'), asked],
      [kind, line.replace('TEA', 'RICE'), asked],
      [kind, line, { ...asked, reason: 'another reason' }],
      [kind === 'receive' ? 'return' : 'receive', 'TEA@east=1', { movementId: 'M-1' }],
    ];
    if (more.orderId !== undefined) others.push([kind, line, { ...asked, orderId: 'another-order' }]);
    if (more.expectedVersion !== undefined) others.push([kind, line, { ...asked, expectedVersion: 5 }]);
    const figures = await shop.figures('TEA@east');
    for (const other of others)
      expect(outcome(await shop.move(...other)), String(other)).toBe('movement-conflict');
    expect(await shop.figures('TEA@east')).toBe(figures);
  });

  test.each(MOVEMENT_KINDS.filter((kind) => kind !== 'receive'))(
    '%s is of an item that was received once',
    async (kind) => {
      const shop = await withSold(given);
      const [line, more] = DOABLE[kind];
      expect(refusal(await shop.move(kind, line.replace('east', 'west'), more))).toEqual({
        code: 'unknown-item',
        items: [{ sku: 'TEA', warehouse: 'west' }],
      });
      expect(outcome(await shop.move(kind, line.replace('TEA', 'RICE'), more))).toBe('unknown-item');
    },
  );

  test('that was refused leaves no event, and may be tried again under its id', async () => {
    const shop = await withSold(given);
    const events = (await shop.happened()).length;
    expect(outcome(await shop.move('ship', 'TEA@east=4', { movementId: 'M-1' }))).toBe('exceeds-sold');
    expect(outcome(await shop.move('issue', 'TEA@east=9', { movementId: 'M-1' }))).toBe('insufficient-stock');
    expect((await shop.happened()).length).toBe(events);
    expect(outcome(await shop.move('ship', 'TEA@east=3', { movementId: 'M-1' }))).toBe('done');
  });
});
