/**
 * Tells the ledger what this process acknowledged and a failover or a restore took back (H11): after each change of the epoch,
 * what it acknowledged before is compared with the ledger's history, link by link.
 * Promises: every acknowledgement of this process is found in the ledger or reported as lost, as long as the process lives and
 * the ledger answers at some time. Refuses to know: how a history is lost.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { Acknowledged } from '../hotpath/acknowledgements.ts';
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import { subjectOf } from '../hotpath/keys.ts';
import type { EpochRecord } from '../ledger/epochs.ts';
import type { LedgerApi, LedgerHandle } from '../ledger/handle.ts';
import type { LostAcknowledgement } from '../ledger/lost-acknowledgements.ts';

const POLL_MS = 1_000;
/** Epochs looked at: a process that missed more reports too much rather than too little. */
const EPOCHS_MAX = 1_000;
const IDS_LOGGED_MAX = 50;

export interface LossReporterOptions {
  /** An engine that keeps its acknowledgements. */
  readonly hot: HotInventory;
  readonly ledger: LedgerHandle;
  readonly log: Pick<FastifyBaseLogger, 'error' | 'warn'>;
  /** Names this process in the reports. */
  readonly source: string;
}

/** Reports until it is closed; an outage of the ledger is waited out. @returns how to end it */
export function startLossReporter(options: LossReporterOptions): { close(): Promise<void> } {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    if (running || !options.hot.acknowledgements?.unsettled.length) return;
    running = report(options)
      .catch((error: unknown) =>
        options.log.warn({ err: error }, 'lost acknowledgements could not be looked for yet'),
      )
      .finally(() => {
        running = undefined;
      });
  }, POLL_MS);
  timer.unref();
  return {
    close: async () => {
      clearInterval(timer);
      await running;
      if (options.hot.acknowledgements?.unsettled.length) await report(options).catch(() => undefined);
    },
  };
}

/** Compares what is unsettled with the ledger, once. @throws an outage */
async function report({ hot, ledger: handle, log, source }: LossReporterOptions): Promise<void> {
  const { acknowledgements, keys } = hot;
  const compared = [...(acknowledgements?.unsettled ?? [])];
  const [first] = compared;
  if (!acknowledgements || !first) return;
  const ledger = await handle.open();
  const history = await readHistory(
    ledger,
    keys.partition,
    compared.reduce((least, { sequence }) => Math.min(least, sequence), first.sequence),
  );
  const lost: LostAcknowledgement[] = [];
  const pending: Acknowledged[] = [];
  for (const batch of compared) {
    const fate = history.fateOf(batch);
    if (fate === 'pending') pending.push(batch);
    if (fate !== 'lost') continue;
    const place = { epoch: batch.epoch.number, nonce: batch.epoch.nonce, sequence: batch.sequence };
    for (const key of batch.keys) {
      const subject = subjectOf(key);
      if (subject)
        lost.push({ partition: keys.partition, ...place, kind: subject.kind, subjectId: subject.id, source });
    }
  }
  if (lost.length > 0) {
    await ledger.reportLost(lost);
    const ids = lost.slice(0, IDS_LOGGED_MAX).map(({ kind, subjectId }) => `${kind} ${subjectId}`);
    log.error(
      { event: 'acknowledgements-lost', lost: lost.length, ids },
      'acknowledged decisions are lost: see npm run reconcile',
    );
  }
  acknowledgements.settle(compared, pending);
  if (acknowledgements.dropped > 0)
    log.warn(
      { batches: acknowledgements.dropped },
      'too much was acknowledged at once to report all that may be lost',
    );
}

/** The ledger's history, as far as it says what became of an acknowledgement. */
async function readHistory(ledger: LedgerApi, partition: number, fromSequence: number) {
  // Epochs first: one that begins meanwhile is looked at next time, for what it cuts off is not in the ledger yet.
  const epochs = await ledger.epochs(partition, EPOCHS_MAX);
  const links = new Map<number, string>();
  for (const { sequence, link } of await ledger.knownLinks(partition, fromSequence))
    links.set(sequence, link);
  const cursor = await ledger.cursor(partition);
  if (cursor?.link !== undefined) links.set(cursor.sequence, cursor.link);
  return {
    fateOf: (batch: Acknowledged): 'kept' | 'lost' | 'pending' => {
      const there = links.get(batch.sequence);
      if (there !== undefined) return there === batch.link ? 'kept' : 'lost';
      // Its link is gone from the ledger: it cannot be shown to be kept.
      if (cursor && cursor.sequence >= batch.sequence) return 'lost';
      // Entries after the beginning of the newest epoch are of that one. One in between may have been opened on a replica that
      // lacked the batch, before one that has it was promoted.
      const newest = epochsAfter(epochs, batch).find(({ first }) => first !== undefined)?.first;
      return newest && newest.sequence < batch.sequence ? 'lost' : 'pending';
    },
  };
}

/** Epochs that began after the one in which this was acknowledged. @param epochs newest first */
function epochsAfter(epochs: readonly EpochRecord[], { epoch }: Acknowledged): readonly EpochRecord[] {
  const own = epochs.findIndex((row) => row.epoch.number === epoch.number && row.epoch.nonce === epoch.nonce);
  return own >= 0 ? epochs.slice(0, own) : epochs.filter((row) => row.epoch.number > epoch.number);
}
