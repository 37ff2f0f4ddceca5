/**
 * Probes for platforms: is the process alive, can it sell, its metrics.
 * Promises: readiness depends on Redis and the partition, never on Postgres: selling goes on without it.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Fault } from '../../hotpath/fault.ts';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import { NOT_READY_REASONS, notReadySentence } from '../../hotpath/not-ready.ts';
import type { Answer } from '../answers.ts';
import type { HttpMetrics } from '../metrics.ts';
import type { Routes } from '../route.ts';
import { jsonSchema } from '../schemas.ts';

const tag = 'operation';
const check = z.object({ ok: z.boolean(), message: z.string() });
const readiness = z.object({
  ready: z.boolean(),
  /** Why it cannot sell: a word for programs; the checks have the sentence. */
  reason: z.enum(['stopping', ...NOT_READY_REASONS, 'unavailable', 'overloaded']).optional(),
  /** What an answer rests on, and who says so. */
  durability: z.string().optional(),
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

const UNCHECKED = { ok: false, message: 'not checked' };

async function probe(hot: HotInventory, readyMsMax: number): Promise<Readiness> {
  const durability = hot.store?.durability;
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
    return { ready: true, durability, checks: { redis: { ok: true, message: 'answers' }, partition, clock } };
  } catch (error) {
    return { ready: false, durability, ...whyNot(hot, error) };
  } finally {
    clearTimeout(timer);
  }
}

/** The reason and the check that failed, with what ends it. */
function whyNot(hot: HotInventory, error: unknown): Pick<Readiness, 'reason' | 'checks'> {
  const problem = hot.store?.problem;
  if (problem) {
    const redis = { ok: false, message: problem.message };
    return { reason: problem.reason, checks: { redis, partition: UNCHECKED, clock: UNCHECKED } };
  }
  const reason = error instanceof Fault ? error.reason : undefined;
  if (reason) {
    const partition = { ok: false, message: notReadySentence(reason) };
    const clock = reason === 'clock' ? { ok: false, message: reason } : UNCHECKED;
    return { reason, checks: { redis: { ok: true, message: 'answers' }, partition, clock } };
  }
  const code = error instanceof Fault && error.code === 'overloaded' ? 'overloaded' : 'unavailable';
  const redis = { ok: false, message: 'Redis does not answer: see the log of this process for why' };
  return { reason: code, checks: { redis, partition: UNCHECKED, clock: UNCHECKED } };
}
