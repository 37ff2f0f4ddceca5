/**
 * Goal: a wrong configuration is told whole, at once, with examples and without secrets; a right one is read as it is.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { readConfig, takeConfig, WrongConfiguration } from '../src/config.ts';

const stores = {
  REDIS_URL: 'redis://api:hush@10.0.0.1:6379/2',
  DATABASE_URL: 'postgres://ledger:hush@10.0.0.2/holdfast',
};

function problemsOf(
  env: Record<string, string>,
  needs: readonly ('redis' | 'database')[] = [],
): readonly string[] {
  try {
    readConfig(env, { needs });
  } catch (error) {
    if (error instanceof WrongConfiguration) return error.problems;
    throw error;
  }
  return [];
}

describe('what is set', () => {
  test('is read; what is not set has a default', () => {
    expect(readConfig({})).toMatchObject({
      redisUrl: undefined,
      databaseUrl: undefined,
      host: '127.0.0.1',
      port: 8_080,
      workerPort: 9_465,
      logLevel: 'info',
      dataFolder: '.holdfast',
      ack: 'fsync',
      prefix: 'hf',
      holdSeconds: 1_800,
      tombstoneMs: 86_400_000,
      backlogEventsMax: 5_000_000,
      redisTimeoutMs: 5_000,
      shutdownMsMax: 20_000,
    });
    const config = readConfig(
      {
        ...stores,
        HOST: '::',
        PORT: '0',
        LOG_LEVEL: 'silent',
        HOLDFAST_DATA: '/srv/data',
        HOLDFAST_ACK: 'memory',
        HOLDFAST_PREFIX: 'shop-1',
        HOLDFAST_HOLD_SECONDS: '600',
        HOLDFAST_TOMBSTONE_HOURS: '48',
        HOLDFAST_BACKLOG_EVENTS_MAX: '1000',
        HOLDFAST_REDIS_TIMEOUT_MS: '250',
        HOLDFAST_SHUTDOWN_SECONDS: '5',
        HOLDFAST_WORKER_PORT: '9999',
        PATH: '/usr/bin',
      },
      { needs: ['redis', 'database'] },
    );
    const url: string = config.redisUrl;
    expect(url).toBe(stores.REDIS_URL);
    expect(config).toMatchObject({
      host: '::',
      port: 0,
      ack: 'memory',
      tombstoneMs: 172_800_000,
      shutdownMsMax: 5_000,
    });
  });

  test('counts as not set where it is empty', () => {
    expect(readConfig({ PORT: '', REDIS_URL: '' })).toMatchObject({ port: 8_080, redisUrl: undefined });
    expect(problemsOf({ REDIS_URL: '' }, ['redis'])).toEqual([
      'REDIS_URL: is not set; for example REDIS_URL=redis://127.0.0.1:6379',
    ]);
  });

  test('cannot be changed', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });
});

describe('what is wrong', () => {
  test('is told all at once, each with its variable and an example', () => {
    const problems = problemsOf({ PORT: '80a', HOLDFAST_ACK: 'disk', HOLDFAST_HOLD_SECONDS: '0' }, [
      'redis',
      'database',
    ]);
    expect(problems).toEqual([
      'PORT: "80a" is no whole number from 0 to 65535; for example PORT=8080',
      'HOLDFAST_ACK: "disk" is none of memory, fsync, replica; for example HOLDFAST_ACK=fsync',
      'HOLDFAST_HOLD_SECONDS: "0" is no whole number from 1 to 14400; for example HOLDFAST_HOLD_SECONDS=1800',
      'REDIS_URL: is not set; for example REDIS_URL=redis://127.0.0.1:6379',
      'DATABASE_URL: is not set; for example DATABASE_URL=postgres://holdfast:password@127.0.0.1:5432/holdfast',
    ]);
  });

  test.each([
    ['PORT', ['-1', '65536', '1e3', ' 80', '0x50', '80.5', '99999999999999999999']],
    ['HOST', ['a b', 'http://x', '-'.repeat(300)]],
    ['LOG_LEVEL', ['loud', 'INFO']],
    ['REDIS_URL', ['localhost:6379', 'http://x', 'redis://', 'redis:x', 'nonsense']],
    ['DATABASE_URL', ['mysql://x/y', 'postgres://', 'holdfast']],
    ['HOLDFAST_PREFIX', ['a{b}', '*', 'x'.repeat(33)]],
    ['HOLDFAST_HOLD_SECONDS', ['14401', '-5']],
    ['HOLDFAST_TOMBSTONE_HOURS', ['0', '721']],
    ['HOLDFAST_BACKLOG_EVENTS_MAX', ['0', '1.5', '1000000001']],
    ['HOLDFAST_REDIS_TIMEOUT_MS', ['99', '60001']],
    ['HOLDFAST_SHUTDOWN_SECONDS', ['0', '301']],
    ['HOLDFAST_WORKER_PORT', ['65536']],
  ])('%s', (name, values) => {
    for (const value of values) {
      expect(problemsOf({ [name]: value }), value).toEqual([
        expect.stringMatching(new RegExp(`^${name}: .+; for example ${name}=`)),
      ]);
    }
  });

  test('is told without a secret', () => {
    const problems = problemsOf({ REDIS_URL: 'http://u:hush@h', DATABASE_URL: 'hush' }, [
      'redis',
      'database',
    ]);
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('hush');
  });

  test('is most likely a slip where no such variable is known', () => {
    expect(problemsOf({ HOLDFAST_BACKLOG_EVENT_MAX: '1' })).toEqual([
      'HOLDFAST_BACKLOG_EVENT_MAX: there is no such variable; did you mean HOLDFAST_BACKLOG_EVENTS_MAX?',
    ]);
    const ofKubernetes = {
      HOLDFAST_SERVICE_HOST: '10.0.0.3',
      HOLDFAST_PORT: 'tcp://10.0.0.3:80',
      HOLDFAST_PORT_80_TCP: 'x',
    };
    expect(problemsOf(ofKubernetes)).toEqual([]);
  });
});

describe('the environment of this process', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });

  test('loses what holds a password once it was read', () => {
    process.env = { ...stores, PORT: '81' };
    expect(takeConfig({ needs: ['redis', 'database'] })).toMatchObject({
      redisUrl: stores.REDIS_URL,
      port: 81,
    });
    expect(process.env).toEqual({ PORT: '81' });
  });
});
