/**
 * The text of a command and the keys it needs. Twin: the parsers in lua/.
 * Format: the verb and its words, separated by blanks, as stated at each; ids escaped, `-` for nothing. A text that begins
 * with `@` has a customer, who is sent separately so that equal orders of different customers have equal texts.
 * Promises: names every key that can be known before the command runs. Refuses to know: answers.
 */
import type { InventoryItem } from '../../domain/inventory-item.ts';
import {
  type Command,
  confirmOperation,
  encodeId,
  encodeLines,
  encodeParts,
  itemName,
  type Movement,
  receiptOperation,
  releaseOperation,
} from '../../domain/language.ts';
import type { PartitionKeys } from '../keys.ts';
import { encodeItem } from './item-codec.ts';
import { encodeSaleTerms } from './sale-codec.ts';
import { encodeOptionalId, encodeReason, NOTHING } from './words.ts';

/** A question about the current state. */
export type Lookup =
  | { readonly kind: 'look-reservation'; readonly orderId: string }
  | { readonly kind: 'look-item'; readonly sku: string }
  | { readonly kind: 'look-stocktake'; readonly stocktakeId: string }
  | { readonly kind: 'look-transfer'; readonly transferId: string }
  | { readonly kind: 'look-sale'; readonly saleId: string };
/** A command of the worker, or of a person's repair. */
export type Upkeep =
  | { readonly kind: 'quarantine'; readonly sku: string; readonly warehouse: string }
  | { readonly kind: 'lift'; readonly item: InventoryItem }
  | {
      readonly kind: 'trim';
      /** Of the epoch in which this worker verified the partition. */
      readonly nonce: string;
      /** Events of the history that the ledger has. */
      readonly carriedTotal: number;
      /** The oldest stream entry to keep; undefined: none goes. */
      readonly keepFrom: string | undefined;
    };

/** A command as the program gets it. */
export interface CommandText {
  readonly text: string;
  /** The key of the record that the command is about. */
  readonly key: string;
  /** Further keys that it reads or writes: SKUs, the quotas of a sale, holds that a count may release. */
  readonly keys: readonly string[];
  /** False for commands that resolve or release, which run also if Redis is out of memory (D13). */
  readonly needsMemory: boolean;
  /** The escaped customer of an order. */
  readonly customer?: string;
  /** True for questions about figures, which promise nothing and so wait for no replica. */
  readonly isFigures?: boolean;
}

const NO_KEYS: readonly string[] = [];

