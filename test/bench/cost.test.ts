/** The cost of a reservation: what is read, and what is divided by what. */
import { expect, test } from 'vitest';
import { infoNumber, perOrder, type Reading, writeCalls } from '../../loadtest/bench/cost-readings.ts';

const INFO = '# Memory\r\nused_memory:1048576\r\nused_memory_rss:2097152\r\nratio:1.25\r\n';

test('a number of INFO is that of its own line, and one that is missing is not 0', () => {
  expect(infoNumber(INFO, 'used_memory')).toBe(1_048_576);
  expect(infoNumber(INFO, 'used_memory_rss')).toBe(2_097_152);
  expect(infoNumber(INFO, 'ratio')).toBe(1.25);
  expect(() => infoNumber(INFO, 'memory')).toThrow('INFO has no');
});

test('calls of write come from /proc, and are NaN without it', () => {
  expect(writeCalls('rchar: 5\nsyscr: 7\nsyscw: 42\nread_bytes: 0\n')).toBe(42);
  expect(writeCalls('')).toBeNaN();
});

const reading = (times: number): Reading => ({
  cpuUs: { API: 40 * times, Redis: 20 * times, worker: 10 * times, Postgres: 30 * times },
  fileWrites: times / 50,
  fileBytes: 200 * times,
  bytesIn: 60 * times,
  bytesOut: 50 * times,
  batches: times / 100,
  walBytes: 700 * times,
});

test('the difference of two readings is divided by the orders between them', () => {
  const used = perOrder(reading(1_000), reading(3_000), 2_000);
  expect(used.get('CPU of API')).toBe(40);
  expect(used.get('CPU of Postgres')).toBe(30);
  expect(used.get('orders in a batch')).toBe(100);
  expect(used.get('syncs of Redis')).toBeCloseTo(20);
  expect(used.get('WAL of Postgres')).toBe(700);
});
