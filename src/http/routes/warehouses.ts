/**
 * Warehouses over HTTP: their names and places, by which the nearest is found.
 * Promises: the ledger is written first, because a rebuilt Redis learns them from it.
 */
import type { FastifyInstance } from 'fastify';
import type { Warehouse } from '../../domain/geography.ts';
import { compareIds } from '../../domain/id.ts';
import { Fault } from '../../hotpath/fault.ts';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { Routes } from '../route.ts';
import {
  warehouseAnswer,
  warehouseBody,
  warehouseParams,
  warehousesPage,
  warehousesQuery,
} from '../schemas/stock.ts';
import { jsonSchema } from '../schemas.ts';

const tag = 'warehouses';

/** Declares the routes of warehouses. */
export function declareWarehouses(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  ledger: LedgerClient,
): void {
  const answer = jsonSchema(warehouseAnswer, 'output');

  routes.declare(app, {
    method: 'PUT',
    url: '/v1/warehouses/:warehouse',
    name: 'putWarehouse',
    tag,
    summary: 'Set the name and the place of a warehouse',
    description:
      'Without coordinates its distance to anything is not known, and it is tried last. All processes know it within seconds.',
    params: warehouseParams,
    body: warehouseBody,
    answers: {
      201: { description: 'New.', ...answer },
      200: { description: 'It was known; this is its state now.', ...answer },
    },
    handle: async (request) => {
      const { name, latitude, longitude } = request.body;
      const warehouse = { id: request.params.warehouse, name, latitude, longitude };
      const outcome = await ledger.execute((known) => known.putWarehouse(warehouse));
      await hot.places.put(warehouse).catch((error: unknown) => {
        // The ledger has it, but the store that decides orders may not.
        throw new Fault(
          'unavailable',
          'unknown',
          `the place of ${warehouse.id}: ${String(error)}`,
          1_000,
          error,
        );
      });
      return { status: outcome === 'created' ? 201 : 200, body: body(warehouse) };
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/warehouses',
    name: 'listWarehouses',
    tag,
    summary: 'List the warehouses, by id',
    query: warehousesQuery,
    answers: { 200: { description: 'One page.', ...jsonSchema(warehousesPage, 'output') } },
    handle: async (request) => {
      const { after, limit } = request.query;
      const all = await ledger.query((known) => known.warehouses());
      const rest = all
        .filter(({ id }) => after === undefined || compareIds(id, after) > 0)
        .sort((a, b) => compareIds(a.id, b.id));
      const warehouses = rest.slice(0, limit);
      const next = rest.length > limit ? (warehouses.at(-1)?.id ?? null) : null;
      return { status: 200, body: { warehouses: warehouses.map(body), next } };
    },
  });
}

function body({ id, ...rest }: Warehouse): object {
  return { warehouse: id, ...rest };
}
