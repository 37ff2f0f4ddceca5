/** The events of the stream: every row of the table, whatever the ids. Lua writes them; the encoder here writes as it does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EVENTS,
  type EventRow,
  encodeId,
  encodeLines,
  type FieldKind,
  QUANTITY_MAX,
  RELEASE_CAUSES,
  releaseOperation,
  requestFingerprint,
} from '../../../src/domain/language.ts';
import { decodeEvents } from '../../../src/hotpath/codec/event-codec.ts';
import { encodeOptionalId, encodeReason, Unreadable } from '../../../src/hotpath/codec/words.ts';
import { anyId } from '../../domain/ids.ts';
import { instantMs, maybe, NEWER, RUNS, units } from './values.ts';

const AT_MS = 4_000_000_000_000;
const line = fc.record({ sku: anyId, warehouse: anyId, quantity: fc.integer({ min: 1, max: QUANTITY_MAX }) });
const lines = fc.array(line, { minLength: 1, maxLength: 4 });

function decoded(text: string): unknown[] {
  const events: Parameters<typeof decodeEvents>[2] = [];
  decodeEvents(text, AT_MS, events);
  return events;
}

type Written = readonly [value: unknown, word: string];
const numbers = (of: fc.Arbitrary<number>) => of.map((value): Written => [value, String(value)]);
const WRITTEN: { readonly [K in Exclude<FieldKind, 'fingerprint'>]: fc.Arbitrary<Written> } = {
  id: anyId.map((id) => [id, encodeId(id)]),
  'optional id': maybe(anyId).map((id) => [id, encodeOptionalId(id)]),
  reason: fc.string({ unit: 'grapheme', maxLength: 20 }).map((reason) => [reason, encodeReason(reason)]),
  units: numbers(units),
  'instant ms': numbers(instantMs),
  operation: anyId.map((releaseId) => [releaseOperation({ releaseId }), releaseOperation({ releaseId })]),
  cause: fc.constantFrom(...RELEASE_CAUSES).map((cause) => [cause, cause]),
};

const ROWS = Object.entries<EventRow>(EVENTS).filter(
  ([type, { record }]) => type !== 'InventoryReserved' && record !== 'repair',
);

test('the entry of a repair is not an event of the stream', () => {
  expect(() => decoded('InventoryRealigned - ann TEA@east=0 5 0 0 0 =')).toThrow(/cannot be read/);
});

describe('an event', () => {
  test.each(ROWS)('%s is decoded with all its fields', (type, row) => {
    const [subjectName, subjectKind] = Object.entries(row.subject ?? {})[0] ?? [];
    const fields = Object.entries(row.fields) as [string, keyof typeof WRITTEN][];
    const subject: fc.Arbitrary<Written> =
      subjectKind === undefined ? fc.constant([undefined, '-']) : WRITTEN[subjectKind];
    const values = fc.tuple(...fields.map(([, kind]) => WRITTEN[kind]));
    fc.assert(
      fc.property(subject, anyId, lines, values, (subject, actor, lines, values) => {
        const hasLines = row.lines !== 'none';
        const words = [...(hasLines ? [encodeLines(lines)] : []), ...values.map(([, word]) => word)];
        const members = fields.map(([name], i) => [name, values[i]?.[0]]);
        if (subjectName !== undefined) members.push([subjectName, subject[0]]);
        expect(decoded([type, subject[1], encodeId(actor), ...words].join(' '))).toEqual([
          {
            type,
            lines: hasLines ? lines : [],
            atMs: AT_MS,
            actor,
            ...Object.fromEntries(members.filter(([, value]) => value !== undefined)),
          },
        ]);
      }),
      RUNS,
    );
  });

  test('of several orders that share a text is decoded once for each of them', () => {
    expect(decoded('InventoryReleased a%40b,c web TEA@east=5 expired -')).toMatchObject([
      { orderId: 'a@b', cause: 'expired', lines: [{ sku: 'TEA', warehouse: 'east', quantity: 5 }] },
      { orderId: 'c', cause: 'expired' },
    ]);
  });

  test.each([
    '',
    'InventoryReceived',
    'InventoryReceived M-1',
    'InventoryReceived M-1 web',
    'InventoryReceived M-1 web TEA@east=5',
    'InventoryReceived M-1 web TEA@east=5 - - -',
    'InventoryReceived - web TEA@east=5 -',
    'InventoryReceived M-1 - TEA@east=5 -',
    'InventoryReceived M-1 web TEA@*=5 -',
    'InventoryReceived M-1 web TEA@east -',
    'InventoryReceived M-1 web TEA@east=5 text',
    'inventoryReceived M-1 web TEA@east=5 -',
    'InventoryStolen M-1 web TEA@east=5 -',
    'InventoryReleased o web TEA@east=5 lost -',
    'constructor o web TEA@east=5',
  ])('is not decoded from %j', (text) => {
    expect(() => decoded(text)).toThrow(Unreadable);
  });

  test('of a newer release is named as such in the error', () => {
    expect(() => decoded('v2 InventoryReceived M-1 web TEA@east=5 -')).toThrow(NEWER);
  });
});

describe('InventoryReserved', () => {
  const order = fc.record({ orderId: anyId, customerId: maybe(anyId) });

  test('is decoded for each order of its text, with the fingerprint of its request', () => {
    fc.assert(
      fc.property(
        fc.array(order, { minLength: 1, maxLength: 3 }),
        lines,
        maybe(anyId),
        (orders, lines, saleId) => {
          const who = orders.map(({ orderId, customerId }) =>
            customerId === undefined ? encodeId(orderId) : `${encodeId(orderId)}@${encodeId(customerId)}`,
          );
          const text = `InventoryReserved ${who.join(',')} web ${encodeLines(lines)} 60000 - ${encodeOptionalId(saleId)} -`;
          expect(decoded(text)).toEqual(
            orders.map(({ orderId, customerId }) => ({
              type: 'InventoryReserved',
              orderId,
              lines,
              expiresAtMs: AT_MS + 60_000,
              fingerprint: requestFingerprint(60_000, lines, { customerId, saleId }),
              atMs: AT_MS,
              actor: 'web',
              ...(customerId !== undefined && { customerId }),
              ...(saleId !== undefined && { saleId }),
            })),
          );
        },
      ),
      RUNS,
    );
  });

  test('has the requested lines in its fingerprint if they name no warehouse', () => {
    const [event] = decoded('InventoryReserved o web A@w=1,A@x=2 60000 A@*=3 - split');
    expect(event).toMatchObject({ fingerprint: '60000;A@*=3;split' });
  });

  test.each([
    'InventoryReserved o web A@w=1 60000 - -',
    'InventoryReserved o web A@w=1 soon - - -',
    'InventoryReserved o web A@w=1 60000 A=1 - -',
    'InventoryReserved o@ web A@w=1 60000 - - -',
    'InventoryReserved o,, web A@w=1 60000 - - -',
  ])('is not decoded from %j', (text) => {
    expect(() => decoded(text)).toThrow(Unreadable);
  });
});
