/**
 * The server of the benchmark with clocks in it. Told `{ waits: 'start' }` it notes how long each request spends where; told
 * `{ waits: 'stop' }` it answers, in milliseconds, the waits at each of {@link SHARES} by where. The clocks cost it about a
 * microsecond a request.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { HotInventory } from '../bench/shipped.ts';
import { SHARES, type Waits } from './waits-shares.ts';

/** More than any measurement brings; what comes after it is not noted. */
const NOTED_MAX = 1_000_000;

class Clock {
  readonly #values = new Float64Array(NOTED_MAX);
  #count = 0;
  note(ms: number): void {
    if (this.#count < NOTED_MAX) this.#values[this.#count++] = ms;
  }
  clear(): void {
    this.#count = 0;
  }
  waits(): number[] {
    const sorted = this.#values.slice(0, this.#count).sort();
    return SHARES.map((share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  }
}

const request = new Clock();
const engine = new Clock();
const roundTrip = new Clock();
const collector = new Clock();
const loop = monitorEventLoopDelay({ resolution: 1 });

subscribe('http.server.request.start', (message) => {
  const began = performance.now();
  const { response } = message as { response: ServerResponse };
  response.once('finish', () => request.note(performance.now() - began));
});
// Both are called as they were, with a clock around them.
const { reserve } = HotInventory.prototype;
HotInventory.prototype.reserve = function reserveTimed(input) {
  const began = performance.now();
  const decision = reserve.call(this, input);
  decision.then(
    () => engine.note(performance.now() - began),
    () => {},
  );
  return decision;
};
const { sendCommand } = Redis.prototype;
Redis.prototype.sendCommand = function sendTimed(this: Redis, command, stream) {
  const began = performance.now();
  const answer = sendCommand.call(this, command, stream);
  if (command.name === 'evalsha') {
    Promise.resolve(answer).then(
      () => roundTrip.note(performance.now() - began),
      () => {},
    );
  }
  return answer;
};
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collector.note(duration);
}).observe({ entryTypes: ['gc'] });

process.on('message', (told: { waits?: string }) => {
  if (told.waits === 'start') {
    for (const clock of [request, engine, roundTrip, collector]) clock.clear();
    loop.reset();
    loop.enable();
  } else if (told.waits === 'stop') {
    loop.disable();
    const waits: Waits = {
      request: request.waits(),
      engine: engine.waits(),
      'round trip': roundTrip.waits(),
      collector: collector.waits(),
      loop: SHARES.map((share) => loop.percentile(100 * share) / 1e6),
    };
    process.send?.(waits);
  }
});

await import('../bench/http-server.ts');
