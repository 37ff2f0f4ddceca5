/** Peers side by side: a peer that sells wrongly is found before it is measured. */
import { describe, expect, test } from 'vitest';
import { tryPeer } from '../../loadtest/bench/peers/measuring.ts';
import {
  type Outcome,
  type Peer,
  problemIn,
  type Room,
  skuNames,
  skuOf,
} from '../../loadtest/bench/peers/peer.ts';

describe('the small flash sale', () => {
  /** A correct way to sell, except for what a test changes. */
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
      isLimit: false,
      givesUp,
      open: async (_, { units }) => {
        seller.available = units;
        return {
          reserve: (orderId) => seller.reserve(orderId),
          stored: async () => ({
            available: seller.available,
            reserved: seller.reserved,
            holds: seller.holds.size,
          }),
          close: async () => {},
        };
      },
    };
  }
  // These peers share nothing.
  const room = {} as Room;

  test('a correct seller passes', async () => {
    await expect(tryPeer(room, peerOf(new Seller()))).resolves.toBeUndefined();
  });

  test('a seller that writes a stale value, and so sells a unit twice, is rejected', async () => {
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
      /cannot be trusted.*at the beginning/,
    );
  });

  test('a seller that takes a repeat for a new order is rejected', async () => {
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

  test('a seller that refuses the repeat of a held order is rejected', async () => {
    class Blind extends Seller {
      override isKnown(): boolean {
        return false;
      }
    }
    await expect(tryPeer(room, peerOf(new Blind()))).rejects.toThrow(/were refused when they asked again/);
  });

  test('a seller that keeps units back is rejected, unless its orders may give up', async () => {
    class Shy extends Seller {
      override take(orderId: string, seen: number): Outcome {
        return this.available > 10 ? super.take(orderId, seen) : 'gave-up';
      }
    }
    await expect(tryPeer(room, peerOf(new Shy()))).rejects.toThrow(/40 of 50 units were sold/);
    await expect(tryPeer(room, peerOf(new Shy(), true))).resolves.toBeUndefined();
  });
});

describe('the store after a measurement', () => {
  const stock = { skus: ['TEA', 'RICE'], units: 10 };
  test.each([
    ['a yes that is not stored', { available: 18, reserved: 2, holds: 2 }, 3, /3 orders got a yes, 2/],
    ['a hold without a yes', { available: 17, reserved: 3, holds: 3 }, 2, /2 orders got a yes, 3/],
    ['a unit too many', { available: 18, reserved: 3, holds: 3 }, 3, /of 20 units/],
    ['below zero', { available: -1, reserved: 21, holds: 21 }, 21, /-1 available/],
  ])('%s is a problem', (_, stored, acknowledged, words) => {
    expect(problemIn(stored, stock, acknowledged)).toMatch(words);
  });
});

test('orders are spread over SKUs evenly and always in the same way', () => {
  const skus = skuNames(100);
  const counts = new Map<string, number>();
  for (let n = 0; n < 20_000; n++) counts.set(skuOf(skus, n), (counts.get(skuOf(skus, n)) ?? 0) + 1);
  expect(counts.size).toBe(100);
  expect(Math.max(...counts.values())).toBeLessThan(300);
  expect(new Set(Array.from({ length: 64 }, (_, n) => skuOf(skus, n))).size).toBeLessThan(64);
});
