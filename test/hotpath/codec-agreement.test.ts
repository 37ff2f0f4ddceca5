/**
 * Lua and TypeScript read and write the same records: TypeScript decodes what Lua wrote and encodes it to the same text.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeItem, encodeItem } from '../../src/hotpath/codec/item-codec.ts';
import { decodeReservation, encodeReservation } from '../../src/hotpath/codec/reservation-codec.ts';
import { decodeSaleView, encodeSale } from '../../src/hotpath/codec/sale-codec.ts';
import { decodeStocktakeLine, encodeStocktakeLine } from '../../src/hotpath/codec/stocktake-codec.ts';
import { decodeTransferView, encodeTransfer } from '../../src/hotpath/codec/transfer-codec.ts';
import { decodeIdWord } from '../../src/hotpath/codec/words.ts';
import { ask } from '../agreement/ask.ts';
import { HISTORIES, PLENTY, randomCommand } from '../domain/histories.ts';
import { sometimesNasty, withNastyIds } from '../domain/ids.ts';
import { givenShop } from './hot-shop.ts';

const saleAgain = (sku: string, saleId: string, text: string, nowMs: number): string =>
  encodeSale(decodeSaleView(saleId, `${sku} ${text}`, nowMs));
/** The operations are none of the view's. */
function transferAgain(text: string): string {
  const operations = text.split(' ').at(-1) ?? '';
  const transfer = { ...decodeTransferView('T-1', text), operations: operations.split(';') };
  return encodeTransfer(operations === '-' ? { ...transfer, operations: [] } : transfer);
}

test('records that Lua wrote in a random history are decoded by TypeScript and encoded to the same text', async () => {
  const shop = await givenShop('');
  for (const input of [...PLENTY, ...withNastyIds(PLENTY)]) await ask(shop.hot, input);
  const kinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      sometimesNasty(fc.array(randomCommand, { minLength: 1, maxLength: 12 })),
      async (all) => {
        await Promise.all(all.map((a) => ask(shop.hot, a)));
        await shop.wait(30_000);
        for (const key of await shop.redis.keys(`${shop.keys.reservation('')}*`)) {
          const text = (await shop.redis.get(key)) ?? '';
          const orderId = decodeIdWord('a key', key.slice(shop.keys.reservation('').length));
          expect(encodeReservation(decodeReservation(orderId, text))).toBe(text);
          kinds.add('reservation');
        }
        for (const key of await shop.redis.keys(`${shop.keys.sku('')}*`)) {
          for (const [field, text] of Object.entries(await shop.redis.hgetall(key))) {
            if (field.startsWith('*')) expect(saleAgain('TEA', field.slice(1), text, shop.nowMs)).toBe(text);
            else expect(encodeItem(decodeItem('TEA', 'east', text))).toBe(text);
            kinds.add(field.startsWith('*') ? 'sale' : 'item');
          }
        }
        for (const key of await shop.redis.keys(`${shop.keys.transfer('')}*`)) {
          const text = (await shop.redis.get(key)) ?? '';
          expect(transferAgain(text)).toBe(text);
          kinds.add('transfer');
        }
        for (const key of await shop.redis.keys(`${shop.keys.stocktake('')}*`)) {
          for (const text of Object.values(await shop.redis.hgetall(key))) {
            expect(encodeStocktakeLine(decodeStocktakeLine('count-1', 'TEA', 'east', text))).toBe(text);
            kinds.add('stocktake');
          }
        }
        // Orders are removed, so that the next run can use their ids again.
        for (const key of await shop.redis.keys(`${shop.keys.reservation('')}*`)) {
          await shop.release(decodeIdWord('a key', key.slice(shop.keys.reservation('').length)));
          await shop.redis.unlink(key);
        }
      },
    ),
    { numRuns: Math.ceil(HISTORIES / 6) },
  );
  expect(kinds).toEqual(new Set(['reservation', 'item', 'sale', 'transfer', 'stocktake']));
});