/** The text of a command, and the keys it needs. */
export function encodeCommand(keys: PartitionKeys, command: Command | Lookup | Upkeep): CommandText {
  switch (command.kind) {
    case 'reserve': {
      // reserve lines hold_ms actor candidates|- sale|- single|split
      const { orderId, lines, holdMs, actor, candidates, saleId, allocation, customerId } = command;
      const tried = candidates.length === 0 ? NOTHING : candidates.map(encodeId).join(',');
      const terms = `${holdMs} ${encodeId(actor)} ${tried} ${encodeOptionalId(saleId)} ${allocation}`;
      const text = `reserve ${encodeLines(lines)} ${terms}`;
      const others: string[] = [];
      for (const line of lines) others.push(keys.sku(line.sku));
      if (saleId !== undefined) others.push(keys.quota(saleId));
      const key = keys.reservation(orderId);
      if (customerId === undefined) return { text, key, keys: others, needsMemory: true };
      return { text: `@${text}`, key, keys: others, needsMemory: true, customer: encodeId(customerId) };
    }
    case 'confirm': {
      // confirm parts|* actor reacquire|- warehouse|-
      const parts = confirmOperation(command).slice(1);
      const { actor, reacquire, proposeTransferTo } = command;
      const late = reacquire ? 'reacquire' : NOTHING;
      const text = `confirm ${parts} ${encodeId(actor)} ${late} ${encodeOptionalId(proposeTransferTo)}`;
      return { text, key: keys.reservation(command.orderId), keys: NO_KEYS, needsMemory: false };
    }
    case 'release': {
      // release parts|* operation actor
      const parts = command.lines ? encodeParts(command.lines) : '*';
      const text = `release ${parts} ${releaseOperation(command)} ${encodeId(command.actor)}`;
      return { text, key: keys.reservation(command.orderId), keys: NO_KEYS, needsMemory: false };
    }
    case 'extend': {
      // extend hold_ms actor
      const text = `extend ${command.holdMs} ${encodeId(command.actor)}`;
      return { text, key: keys.reservation(command.orderId), keys: NO_KEYS, needsMemory: false };
    }
    case 'receive':
    case 'issue':
    case 'ship':
    case 'return':
    case 'write-off':
    case 'correct': {
      // receive|issue item=quantity reason actor; ship|return|write-off ... order|-; correct ... version
      const [content, extra] = movementWords(command);
      const text = `${content} ${encodeId(command.actor)}${extra === '' ? '' : ` ${extra}`}`;
      const key = keys.movement(command.movementId);
      return { text, key, keys: [keys.sku(command.sku)], needsMemory: true };
    }
    case 'set-safety-stock': {
      // set-safety-stock item quantity actor
      const text = `set-safety-stock ${itemName(command)} ${command.quantity} ${encodeId(command.actor)}`;
      const key = keys.sku(command.sku);
      return { text, key, keys: [key], needsMemory: false };
    }
    case 'start-stocktake': {
      // start-stocktake item lease_ms actor
      const text = `start-stocktake ${itemName(command)} ${command.leaseMs} ${encodeId(command.actor)}`;
      const key = keys.stocktake(command.stocktakeId);
      return { text, key, keys: [keys.sku(command.sku)], needsMemory: true };
    }
    case 'complete-stocktake': {
      // complete-stocktake item counted reason orders|- actor
      const { counted, reason, releasable, actor } = command;
      const orders = releasable.map(encodeId).join(',') || NOTHING;
      const text = `complete-stocktake ${itemName(command)} ${counted} ${encodeReason(reason)} ${orders} ${encodeId(actor)}`;
      const holds = releasable.map((orderId) => keys.reservation(orderId));
      const key = keys.stocktake(command.stocktakeId);
      return { text, key, keys: [keys.sku(command.sku), ...holds], needsMemory: false };
    }
    case 'cancel-stocktake': {
      // cancel-stocktake item actor
      const text = `cancel-stocktake ${itemName(command)} ${encodeId(command.actor)}`;
      const key = keys.stocktake(command.stocktakeId);
      return { text, key, keys: [keys.sku(command.sku)], needsMemory: false };
    }
    case 'dispatch-transfer': {
      // dispatch-transfer sku from to quantity reason actor
      const { transferId, sku, from, to, quantity, reason, actor } = command;
      const route = `${encodeId(sku)} ${encodeId(from)} ${encodeId(to)}`;
      const text = `dispatch-transfer ${route} ${quantity} ${encodeReason(reason)} ${encodeId(actor)}`;
      return { text, key: keys.transfer(transferId), keys: [keys.sku(sku)], needsMemory: true };
    }
    case 'receive-transfer': {
      // receive-transfer received rejected operation actor
      const { transferId, received, rejected, actor } = command;
      const text = `receive-transfer ${received} ${rejected} ${receiptOperation(command)} ${encodeId(actor)}`;
      return { text, key: keys.transfer(transferId), keys: NO_KEYS, needsMemory: false };
    }
    case 'cancel-transfer': {
      const text = `cancel-transfer ${encodeId(command.actor)}`;
      return { text, key: keys.transfer(command.transferId), keys: NO_KEYS, needsMemory: false };
    }
    case 'schedule-sale': {
      // schedule-sale terms actor
      const { saleId, sku, actor } = command;
      const text = `schedule-sale ${encodeSaleTerms(command)} ${encodeId(actor)}`;
      return { text, key: keys.sale(saleId), keys: [keys.sku(sku), keys.quota(saleId)], needsMemory: true };
    }
    case 'close-sale': {
      const text = `close-sale ${encodeId(command.actor)}`;
      return { text, key: keys.sale(command.saleId), keys: NO_KEYS, needsMemory: false };
    }
    case 'look-reservation':
      return {
        text: command.kind,
        key: keys.reservation(command.orderId),
        keys: NO_KEYS,
        needsMemory: false,
      };
    case 'look-item': {
      const key = keys.sku(command.sku);
      const text = `look-item ${encodeId(command.sku)}`;
      return { text, key, keys: [key], needsMemory: false, isFigures: true };
    }
    case 'look-stocktake':
      return {
        text: command.kind,
        key: keys.stocktake(command.stocktakeId),
        keys: NO_KEYS,
        needsMemory: false,
      };
    case 'look-transfer':
      return {
        text: command.kind,
        key: keys.transfer(command.transferId),
        keys: NO_KEYS,
        needsMemory: false,
      };
    case 'look-sale':
      return { text: command.kind, key: keys.sale(command.saleId), keys: NO_KEYS, needsMemory: false };
    case 'quarantine': {
      const key = keys.sku(command.sku);
      return { text: `quarantine ${itemName(command)}`, key, keys: [key], needsMemory: false };
    }
    case 'lift': {
      const key = keys.sku(command.item.sku);
      const text = `lift ${itemName(command.item)} ${encodeItem(command.item)}`;
      return { text, key, keys: [key], needsMemory: false };
    }
    case 'trim': {
      const text = `trim ${command.nonce} ${command.carriedTotal} ${command.keepFrom ?? NOTHING}`;
      return { text, key: keys.control, keys: NO_KEYS, needsMemory: false };
    }
  }
}

/** The words of a movement, which its record begins with as well, and the extra word of some kinds; '' for none. */
function movementWords(movement: Movement): readonly [content: string, extra: string] {
  const { kind, quantity, reason } = movement;
  const content = `${kind} ${itemName(movement)}=${quantity} ${encodeReason(reason)}`;
  switch (movement.kind) {
    case 'receive':
    case 'issue':
      return [content, ''];
    case 'ship':
    case 'return':
    case 'write-off':
      return [content, encodeOptionalId(movement.orderId)];
    case 'correct':
      return [content, String(movement.expectedVersion)];
  }
}

/**
 * The record of a movement without the item that follows. Format: `kind item=quantity reason[ order|-][ version]`.
 * Twin: read_movement in lua/movement.lua.
 */
export function encodeMovementContent(movement: Movement): string {
  const [content, extra] = movementWords(movement);
  return extra === '' ? content : `${content} ${extra}`;
}
