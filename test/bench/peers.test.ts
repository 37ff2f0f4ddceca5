/** Peers side by side: a peer that cannot be trusted is found out, and what is shown is what was measured. */
import { describe, expect, test } from 'vitest';
import { type Figure, figure, type Place } from '../../loadtest/bench/figures.ts';
import { problemIn } from '../../loadtest/bench/peers/books.ts';
import { drawPeers, powersOfTen, spreadOut } from '../../loadtest/bench/peers/chart.ts';
import { type Outcome, type Peer, type Room, skuNames, skuOf } from '../../loadtest/bench/peers/peer.ts';
import { matrices } from '../../loadtest/bench/peers/table.ts';
import { tryPeer } from '../../loadtest/bench/peers/trial.ts';

describe('the small flash sale', () => {
  /** A way to sell that is right, but for what a test changes. */
  class Seller {
    available = 0;
    readonly holds = new Map<string, number>();
    async reserve(orderId: string): Promise<Outcome> {
      if (this.isKnown(orderId)) return 'held';
      const seen = this.available;
      await this.think();
      if (seen < 1) return 'refused';
      return this.take(orderId, seen);
    }
    isKnown(orderId: string): boolean {
      return this.holds.has(orderId);
    }
    async think(): Promise<void> {}
    take(orderId: string, _seen: number): Outcome {
      if (this.holds.has(orderId)) return 'held';
      if (this.available < 1) return 'refused';
      this.available--;
      this.holds.set(orderId, 1);
      return 'held';
    }
    get reserved(): number {
      return this.holds.size;
    }
  }

  function peerOf(seller: Seller, givesUp = false): Peer {
    return {
      name: 'a seller',
      family: 'Redis',
      isLimit: false,
      givesUp,
      open: async (_, { units }) => {
        seller.available = units;
        return {
          reserve: (orderId) => seller.reserve(orderId),
          books: async () => ({
            available: seller.available,
            reserved: seller.reserved,
            holds: seller.holds.size,
          }),
          close: async () => {},
        };
      },
    };
  }
  // No peer of these tests asks for anything that is shared.
  const room = {} as Room;

  test('a seller that is right gets through', async () => {
    await expect(tryPeer(room, peerOf(new Seller()))).resolves.toBeUndefined();
  });

  test('one that writes what it read before, and so sells a unit twice, is found out', async () => {
    class Forgetful extends Seller {
      override async think() {
        await new Promise((resolve) => setImmediate(resolve));
      }
      override take(orderId: string, seen: number): Outcome {
        this.available = seen - 1;
        this.holds.set(orderId, 1);
        return 'held';
      }
    }
    await expect(tryPeer(room, peerOf(new Forgetful()))).rejects.toThrow(
      /cannot be trusted.*there ever were/,
    );
  });

  test('one that takes a repeat for another order is found out', async () => {
    class Repeating extends Seller {
      extra = 0;
      override isKnown(orderId: string): boolean {
        if (this.holds.has(orderId) && this.available > 0) {
          this.available--;
          this.extra++;
        }
        return this.holds.has(orderId);
      }
      override get reserved(): number {
        return this.holds.size + this.extra;
      }
    }
    await expect(tryPeer(room, peerOf(new Repeating()))).rejects.toThrow(/units are reserved by/);
  });

  test('one that refuses who has his unit already is found out', async () => {
    class Blind extends Seller {
      override isKnown(): boolean {
        return false;
      }
    }
    await expect(tryPeer(room, peerOf(new Blind()))).rejects.toThrow(/were refused when they asked again/);
  });

  test('one that keeps units back is found out, unless its orders may give up', async () => {
    class Shy extends Seller {
      override take(orderId: string, seen: number): Outcome {
        return this.available > 10 ? super.take(orderId, seen) : 'gave-up';
      }
    }
    await expect(tryPeer(room, peerOf(new Shy()))).rejects.toThrow(/40 of 50 units were sold/);
    await expect(tryPeer(room, peerOf(new Shy(), true))).resolves.toBeUndefined();
  });
});

describe('books', () => {
  const stock = { skus: ['TEA', 'RICE'], units: 10 };
  test.each([
    [
      'a yes that is not stored',
      { available: 18, reserved: 2, holds: 2 },
      { orders: 3, orMore: 0 },
      /3 orders got a yes, 2/,
    ],
    [
      'a hold that nobody was told of',
      { available: 17, reserved: 3, holds: 3 },
      { orders: 2, orMore: 0 },
      /2 orders got a yes, 3/,
    ],
    ['a unit too many', { available: 18, reserved: 3, holds: 3 }, { orders: 3, orMore: 0 }, /of 20 units/],
    ['below zero', { available: -1, reserved: 21, holds: 21 }, { orders: 21, orMore: 0 }, /-1 available/],
  ])('%s is told', (_, books, acknowledged, words) => {
    expect(problemIn(books, stock, acknowledged)).toMatch(words);
  });

  test('where clients hung up, what they did not hear may stand there', () => {
    const books = { available: 17, reserved: 3, holds: 3 };
    expect(problemIn(books, stock, { orders: 2, orMore: 1 })).toBeUndefined();
    expect(problemIn(books, stock, { orders: 1, orMore: 1 })).toBeDefined();
  });
});

