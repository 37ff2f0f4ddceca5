/**
 * The text of a command and the keys it needs. Twin: the parsers in lua/.
 * Format: the verb and its words, separated by blanks, as stated at each; ids escaped, `-` for nothing. A text that begins
 * with `@` is of an order with a customer, who travels beside it so that equal orders have equal texts.
 * Promises: every key the caller can know is named. Refuses to know: what the program answers.
 */
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
import { encodeSaleTerms } from './sale-codec.ts';
import { encodeOptionalId, encodeReason, NOTHING } from './words.ts';

/** A look at what stands now, after what is due has returned. */
export type Lookup =
  | { readonly kind: 'look-reservation'; readonly orderId: string }
  | { readonly kind: 'look-item'; readonly sku: string }
  | { readonly kind: 'look-stocktake'; readonly stocktakeId: string }
  | { readonly kind: 'look-transfer'; readonly transferId: string }
  | { readonly kind: 'look-sale'; readonly saleId: string };
/** What the worker tells the program. */
export type Upkeep =
  | { readonly kind: 'quarantine'; readonly sku: string; readonly warehouse: string }
  | { readonly kind: 'trim'; readonly sequence: number; readonly eventsTotal: number };

/** A command on its way to the program. */
export interface CommandText {
  readonly text: string;
  /** The record the command is about. */
  readonly key: string;
  /** Further keys it reads or writes: SKUs, the quota of a sale, holds a count may release. */
  readonly keys: readonly string[];
  /** False for what settles or frees, which goes on where Redis is out of memory (D13). */
  readonly needsMemory: boolean;
  /** Escaped; of an order with a customer. */
  readonly customer?: string;
}

const NO_KEYS: readonly string[] = [];

/** Format of actors in every text: the escaped id. */
export function encodeCommand(keys: PartitionKeys, command: Command | Lookup | Upkeep): CommandText {
  switch (command.kind) {
    case 'reserve': {
      // reserve lines hold_ms actor candidates|- sale|- single|split
      const { orderId, lines, holdMs, actor, candidates, saleId, allocation, customerId } = command;
      const tried = candidates.map(encodeId).join(',') || NOTHING;
      const terms = `${holdMs} ${encodeId(actor)} ${tried} ${encodeOptionalId(saleId)} ${allocation}`;
      const text = `reserve ${encodeLines(lines)} ${terms}`;
      const others: string[] = [];
      for (const line of lines) others.push(keys.sku(line.sku));
      if (saleId !== undefined) others.push(keys.quota(saleId));
      const own = { key: keys.reservation(orderId), keys: others, needsMemory: true };
      return customerId === undefined
        ? { text, ...own }
        : { text: `@${text}`, ...own, customer: encodeId(customerId) };
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
      return { text: `look-item ${encodeId(command.sku)}`, key, keys: [key], needsMemory: false };
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
    case 'trim': {
      const text = `trim ${command.sequence} ${command.eventsTotal}`;
      return { text, key: keys.control, keys: NO_KEYS, needsMemory: false };
    }
  }
}

/** What a movement asks for, as its record begins too, and the word that some movements have besides; '' for none. */
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
 * The record of a movement, up to the item that follows it. Format: `kind item=quantity reason[ order|-][ version]`.
 * Twin: content in lua/movement.lua.
 */
export function encodeMovementContent(movement: Movement): string {
  const [content, extra] = movementWords(movement);
  return extra === '' ? content : `${content} ${extra}`;
}
