/**
 * Goal: however many acknowledgements a failover took back, each is reported (H11). Method: an engine and a ledger made here.
 */
import { expect, test } from 'vitest';
import { AcknowledgementLog } from '../../src/hotpath/acknowledgements.ts';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { startLossReporter } from '../../src/http/loss-reporter.ts';
import type { LostAcknowledgement } from '../../src/ledger/lost-acknowledgements.ts';
import { ledgerWith } from './open-server.ts';

/** More than a call of a function may have arguments. */
const MANY = 200_000;

test('a great many are compared, and those that the ledger has are not reported', async () => {
  const keys = partitionKeys('many');
  const acknowledgements = new AcknowledgementLog();
  for (let sequence = 1; sequence <= MANY; sequence++) {
    const place = { epoch: 1, nonce: 'nonce001', sequence, link: `link-${sequence}` };
    acknowledgements.add({ ...place, eventsTotal: sequence, carriedTotal: 0 }, [
      keys.reservation(`order-${sequence}`),
    ]);
  }
  acknowledgements.epochChanged();
  const reported: LostAcknowledgement[] = [];
  const ledger = ledgerWith({
    epochs: async () => [],
    knownLinks: async () => [{ sequence: 1, link: 'link-1' }],
    cursor: async () => ({ epoch: 2, nonce: 'nonce002', sequence: MANY, link: 'other', eventsTotal: MANY }),
    reportLost: async (rows: readonly LostAcknowledgement[]) => {
      for (const row of rows) reported.push(row);
    },
  });
  const said: object[] = [];
  const log = { error: (fields: object) => said.push(fields), warn: (fields: object) => said.push(fields) };
  const hot = { keys, acknowledgements } as unknown as HotInventory;
  await startLossReporter({ hot, ledger, log: log as never, source: 'api-1' }).close();
  expect(reported).toHaveLength(MANY - 1);
  expect(reported[0]).toMatchObject({ kind: 'order', subjectId: 'order-2', sequence: 2, source: 'api-1' });
  expect(acknowledgements.unsettled).toEqual([]);
  expect(said).toMatchObject([{ event: 'acknowledgements-lost' }]);
});
