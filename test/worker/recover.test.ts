/**
 * D10: looking whether hot path and ledger follow from each other must not take the worker's own progress between two
 * looks for a Redis that lost decisions: that would empty a healthy one.
 */
import { expect, test } from 'vitest';
import { type ControlRecord, readControl } from '../../src/hotpath/partition.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { recover } from '../../src/worker/recovery/recover.ts';
import { testHoldfast } from '../holdfast.ts';

/** The ledger, answering where its cursor stands only after `meanwhile`: a busy Postgres. */
function slowCursor(ledger: Ledger, meanwhile: () => Promise<void>): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      if (name === 'cursor') {
        return async (partition: number) => {
          await meanwhile();
          return target.cursor(partition);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('a chunk that is carried over between the two looks is no reason to rebuild', async () => {
  const holdfast = await testHoldfast();
  try {
    const { hot, redis, keys, ledger } = holdfast;
    await hot.receive({ movementId: 'm1', sku: 'A', warehouse: 'east', quantity: 10 });
    const busy = slowCursor(ledger, async () => {
      await hot.reserve({ orderId: 'meanwhile', lines: [{ sku: 'A', quantity: 1 }] });
      await holdfast.working().writeBehind.drained();
    });
    const parts = { redis, keys, ledger: busy, tombstoneMs: 60_000, log: { error() {} } };
    const { epoch } = (await readControl(redis, keys)) as ControlRecord;
    expect(await recover(parts, 'went-back')).toEqual({ did: 'none' });
    expect(await readControl(redis, keys)).toMatchObject({ epoch, state: 'open' });
  } finally {
    await holdfast.close();
  }
});
