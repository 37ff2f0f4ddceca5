/**
 * H11: a Redis that went back, or that has another history than the ledger, sells nothing until the worker has compared the two;
 * what it decided beside the ledger is written down before it is emptied. Every key is put back as it was, as a restored folder
 * does; the incarnation is changed by hand, as a restart does.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newItem } from '../../src/domain/inventory-item.ts';
import { encodeControl } from '../../src/hotpath/codec/control-codec.ts';
import { type HotInventory, openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { loadItems } from '../../src/hotpath/load.ts';
import { fencePartition, readControl, replaceControl } from '../../src/hotpath/partition.ts';
import { startLossReporter } from '../../src/http/loss-reporter.ts';
import { ledgerHandle } from '../../src/ledger/handle.ts';
import { type TestHoldfast, testHoldfast, until } from '../holdfast.ts';
import { faultOf } from '../hotpath/faults.ts';
import { runProgram } from '../programs/run-program.ts';
import { testRedisUrl } from '../services.ts';

let holdfast: TestHoldfast;
beforeEach(async () => {
  holdfast = await testHoldfast();
  await holdfast.hot.receive({ movementId: 'in', sku: 'X', warehouse: 'east', quantity: 5 });
});
afterEach(() => holdfast.close());

/** Every key of the partition as Redis has it. */
async function copyOf({ redis, keys }: TestHoldfast): Promise<Map<string, Buffer>> {
  const copy = new Map<string, Buffer>();
  for (const key of await redis.keys(keys.pattern)) copy.set(key, (await redis.dumpBuffer(key)) as Buffer);
  return copy;
}

async function putBack({ redis, keys }: TestHoldfast, copy: ReadonlyMap<string, Buffer>): Promise<void> {
  await redis.unlink(...(await redis.keys(keys.pattern)));
  for (const [key, content] of copy) await redis.restore(key, 0, content);
}

/** As after a restart: the incarnation that was verified is another one. */
async function restart({ redis, keys }: TestHoldfast): Promise<void> {
  const control = await readControl(redis, keys);
  if (!control) throw new Error('there is no control record');
  await redis.set(keys.control, encodeControl({ ...control, incarnation: 'a'.repeat(40) }));
}

/** As a person does who opens it without the ledger. */
async function openUnseen({ redis, keys }: TestHoldfast): Promise<void> {
  const control = await readControl(redis, keys);
  const incarnation = /^master_replid:([0-9a-f]+)/m.exec(await redis.info('replication'))?.[1];
  if (control) await redis.set(keys.control, encodeControl({ ...control, incarnation }));
}

async function sell(hot: HotInventory, names: readonly string[]): Promise<void> {
  for (const orderId of names) {
    await hot.reserve({ orderId, lines: [{ sku: 'X', quantity: 1 }] });
    await hot.confirm({ orderId });
  }
}
const five = (name: string) => [1, 2, 3, 4, 5].map((i) => `${name}-${i}`);
const isOpen = async () => {
  const control = await readControl(holdfast.redis, holdfast.keys);
  return control?.state === 'open' && control.incarnation !== 'a'.repeat(40);
};
const prefixOf = () => holdfast.keys.control.slice(0, holdfast.keys.control.indexOf('{'));
/** A process that has not been answered anything yet. */
const stranger = () => openHotInventory({ redisUrl: testRedisUrl(), prefix: prefixOf() });

describe('an older copy of Redis', () => {
  test('sells nothing while the worker is away, and is what the ledger says when it is back', async () => {
    await holdfast.working().writeBehind.drained();
    const copy = await copyOf(holdfast);
    await sell(holdfast.hot, five('first'));
    await holdfast.working().writeBehind.drained();
    await holdfast.stopWorker();
    await putBack(holdfast, copy);
    await restart(holdfast);
    const other = await stranger();
    expect(
      await faultOf(other.reserve({ orderId: 'second-1', lines: [{ sku: 'X', quantity: 1 }] })),
    ).toMatchObject({
      code: 'not-ready',
      reason: 'unverified',
      outcome: 'nothing-happened',
    });
    await holdfast.startWorker();
    await until(isOpen);
    const late = await other.reserve({ orderId: 'second-1', lines: [{ sku: 'X', quantity: 1 }] });
    expect(late).toMatchObject({ outcome: 'refused', refusal: { code: 'insufficient-stock' } });
    expect(await holdfast.hot.item('X')).toMatchObject({ value: { available: 0, sold: 5 } });
    const { forks } = await holdfast.ledger.forks(0, { limit: 9 });
    expect(forks).toMatchObject([{ kind: 'redis-went-back', entriesTotal: 0 }]);
    await other.close();
  });

  test('that sold all the same is written down as a fork before it is emptied', async () => {
    await holdfast.working().writeBehind.drained();
    const copy = await copyOf(holdfast);
    await sell(holdfast.hot, five('first'));
    await holdfast.working().writeBehind.drained();
    await holdfast.stopWorker();
    await putBack(holdfast, copy);
    await openUnseen(holdfast);
    const other = await stranger();
    await sell(other, [...five('second'), 'second-6']);
    await holdfast.startWorker();
    await until(async () => (await holdfast.ledger.forks(0, { limit: 9 })).forks.length > 0);
    await until(isOpen);
    const [fork] = (await holdfast.ledger.forks(0, { limit: 9 })).forks;
    expect(fork).toMatchObject({ kind: 'redis-forked', atSequence: 1 });
    const { entries } = await holdfast.ledger.forkEntries(fork?.id ?? 0, { limit: 99 });
    const texts = entries.map(({ events }) => events).join('\n');
    for (const name of five('second')) expect(texts).toContain(name);
    expect(texts).not.toContain('first-1');
    expect(await holdfast.hot.item('X')).toMatchObject({ value: { available: 0, sold: 5 } });
    expect(await holdfast.hot.reservation('first-5')).toMatchObject({ value: { status: 'CONFIRMED' } });
    await other.close();
  });
});

