/**
 * Inventory: many items deciding one command together, the rules in full on plain values. An order over several items
 * is all or nothing, and a refusal names every short line. Twin of the Lua program: random commands must give the same
 * decisions, events and state on both (D9). Refuses to know: stores; time comes in with the command.
 */

import type {
  Command,
  Decision,
  ItemView,
  ReservationView,
  SaleView,
  StocktakeLine,
  TransferView,
} from '../domain/language.ts';
import { InventoryState } from './inventory-state.ts';
import { confirm, extend, release, reserve } from './orders.ts';
import { closeSale, scheduleSale } from './sales.ts';
import { move, setSafetyStock } from './stock.ts';
import { cancelStocktake, completeStocktake, startStocktake } from './stocktakes.ts';
import { cancelTransfer, dispatchTransfer, receiveTransfer } from './transfers.ts';

/** What a command that was done answers with: how the thing it was about stands. */
export type Standing = ReservationView | ItemView | StocktakeLine | TransferView | SaleView;

export class ReferenceModel extends InventoryState {
  /** What a command comes to at this time; state and events move with it. What is due has returned before. */
  decide(command: Command, nowMs: number): Decision<Standing> {
    switch (command.kind) {
      case 'reserve':
        return reserve(this, command, nowMs);
      case 'confirm':
        return confirm(this, command, nowMs);
      case 'release':
        return release(this, command, nowMs);
      case 'extend':
        return extend(this, command, nowMs);
      case 'receive':
      case 'issue':
      case 'ship':
      case 'return':
      case 'write-off':
      case 'correct':
        return move(this, command, nowMs);
      case 'set-safety-stock':
        return setSafetyStock(this, command, nowMs);
      case 'start-stocktake':
        return startStocktake(this, command, nowMs);
      case 'complete-stocktake':
        return completeStocktake(this, command, nowMs);
      case 'cancel-stocktake':
        return cancelStocktake(this, command, nowMs);
      case 'dispatch-transfer':
        return dispatchTransfer(this, command, nowMs);
      case 'receive-transfer':
        return receiveTransfer(this, command, nowMs);
      case 'cancel-transfer':
        return cancelTransfer(this, command, nowMs);
      case 'schedule-sale':
        return scheduleSale(this, command, nowMs);
      case 'close-sale':
        return closeSale(this, command, nowMs);
      default: {
        const never: never = command;
        throw new Error(`no such command: ${JSON.stringify(never)}`);
      }
    }
  }
}
