/**
 * A server to be measured, in a process of its own: the real one, or a bare route. Started by http-load.ts with the kind and
 * Redis's address; answers each command (`cpu`, `close`, `open`) with its port and processor time. Ends with its parent.
 */
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { batchOrder, reservation } from '../../src/http/schemas/orders.ts';
import { jsonSchema } from '../../src/http/schemas.ts';
import { ownCpu } from './callers.ts';
import { WAREHOUSE } from './hot-sku.ts';
import { buildServer, openHotInventory } from './shipped.ts';

const RESERVED_AT = '2025-11-11T00:00:00.000Z';
/** As `npm run serve` has it: a thousand clients that connect at once find a place. */
const BACKLOG = 4_096;
const EXPIRES_AT = '2025-11-11T00:30:00.000Z';

interface Served {
  readonly app: FastifyInstance;
  close(): Promise<void>;
}

async function realServer(redisUrl: string): Promise<Served> {
  const hot = await openHotInventory({ redisUrl, ack: 'fsync' });
  const app = await buildServer({ hot, log: pino({ level: 'warn' }), registry: new Registry() });
  return { app, close: () => app.close().then(() => hot.close()) };
}

/** What Fastify does for any route with a body and an answer of this shape: read, check, write. Nothing else. */
function bareServer(): Served {
  const app = Fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } });
  const schema = {
    body: jsonSchema(batchOrder.schema, 'input'),
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
  return { app, close: () => app.close() };
}

const [kind, redisUrl = ''] = process.argv.slice(2);

async function open(): Promise<Served> {
  const opened = kind === 'real' ? await realServer(redisUrl) : bareServer();
  await opened.app.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG });
  return opened;
}

let served = await open();
async function obey(command: unknown): Promise<void> {
  if (command === 'close') await served.close();
  if (command === 'open') served = await open();
  const address = served.app.server.address() as AddressInfo | null;
  process.send?.({ port: address?.port, cpuUs: ownCpu() });
}

process.on('disconnect', () => process.exit(0));
process.on('message', (command) => void obey(command));
await obey(undefined);
