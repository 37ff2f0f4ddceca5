/**
 * Figures of a worker about quarantine. Promises: the ledger is asked every {@link LOOK_MS} and never by a scrape; while it does
 * not answer there is no figure, for 0 would look like all is well.
 */
import { Gauge, type Registry } from 'prom-client';
import type { Ledger } from '../ledger/ledger.ts';
import { pause } from '../timing/retry.ts';

/** Finding out that nothing is in quarantine takes a look at all items. */
const LOOK_MS = 60_000;
const LOOK_AGAIN_MS = 5_000;

type QuarantineCount = Awaited<ReturnType<Ledger['quarantineCount']>>;

/** Registers the figures and keeps them up to date, until the returned function is called. */
export function showQuarantine(
  registry: Registry,
  ledger: Pick<Ledger, 'quarantineCount'>,
): () => Promise<void> {
  let seen: QuarantineCount | undefined;
  const gauge = (name: string, help: string, read: (count: QuarantineCount) => number) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        if (seen === undefined) this.remove();
        else this.set(read(seen));
      },
    });
  };
  gauge('holdfast_quarantined_items', 'Items in quarantine.', (count) => count.items);
  gauge('holdfast_parked_events', 'Events that wait for items in quarantine.', (count) => count.parkedEvents);

  const ending = new AbortController();
  const looking = (async () => {
    while (!ending.signal.aborted) {
      seen = await ledger.quarantineCount().catch(() => undefined);
      await pause(seen ? LOOK_MS : LOOK_AGAIN_MS, ending.signal);
    }
  })();
  return () => {
    ending.abort();
    return looking;
  };
}
