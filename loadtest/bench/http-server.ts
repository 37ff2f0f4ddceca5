/**
 * A server to be measured, in a process of its own as in production: the real one, or a bare route beside it. Started by
 * http.ts with the kind and Redis's address as arguments; tells its port, then its processor time whenever it is sent
 * anything, and ends when whoever started it is gone.
 */
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { jsonSchema, reservation, reserveBody } from '../../src/http/schemas.ts';
import { ownCpu } from './callers.ts';
import { WAREHOUSE } from './hot-sku.ts';
import { buildServer, openHotInventory } from './shipped.ts';

const RESERVED_AT = '2025-11-11T00:00:00.000Z';
const EXPIRES_AT = '2025-11-11T00:30:00.000Z';

async function realServer(redisUrl: string): Promise<FastifyInstance> {
  const hot = await openHotInventory({ redisUrl, ack: 'fsync' });
  return buildServer({ hot, log: pino({ level: 'warn' }), registry: new Registry() });
}

/** What Fastify does for any route with a body and an answer of this shape: read, check, write. Nothing else. */
function bareServer(): FastifyInstance {
  const app = Fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } });
  const schema = {
    body: jsonSchema(reserveBody, 'input'),
    response: { 201: jsonSchema(reservation, 'output') },
  };
  app.post<{ Body: { orderId: string; lines: { sku: string; quantity: number; warehouse?: string }[] } }>(
    '/v1/reservations',
    { schema },
    async (request, reply) => {
      const { orderId, lines } = request.body;
      reply.code(201);
      return {
        orderId,
        status: 'ACTIVE',
        lines: lines.map(({ sku, quantity, warehouse = WAREHOUSE }) => ({ sku, warehouse, quantity })),
        reservedAt: RESERVED_AT,
        expiresAt: EXPIRES_AT,
      };
    },
  );
  return app;
}

const [kind, redisUrl = ''] = process.argv.slice(2);
const app = kind === 'real' ? await realServer(redisUrl) : bareServer();
await app.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit(0));
process.on('message', () => process.send?.({ cpuUs: ownCpu() }));
process.send?.({ port: (app.server.address() as AddressInfo).port });
