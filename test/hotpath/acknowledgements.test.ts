/**
 * What a process keeps of its acknowledgements (H11), when the ledger was away long enough for a great many of them.
 */
import { expect, test } from 'vitest';
import { AcknowledgementLog } from '../../src/hotpath/acknowledgements.ts';

/** More than a call of a function may have arguments. */
const MANY = 200_000;

test('a great many batches of an epoch that ended are all kept to be compared', () => {
  const log = new AcknowledgementLog();
  for (let sequence = 1; sequence <= MANY; sequence++) {
    const place = { epoch: 1, nonce: 'nonce001', sequence, link: `link-${sequence}` };
    log.add({ ...place, eventsTotal: sequence, carriedTotal: 0 }, [`order-${sequence}`]);
  }
  log.epochChanged();
  expect([log.unsettled.length, log.unsettled.at(-1)?.sequence]).toEqual([MANY, MANY]);
  expect([log.size, log.dropped]).toEqual([MANY, 0]);
});
