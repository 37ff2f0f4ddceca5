/** The record of a transfer. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { receiptOperation, TRANSFER_STATUSES } from '../../../src/domain/language.ts';
import { decodeTransferView, encodeTransfer } from '../../../src/hotpath/codec/transfer-codec.ts';
import { Unreadable } from '../../../src/hotpath/codec/words.ts';
import { anyId } from '../../domain/ids.ts';
import { NEWER, NO_RECORDS, RUNS, units } from './values.ts';

const transfer = fc.record({
  transferId: anyId,
  status: fc.constantFrom(...TRANSFER_STATUSES),
  sku: anyId,
  from: anyId,
  to: anyId,
  quantity: units,
  received: units,
  rejected: units,
  returned: units,
});
const operation = anyId.map((receiptId) => receiptOperation({ receiptId, received: 1, rejected: 0 }));

describe('a transfer', () => {
  test('is decoded to what was encoded, whatever the ids', () => {
    fc.assert(
      fc.property(transfer, fc.array(operation, { maxLength: 3 }), (written, operations) => {
        const text = encodeTransfer({ ...written, operations });
        expect(decodeTransferView(written.transferId, text)).toEqual(written);
        expect(text.split(' ').at(-1)).toBe(operations.join(';') || '-');
      }),
      RUNS,
    );
  });

  test('of a newer release is named as such in the error', () => {
    expect(() => decodeTransferView('T', 'v2 IN_TRANSIT TEA east west 5 0 0 0 -')).toThrow(NEWER);
  });

  test.each([
    ...NO_RECORDS,
    'IN_TRANSIT TEA east west 5 0 0 0',
    'IN_TRANSIT TEA east west 5 0 0 0 - -',
    'IN_TRANSIT TEA east west five 0 0 0 -',
    'IN_TRANSIT TEA east west 5 -1 0 0 -',
    'IN_TRANSIT TEA east west 5 0 0.5 0 -',
    'IN_TRANSIT TEA east * 5 0 0 0 -',
    'LOST TEA east west 5 0 0 0 -',
    'IN_TRANSIT  east west 5 0 0 0 -',
  ])('is not decoded from %j', (text) => {
    expect(() => decodeTransferView('T-1', text)).toThrow(Unreadable);
  });
});
