/** Waits, polls and retries by themselves, on a clock that the test moves. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GaveUp, pause, poll, Retry } from '../../src/timing/retry.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const endless = new AbortController().signal;

describe('Retry', () => {
  test('waits as long as the trouble has lasted, within its limits, and starts anew after progress', () => {
    const retry = new Retry({ waitMsMin: 10, waitMsMax: 1_000 });
    const waitAt = (lastedMs: number) => {
      vi.advanceTimersByTime(lastedMs);
      return retry.nextWaitMs('away');
    };
    for (const [elapsedMs, upToMs] of [
      [0, 10],
      [200, 200],
      [300, 500],
      [99_000, 1_000],
    ] as const) {
      const waitMs = waitAt(elapsedMs);
      expect(waitMs).toBeGreaterThanOrEqual(upToMs / 2);
      expect(waitMs).toBeLessThanOrEqual(upToMs);
    }
    expect(retry.trouble).toBe('away');
    retry.progressed();
    expect(retry.trouble).toBeUndefined();
    expect(waitAt(50)).toBeLessThanOrEqual(10);
  });

  test('gives up when trouble lasted longer than the total, and not because of earlier trouble', () => {
    const retry = new Retry({ waitMsMin: 1, waitMsMax: 2, totalMsMax: 500 });
    retry.nextWaitMs('a');
    vi.advanceTimersByTime(499);
    retry.nextWaitMs('a');
    retry.progressed();
    vi.advanceTimersByTime(499);
    retry.nextWaitMs('b');
    vi.advanceTimersByTime(501);
    expect(() => retry.nextWaitMs('b')).toThrow(GaveUp);
  });

  test('runs an attempt until it succeeds, but only through errors that may pass', async () => {
    const retry = new Retry({ waitMsMin: 1, waitMsMax: 1 });
    const attempt = vi.fn(async () => {
      if (attempt.mock.calls.length < 3) throw new RangeError('not now');
      return 'done';
    });
    expect(await retry.run(attempt, (error) => error instanceof RangeError, endless)).toBe('done');
    const fatal = async () => {
      throw new TypeError('never');
    };
    await expect(retry.run(fatal, (error) => error instanceof RangeError, endless)).rejects.toThrow('never');
  });

  test('ends with the reason of its signal', async () => {
    const stopping = new AbortController();
    const retry = new Retry({ waitMsMin: 60_000, waitMsMax: 60_000 });
    const waiting = retry.wait('away', stopping.signal);
    stopping.abort(new Error('told to stop'));
    await expect(waiting).rejects.toThrow('told to stop');
    await expect(retry.wait('away', stopping.signal)).rejects.toThrow('told to stop');
  });
});

test('a pause ends early and without an error when its signal aborts', async () => {
  const stopping = new AbortController();
  const paused = pause(60_000, stopping.signal);
  stopping.abort();
  await paused;
  await pause(60_000, stopping.signal);
});

describe('poll', () => {
  test('answers what it finds, and asks once even without time', async () => {
    let asked = 0;
    const third = async () => (++asked === 3 ? asked : undefined);
    expect(await poll(third, { everyMs: 1, timeoutMs: 1_000 })).toBe(3);
    expect(await poll(async () => 'there', { everyMs: 1, timeoutMs: 0 })).toBe('there');
  });

  test('answers undefined when the time is over or the signal aborts', async () => {
    const never = async () => {
      vi.advanceTimersByTime(30);
      return undefined;
    };
    expect(await poll(never, { everyMs: 1, timeoutMs: 100 })).toBeUndefined();
    const signal = AbortSignal.abort();
    expect(await poll(never, { everyMs: 60_000, timeoutMs: 60_000, signal })).toBeUndefined();
  });
});
