/**
 * A desk of warehouse people: a whole Holdfast with its HTTP server, Redis, worker and Postgres behind it. The worker is a
 * moment behind, so lists are asked until they have what is looked for.
 */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { buildServer } from '../../src/http/server.ts';
import { ledgerHandle } from '../../src/ledger/handle.ts';
import { type TestHoldfast, testHoldfast, until } from '../holdfast.ts';
import { type Answer, callApp } from './open-server.ts';

export interface Desk {
  readonly holdfast: TestHoldfast;
  call(method: string, url: string, body?: unknown, actor?: string): Promise<Answer>;
  /** A name nobody has used. */
  fresh(what: string): string;
  stock(sku: string, quantity: number, warehouse?: string): Promise<void>;
  /** @returns the order's id */
  reserve(sku: string, quantity: number, more?: object): Promise<string>;
  /** Asks a list until something in it is what is looked for. */
  listed<T extends object>(url: string, plural: string, is: (row: T) => boolean): Promise<T>;
  close(): Promise<void>;
}

export async function openDesk(): Promise<Desk> {
  const holdfast = await testHoldfast();
  const log = pino({ level: 'silent' });
  const ledger = ledgerHandle({ databaseUrl: holdfast.databaseUrl });
  const app = await buildServer({ hot: holdfast.hot, log, registry: new Registry(), ledger });
  let names = 0;
  const fresh = (what: string) => `${what}-${++names}`;
  const call: Desk['call'] = (method, url, body, actor) =>
    callApp(app, method, url, body, actor === undefined ? {} : { 'holdfast-actor': actor });
  return {
    holdfast,
    call,
    fresh,
    stock: async (sku, quantity, warehouse = 'TPE') => {
      const receipt = { movementId: fresh('M'), sku, warehouse, quantity };
      expect((await call('POST', '/v1/stock/receive', receipt)).status).toBe(201);
    },
    reserve: async (sku, quantity, more = {}) => {
      const orderId = fresh('O');
      const order = { orderId, lines: [{ sku, quantity }], ...more };
      expect((await call('POST', '/v1/reservations', order)).status).toBe(201);
      return orderId;
    },
    listed: async <T extends object>(url: string, plural: string, is: (row: T) => boolean): Promise<T> => {
      const found: T[] = [];
      await until(async () => {
        const answer = await call('GET', url);
        expect(answer.status).toBe(200);
        found.push(...(answer.body[plural] as T[]).filter(is));
        return found.length > 0;
      });
      return found[0] as T;
    },
    close: async () => {
      await app.close();
      await ledger.close();
      await holdfast.close();
    },
  };
}
