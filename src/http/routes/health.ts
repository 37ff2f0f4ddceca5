/**
 * Probes for platforms: is the process alive, can it sell, its metrics.
 * Promises: readiness depends on Redis and the partition, never on Postgres: selling goes on without it.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Fault } from '../../hotpath/fault.ts';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import type { Answer } from '../answers.ts';
import type { HttpMetrics } from '../metrics.ts';
import type { Routes } from '../route.ts';
import { jsonSchema } from '../schemas.ts';

const tag = 'operation';
const check = z.object({ ok: z.boolean(), message: z.string() });
const readiness = z.object({
  ready: z.boolean(),
  /** Why not, where it is not for a store. */
  reason: z.literal('stopping').optional(),
  checks: z.object({ redis: check, partition: check, clock: check }),
});
type Readiness = z.output<typeof readiness>;

/** @param readyMsMax a probe that takes longer is a no */
export function declareHealth(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  metrics: HttpMetrics,
  readyMsMax: number,
): void {
  routes.declare(app, {
    method: 'GET',
    url: '/livez',
    name: 'live',
    tag,
    summary: 'Is the process alive?',
    answers: { 200: { description: 'It is.', type: 'object', properties: { live: { type: 'boolean' } } } },
    handle: async () => ({ status: 200, body: { live: true } }),
  });

  const ready = jsonSchema(readiness, 'output');
  routes.declare(app, {
    method: 'GET',
    url: '/readyz',
    name: 'ready',
    tag,
    summary: 'Can it sell?',
    description:
      'Redis answers, the partition is open, and the process was not told to stop (reason `stopping`; it still answers ' +
      'orders for some seconds). Postgres is not checked: selling goes on without it.',
    answers: {
      200: { description: 'It can.', ...ready },
      503: { description: 'It cannot; the checks say why.', ...ready },
    },
    handle: async (): Promise<Answer> => {
      const body = await probe(hot, readyMsMax);
      if (routes.isStopping) return { status: 503, body: { ...body, ready: false, reason: 'stopping' } };
      return { status: body.ready ? 200 : 503, body };
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/metrics',
    name: 'metrics',
    tag,
    summary: 'What was counted, for Prometheus',
    answers: {
      200: { description: 'Prometheus text.', content: { 'text/plain': { schema: { type: 'string' } } } },
    },
    handle: async () => ({
      status: 200,
      body: await metrics.text(),
      headers: { 'content-type': metrics.contentType },
    }),
  });
}

async function probe(hot: HotInventory, readyMsMax: number): Promise<Readiness> {
  const unchecked = { ok: false, message: 'not checked' };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = new Fault('unavailable', 'nothing-happened', 'no answer in time');
    timer = setTimeout(reject, readyMsMax, why);
  });
  try {
    const head = await Promise.race([hot.sweep(0), late]);
    const clock = { ok: head.clock === 'steady', message: head.clock };
    // A clock that leapt freezes expiry and raises an alarm, but orders are still decided right.
    const partition = { ok: true, message: `open at epoch ${head.epoch}` };
    return { ready: true, checks: { redis: { ok: true, message: 'answers' }, partition, clock } };
  } catch (error) {
    const isNotReady = error instanceof Fault && error.code === 'not-ready';
    const redis = isNotReady ? { ok: true, message: 'answers' } : { ok: false, message: 'does not answer' };
    const partition = isNotReady
      ? { ok: false, message: 'not ready: forgotten, fenced or being rebuilt' }
      : unchecked;
    return { ready: false, checks: { redis, partition, clock: unchecked } };
  } finally {
    clearTimeout(timer);
  }
}
