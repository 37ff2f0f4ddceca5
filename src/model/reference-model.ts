/**
 * The executable specification: all rules in full, on plain values in memory. Run by tests only; nothing in production
 * imports src/model. The Lua program must agree with it: random commands give the same decisions, events and state on both
 * (D9). Promises: an order over several items is all or nothing, and a refusal names every short line.
 * Refuses to know: stores and clocks; the time comes in with the command.
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

/** The answer to a command that was done: its subject as it is now. */
type CommandResult = ReservationView | ItemView | StocktakeLine | TransferView | SaleView;

/**
 * The state together with the decisions that change it.
 * @example
 * const model = new ReferenceModel();
 * model.returnDue(nowMs); // the engine does this at the head of every batch
 * model.decide(command, nowMs);
 */
export class ReferenceModel extends InventoryState {
  /** Decides a command and records its events. Call `returnDue` with the same time before. */
  decide(command: Command, nowMs: number): Decision<CommandResult> {
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
