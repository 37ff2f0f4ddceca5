/** Entries of the stream: how an entry is read, and what is refused. The events in it are tested in event-codec.test.ts. */
import { describe, expect, test } from 'vitest';
import { decodeItem } from '../../../src/hotpath/codec/item-codec.ts';
import { decodeEntry } from '../../../src/hotpath/codec/stream-codec.ts';
import { Unreadable } from '../../../src/hotpath/codec/words.ts';
import { lines, START_MS } from '../../domain/sentences.ts';
import { NEWER } from './values.ts';

describe('an entry of the stream', () => {
  const ITEM = 'TEA@east 5 5 0 0 1 0 0';
  const EVENT = 'InventoryReceived M-1 web TEA@east=5 -';
  const WHOLE = { at: String(START_MS), count: '1', link: 'own0 before0', events: EVENT, items: ITEM };
  const entry = (fields: Partial<typeof WHOLE> = {}) => Object.entries({ ...WHOLE, ...fields }).flat();

  test('has its events with the versions that follow from its items', () => {
    expect(decodeEntry('1-1', entry())).toEqual({
      epoch: 1,
      sequence: 1,
      atMs: START_MS,
      eventsTotal: 1,
      link: 'own0',
      linkBefore: 'before0',
      events: [
        {
          type: 'InventoryReceived',
          movementId: 'M-1',
          lines: [{ ...lines('TEA@east=5')[0], version: 1 }],
          reason: '',
          atMs: START_MS,
          actor: 'web',
        },
      ],
      items: [decodeItem('TEA', 'east', '5 5 0 0 1 0 0')],
    });
  });

  test('of the release before has no links', () => {
    const { link: _, ...fields } = WHOLE;
    expect(decodeEntry('1-1', Object.entries(fields).flat())).toMatchObject({ link: '-', linkBefore: '-' });
  });

  test.each([
    ['no fields', []],
    ['fields of another program', ['a', '1', 'b', '2', 'c', '3', 'd', '4']],
    ['an event of a kind nobody knows', entry({ events: 'InventoryStolen M-1 web TEA@east=5 -' })],
    ['an event that ends too early', entry({ events: 'InventoryReceived M-1 web' })],
    ['a release of a cause nobody knows', entry({ events: 'InventoryReleased o web TEA@east=5 lost -' })],
    ['links that cannot be read', entry({ link: 'one' })],
    ['an item that cannot be read', entry({ items: 'TEA@east 5 5' })],
    ['an event about an item that is not there', entry({ items: 'RICE@east 5 5 0 0 1 0 0' })],
  ])('with %s is unreadable', (_, fields) => {
    expect(() => decodeEntry('1-1', fields)).toThrow(Unreadable);
  });

  test('with an item of a newer release is named as such in the error', () => {
    expect(() => decodeEntry('1-1', entry({ items: 'TEA@east v2 5 5 0 0 1 0 0' }))).toThrow(NEWER);
  });

  test.each([
    ['a time that is none', entry({ at: 'noon' })],
    ['a count that is none', entry({ count: 'many' })],
    ['a deadline that is none', entry({ events: 'ReservationExtended o web TEA@east=5 soon' })],
    ['a hold that is none', entry({ events: 'InventoryReserved o web TEA@east=5 long - - -' })],
    ['a reservation that ends too early', entry({ events: 'InventoryReserved o web TEA@east=5 1 - -' })],
    ['a lock that is none', entry({ events: 'StocktakeStarted c web TEA@east=5 soon' })],
    ['a count without a reason word', entry({ events: 'StocktakeCompleted c web TEA@east=5' })],
    ['goods that go nowhere', entry({ events: 'TransferDispatched t web TEA@east=5' })],
    ['rejected units that are none', entry({ events: 'TransferReceived t web TEA@east=5 some 5:0' })],
    ['a sale that closes never', entry({ events: 'SaleScheduled s web TEA 1 never 5 0', items: '' })],
    ['a sale of nothing', entry({ events: 'SaleClosed s web', items: '' })],
    ['a late payment without its operation', entry({ events: 'InventoryReacquired o web TEA@east=5' })],
  ])('with %s is unreadable', (_, fields) => {
    expect(() => decodeEntry('1-1', fields)).toThrow(Unreadable);
  });
});
