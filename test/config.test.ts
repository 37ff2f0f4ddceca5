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
      keepAliveMs: 65_000,
      requestMsMax: 10_000,
      drainMs: 5_000,
      isDrainChosen: false,
      shutdownMsMax: 20_000,
    });
    const config = readConfig(
      {
        ...stores,
        HOST: '::',
        PORT: '0',
        LOG_LEVEL: 'silent',
        HOLDFAST_DATA: '/srv/data',
        HOLDFAST_ACK: 'replica',
        HOLDFAST_REPLICAS: '2',
        HOLDFAST_REDIS_DURABILITY: 'aof-always',
        HOLDFAST_PREFIX: 'shop-1',
        HOLDFAST_HOLD_SECONDS: '600',
        HOLDFAST_TOMBSTONE_HOURS: '48',
        HOLDFAST_BACKLOG_EVENTS_MAX: '1000',
        HOLDFAST_REDIS_TIMEOUT_MS: '250',
        HOLDFAST_KEEP_ALIVE_SECONDS: '75',
        HOLDFAST_REQUEST_SECONDS: '30',
        HOLDFAST_DRAIN_SECONDS: '0',
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
      ack: 'replica',
      replicas: 2,
      durability: 'aof-always',
      tombstoneMs: 172_800_000,
      keepAliveMs: 75_000,
      requestMsMax: 30_000,
      drainMs: 0,
      isDrainChosen: true,
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
    ['REDIS_URL', ['localhost:6379', 'http://x', 'redis://', 'redis:x', 'nonsense', 'redis://h/shop']],
    ['HOLDFAST_ACK', ['disk', 'FSYNC']],
    ['HOLDFAST_REPLICAS', ['0', '101', 'two']],
    ['HOLDFAST_REDIS_DURABILITY', ['aof', 'AOF-ALWAYS']],
    ['DATABASE_URL', ['mysql://x/y', 'postgres://', 'holdfast']],
    ['HOLDFAST_PREFIX', ['a{b}', '*', 'x'.repeat(33)]],
    ['HOLDFAST_HOLD_SECONDS', ['14401', '-5']],
    ['HOLDFAST_TOMBSTONE_HOURS', ['0', '721']],
    ['HOLDFAST_BACKLOG_EVENTS_MAX', ['0', '1.5', '1000000001']],
    ['HOLDFAST_REDIS_TIMEOUT_MS', ['99', '60001']],
    ['HOLDFAST_KEEP_ALIVE_SECONDS', ['0', '3601']],
    ['HOLDFAST_REQUEST_SECONDS', ['0', '301']],
    ['HOLDFAST_DRAIN_SECONDS', ['-1', '241']],
    ['HOLDFAST_SHUTDOWN_SECONDS', ['0', '301']],
    ['HOLDFAST_WORKER_PORT', ['65536']],
  ])('%s', (name, values) => {
    for (const value of values) {
      expect(problemsOf({ [name]: value }), value).toEqual([
        expect.stringMatching(new RegExp(`^${name}: .+; for example ${name}=`)),
      ]);
    }
  });

  test('of replicas and durability must fit the acknowledgement level', () => {
    const told = (env: Record<string, string>) => problemsOf(env).join();
    expect(told({ HOLDFAST_REPLICAS: '2' })).toContain('set HOLDFAST_ACK=replica');
    expect(told({ HOLDFAST_REDIS_DURABILITY: 'none' })).toContain('set HOLDFAST_ACK=memory');
    expect(told({ HOLDFAST_REDIS_DURABILITY: 'none', HOLDFAST_ACK: 'memory' })).toBe('');
    expect(told({ HOLDFAST_REPLICAS: '2', HOLDFAST_ACK: 'replica' })).toBe('');
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
  });

  test('is a time to shut down that ends before the drain, with a remedy', () => {
    expect(problemsOf({ HOLDFAST_DRAIN_SECONDS: '30' })).toEqual([
      'HOLDFAST_SHUTDOWN_SECONDS: 20 leaves no time to close after HOLDFAST_DRAIN_SECONDS, which is 30: ' +
        'raise the first or lower the second; for example HOLDFAST_SHUTDOWN_SECONDS=45',
    ]);
    expect(problemsOf({ HOLDFAST_DRAIN_SECONDS: '30', HOLDFAST_SHUTDOWN_SECONDS: '31' })).toEqual([]);
    expect(problemsOf({ HOLDFAST_SHUTDOWN_SECONDS: '5' })).toHaveLength(1);
  });
});

describe('variables that Kubernetes sets for a service', () => {
  test.each(['HOLDFAST', 'HOLDFAST_API', 'HOLDFAST_WORKER', 'HOLDFAST_ACK'])('%s: are ignored', (service) => {
    const variables = {
      [`${service}_SERVICE_HOST`]: '10.0.0.3',
      [`${service}_SERVICE_PORT`]: '8080',
      [`${service}_SERVICE_PORT_HTTP`]: '8080',
      [`${service}_PORT`]: 'tcp://10.0.0.3:8080',
      [`${service}_PORT_8080_TCP`]: 'tcp://10.0.0.3:8080',
      [`${service}_PORT_8080_TCP_PROTO`]: 'tcp',
      [`${service}_PORT_8080_TCP_PORT`]: '8080',
      [`${service}_PORT_8080_TCP_ADDR`]: '10.0.0.3',
    };
    expect(problemsOf(variables)).toEqual([]);
    expect(readConfig(variables)).toEqual(readConfig({}));
  });

  test('are told from slips, which have no address as their value', () => {
    expect(problemsOf({ HOLDFAST_WORKER_PORT: 'tcp' })).toHaveLength(1);
    expect(problemsOf({ HOLDFAST_WORKR_PORT: '9465' })).toEqual([
      'HOLDFAST_WORKR_PORT: there is no such variable; did you mean HOLDFAST_WORKER_PORT?',
    ]);
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