describe('a person who rebuilds', () => {
  const rebuild = (...options: string[]) => {
    const stores = { REDIS_URL: testRedisUrl(), DATABASE_URL: holdfast.databaseUrl };
    return runProgram('rebuild', { ...stores, HOLDFAST_PREFIX: prefixOf() }, options);
  };

  test('is asked before decisions are given up, and they are written down as a fork', async () => {
    await holdfast.working().writeBehind.drained();
    await holdfast.stopWorker();
    await sell(holdfast.hot, ['order-1']);
    const before = await holdfast.redis.get(holdfast.keys.control);
    const refused = rebuild();
    expect(await refused.ended).toBe(1);
    expect(refused.said()).toContain('not in the ledger');
    expect(await holdfast.redis.get(holdfast.keys.control)).toBe(before);

    expect(await rebuild('--accept-loss').ended).toBe(0);
    expect(await holdfast.hot.item('X')).toMatchObject({ value: { available: 5, sold: 0 } });
    const [fork] = (await holdfast.ledger.forks(0, { limit: 9 })).forks;
    expect(fork).toMatchObject({ kind: 'redis-forked', atSequence: 1 });
    const { entries } = await holdfast.ledger.forkEntries(fork?.id ?? 0, { limit: 9 });
    expect(entries.map(({ events }) => events).join()).toContain('order-1');
  });
});

describe('what was acknowledged', () => {
  test('and is gone after Redis went back is reported by the process that acknowledged it', async () => {
    await holdfast.working().writeBehind.drained();
    await holdfast.stopWorker();
    const copy = await copyOf(holdfast);
    const hot = await openHotInventory({
      redisUrl: testRedisUrl(),
      prefix: prefixOf(),
      keepsAcknowledgements: true,
    });
    const ledger = ledgerHandle({ databaseUrl: holdfast.databaseUrl });
    const log = { error() {}, warn() {} };
    const reporter = startLossReporter({ hot, ledger, log, source: 'here' });
    await sell(hot, ['order-1', 'order-2']);
    await putBack(holdfast, copy);
    await restart(holdfast);
    await holdfast.startWorker();
    await until(isOpen);
    await hot.reserve({ orderId: 'order-3', lines: [{ sku: 'X', quantity: 1 }] });
    await until(async () => (await holdfast.ledger.lostAcknowledgements(0, { limit: 9 })).lost.length > 0);
    const { lost } = await holdfast.ledger.lostAcknowledgements(0, { limit: 9 });
    expect(new Set(lost.map(({ kind, subjectId }) => `${kind} ${subjectId}`))).toEqual(
      new Set(['order order-1', 'order order-2']),
    );
    expect(hot.acknowledgements?.unsettled).toEqual([]);
    await reporter.close();
    await hot.close();
    await ledger.close();
  });

  test('and is in the ledger is no longer kept', async () => {
    const hot = await openHotInventory({
      redisUrl: testRedisUrl(),
      prefix: prefixOf(),
      keepsAcknowledgements: true,
    });
    await sell(hot, five('order'));
    expect(hot.acknowledgements?.size).toBeGreaterThan(0);
    await holdfast.working().writeBehind.drained();
    await until(async () => (await hot.sweep(0)).backlogEvents === 0);
    expect(hot.acknowledgements?.size).toBe(0);
    await hot.close();
  });
});

describe('a worker', () => {
  test('that takes the lease while the partition sells opens a new epoch, and nobody is refused', async () => {
    const { redis, keys, hot } = holdfast;
    const before = (await readControl(redis, keys))?.epoch.number ?? 0;
    await holdfast.stopWorker();
    let isSelling = true;
    let sold = 0;
    const selling = (async () => {
      while (isSelling) {
        await hot.receive({ movementId: `m-${sold}`, sku: 'X', warehouse: 'east', quantity: 1 });
        sold++;
      }
    })();
    await until(() => sold > 20);
    await holdfast.startWorker();
    await until(async () => ((await readControl(redis, keys))?.epoch.number ?? 0) > before);
    const then = sold;
    await until(() => sold > then + 5);
    isSelling = false;
    await selling;
    expect(await holdfast.audit()).toMatchObject({ verdict: 'agree' });
  });

  test('that was frozen while it filled Redis writes no more once another one has opened it', async () => {
    const { redis, keys } = holdfast;
    const fenced = await fencePartition(redis, keys);
    const own = redis.duplicate();
    await own.connect();
    const item = { item: newItem('X', 'east'), isQuarantined: false };
    await loadItems(own, { ...keys, fence: fenced.text }, [item]);
    await replaceControl(redis, keys, fenced, { ...fenced, state: 'open' });
    await expect(loadItems(own, { ...keys, fence: fenced.text }, [item])).rejects.toThrow('fence');
    own.disconnect();
  });
});
