/**
 * Hands what a random history asks for to the engine.
 */
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import type { Asked } from '../domain/histories.ts';

export function ask(hot: HotInventory, asked: Asked): Promise<unknown> {
  switch (asked.kind) {
    case 'reserve':
      return hot.reserve(asked);
    case 'confirm':
      return hot.confirm(asked);
    case 'release':
      return hot.release(asked);
    case 'extend':
      return hot.extend(asked);
    case 'receive':
      return hot.receive(asked);
    case 'safety-stock':
      return hot.setSafetyStock(asked);
  }
}
