/**
 * The judge's part for what stands in no item: a transfer between its steps, and what an entry leaves behind as documents.
 * Promises: nothing in two places or in none; no document of a line whose item is in quarantine.
 */
import type { TransferEvent } from '../../domain/transfer.ts';
import type { StreamEntry } from '../../hotpath/codec/stream-codec.ts';
import type { ChunkDraft } from './chunk-draft.ts';
import { hasDocument } from './document-draft.ts';
import { isTransferEvent, problemOf, transferAfter } from './event-checks.ts';
import { type Failure, messageOf, type Quarantine } from './quarantine.ts';
import { itemName, type StateCache } from './state-cache.ts';

export class DocumentValidator {
  readonly #cache: StateCache;
  readonly #quarantine: Quarantine;

  constructor(cache: StateCache, quarantine: Quarantine) {
    this.#cache = cache;
    this.#quarantine = quarantine;
  }

  /**
   * What the transfer does not allow stops the item it would land in. The other end stands as it was: where that is in
   * quarantine, the transfer never left, and so its receipt stops the item that took it in.
   */
  judgeTransfer(draft: ChunkDraft, event: TransferEvent, failures: Map<string, Failure>): void {
    const [line] = event.lines;
    if (!line || failures.has(itemName(line)) || this.#cache.itemOf(line).isQuarantined) return;
    const state = this.#cache.transfer(event.transferId);
    draft.touchTransfer(state);
    if (state.entry !== draft.sequence) {
      state.entry = draft.sequence;
      state.transferBeforeEntry = state.transfer;
    }
    try {
      state.transfer = transferAfter(state.transfer, event);
    } catch (error) {
      const evidence = { transfer: state.transfer ?? null };
      const failure: Failure = { kind: 'transfer-not-allowed', detail: messageOf(error), event, evidence };
      failures.set(itemName(line), failure);
    }
  }

  /** An item stopped in this entry: what its transfers come to without the steps that do not count any more. */
  judgeAgain(draft: ChunkDraft, entry: StreamEntry, firstRow: number): void {
    const events = entry.events.filter(isTransferEvent);
    let isAnyStopped = true;
    // Each turn stops an item or is the last.
    while (isAnyStopped) {
      for (const { transferId } of events) {
        const state = this.#cache.transfer(transferId);
        if (state.entry === entry.sequence) state.transfer = state.transferBeforeEntry;
      }
      const failures = new Map<string, Failure>();
      for (const event of events) this.judgeTransfer(draft, event, failures);
      for (const [name, failure] of failures) this.#quarantine.stop(draft, name, failure, firstRow);
      isAnyStopped = failures.size > 0;
    }
  }

  /** Notes the documents of an entry, but for the lines whose items are in quarantine. */
  keep(draft: ChunkDraft, entry: StreamEntry): void {
    const documents = draft.documents();
    for (const event of entry.events) {
      if (!hasDocument(event) || problemOf(event) !== undefined) continue;
      documents.add(event);
      for (const line of event.lines) {
        if (!this.#cache.itemOf(line).isQuarantined) documents.addLine(event, line);
      }
    }
  }
}
