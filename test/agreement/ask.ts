/** Sends the command of a random history to the engine. */
import type { Decision } from '../../src/domain/language.ts';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { isMovement, type RandomCommand } from '../domain/histories.ts';

export function ask(hot: HotInventory, of: RandomCommand): Promise<Decision<unknown>> {
  if (isMovement(of)) return hot.move(of.kind, of);
  switch (of.kind) {
    case 'reserve':
      return hot.reserve(of);
    case 'confirm':
      return hot.confirm(of);
    case 'release':
      return hot.release(of);
    case 'extend':
      return hot.extend(of);
    case 'set-safety-stock':
      return hot.setSafetyStock(of);
    case 'start-stocktake':
      return hot.startStocktake(of);
    case 'complete-stocktake':
      return hot.completeStocktake(of);
    case 'cancel-stocktake':
      return hot.cancelStocktake(of);
    case 'dispatch-transfer':
      return hot.dispatchTransfer(of);
    case 'receive-transfer':
      return hot.receiveTransfer(of);
    case 'cancel-transfer':
      return hot.cancelTransfer(of);
    case 'schedule-sale':
      return hot.scheduleSale(of);
    case 'close-sale':
      return hot.closeSale(of);
  }
}