test('orders go to SKUs by chance, evenly, and always the same', () => {
  const skus = skuNames(100);
  const counts = new Map<string, number>();
  for (let n = 0; n < 20_000; n++) counts.set(skuOf(skus, n), (counts.get(skuOf(skus, n)) ?? 0) + 1);
  expect(counts.size).toBe(100);
  expect(Math.max(...counts.values())).toBeLessThan(300);
  // A thousand clients at one moment meet each other on some, as they would in a shop.
  expect(new Set(Array.from({ length: 64 }, (_, n) => skuOf(skus, n))).size).toBeLessThan(64);
});

const at = (
  peer: string,
  clients: number,
  values: number[],
  what: Place['what'] = 'orders a second',
  skus = 1,
): Figure => figure(`${peer} ${clients}`, 'orders/s', values, { at: { peer, skus, clients, what } });

describe('the matrices', () => {
  const lines = matrices([
    at('slow', 1, [90, 100, 120]),
    at('slow', 1_000, [0, 0, 0]),
    at('fast', 1, [70_000]),
    at('slow', 1, [Number.NaN], 'p99 wait'),
    figure('a target', 'x', [3]),
  ]);

  test('a row a peer, a column a number of clients, with how far the turns lay apart', () => {
    expect(lines[1]).toMatch(/1 SKU: orders a second, orders\/s +1 client +1,000 clients/);
    expect(lines[2]).toMatch(/slow +100 ±20% +0\.00$/);
    expect(lines[3]).toMatch(/fast +70,000$/);
  });

  test('what is no number is a dash, and what has no place is left to the table', () => {
    expect(lines.join('\n')).toMatch(/p99 wait.*\n +slow +-/);
    expect(lines.join('\n')).not.toContain('a target');
  });
});

describe('the chart', () => {
  const peers = [
    { name: 'fast & <good>', family: 'Holdfast' as const },
    { name: 'slow', family: 'Postgres' as const },
    { name: 'not measured', family: 'limit' as const },
  ];
  const svg = drawPeers(
    [
      at('fast & <good>', 1, [5_000]),
      at('fast & <good>', 1_000, [80_000, 100_000, 90_000]),
      at('slow', 1, [300]),
      at('slow', 1_000, [0]),
      at('slow', 64, [400], 'orders a second', 1_000),
      at('slow', 64, [4], 'p99 wait'),
    ],
    peers,
  );

  test('every peer that was measured is there by its name, and no number is missing', () => {
    expect(svg).toContain('fast &#38; &#60;good&#62;: 90,000');
    expect(svg).toContain('>slow: 300<');
    expect(svg).not.toContain('not measured');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('it has colours for light and dark, a ground of its own, and nothing from outside', () => {
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(svg).toContain('class="ground"');
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|<script|@import|url\(/);
  });

  test('equal factors are equal distances, more is higher', () => {
    const heights = [...svg.matchAll(/x="66" y="([\d.]+)"/g)].map((match) => Number(match[1]));
    const [first, second, third] = heights.slice(0, 3) as [number, number, number];
    expect(first - second).toBeCloseTo(second - third, 0);
    expect(first).toBeGreaterThan(second);
  });

  test('the axis holds all values between powers of ten', () => {
    expect(powersOfTen([8, 140_000])).toEqual({ from: 0, to: 6 });
    expect(powersOfTen([100])).toEqual({ from: 2, to: 3 });
    expect(powersOfTen([])).toMatchObject({ from: expect.any(Number) });
  });

  test('labels keep their order and their distance, and stay within', () => {
    const placed = spreadOut([50, 51, 52, 200, 299], 40, 300);
    const sorted = [...placed].sort((a, b) => a - b);
    expect(placed).toEqual(sorted);
    for (const [i, y] of sorted.slice(1).entries()) expect(y - (sorted[i] ?? 0)).toBeGreaterThanOrEqual(15);
    expect(Math.min(...placed)).toBeGreaterThanOrEqual(40);
    expect(Math.max(...placed)).toBeLessThanOrEqual(300);
  });
});
