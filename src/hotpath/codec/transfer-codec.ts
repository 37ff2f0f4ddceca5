/**
 * The record of a transfer. Format: `status sku from to quantity received rejected returned operations|-`. Format 1, without
 * a mark. Twin: read_transfer and keep_transfer in lua/transfer.lua.
 */
import { encodeId, TRANSFER_STATUSES, type TransferView } from '../../domain/language.ts';
import type { Transfer } from '../../domain/transfer.ts';
import { decodeDigits, decodeIdWord, encodeOperations, Unreadable } from './words.ts';

/** The answer about a transfer. Format: its record. @throws {Unreadable} */
export function decodeTransferView(transferId: string, text: string): TransferView {
  const words = text.split(' ');
  const [statusWord, sku, from, to, quantity, received, rejected, returned] = words;
  const status = TRANSFER_STATUSES.find((known) => known === statusWord);
  if (!status || words.length !== 9) throw new Unreadable('a transfer', text);
  return {
    transferId,
    status,
    sku: decodeIdWord('a transfer', sku),
    from: decodeIdWord('a transfer', from),
    to: decodeIdWord('a transfer', to),
    quantity: decodeDigits('a transfer', quantity),
    received: decodeDigits('a transfer', received),
    rejected: decodeDigits('a transfer', rejected),
    returned: decodeDigits('a transfer', returned),
  };
}

/** The record of a transfer, as the program writes it. */
export function encodeTransfer(transfer: Transfer): string {
  const { status, sku, from, to, quantity, received, rejected, returned, operations } = transfer;
  const places = `${encodeId(sku)} ${encodeId(from)} ${encodeId(to)}`;
  return `${status} ${places} ${quantity} ${received} ${rejected} ${returned} ${encodeOperations(operations)}`;
}
