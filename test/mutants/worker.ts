/** Breaks of the worker in src/worker/. */
import type { Mutant } from './mutant.ts';

const DRIFT = 'test/worker/write-behind-drift.test.ts';
const HISTORY = 'test/worker/reconcile-history.test.ts';
const NOT_READY = 'test/worker/write-behind-not-ready.test.ts';
const REBUILD = 'test/worker/rebuild.test.ts';
const RECONCILIATION = 'test/worker/reconciliation.test.ts';
const VALIDATOR = 'test/worker/event-validator.test.ts';
const WEBHOOKS = 'test/worker/webhooks.test.ts';
const WRITE_BEHIND = 'test/worker/write-behind.test.ts';

export const WORKER: readonly Mutant[] = [
  {
    fault: 'two histories count as agreeing',
    file: 'src/worker/audit/reconciliation.ts',
    find: '  addHistoryFindings(auditor, history);\n',
    replace: '',
    tests: [HISTORY],
  },
  {
    fault: 'losses that the report has no room for are not counted',
    file: 'src/worker/audit/audit-history.ts',
    find: 'Math.max(0, lostAcknowledgementsOpen -',
    replace: 'Math.max(0, 0 -',
    tests: [HISTORY],
  },
  {
    fault: 'a confirmed order that Redis has lost is not missed',
    file: 'src/worker/audit/audit-orders.ts',
    find: 'if (!isConfirmed(texts[i])) await recheck',
    replace: 'if (texts[i] && !isConfirmed(texts[i])) await recheck',
    tests: [HISTORY],
  },
  {
    fault: 'a confirmed order that only Redis has is not missed',
    file: 'src/worker/audit/audit-orders.ts',
    find: 'if (reservation === undefined) return false;',
    replace: 'if (reservation === undefined) return true;',
    tests: [HISTORY],
  },
  {
    fault: 'a loss is logged with every audit',
    file: 'src/worker/audit/auditing.ts',
    find: 'this.#forkId = Math.max(this.#forkId, forks[0]?.id ?? 0);',
    replace: '',
    tests: [HISTORY],
  },
  {
    fault: 'an item that the script left with other figures than the domain goes on (D8)',
    file: 'src/worker/carry/entry-validator.ts',
    find: 'if (!state || isStopped(state) || isSame(state.next, found)) continue;',
    replace: 'if (!state || isStopped(state) || found.version > 0) continue;',
    tests: [DRIFT],
  },
  {
    fault: 'a movement that is in the ledger already is not known as one (BR-006)',
    file: 'src/worker/carry/entry-validator.ts',
    find: 'const first = this.#movements.get(movementId);',
    replace: "const first = this.#movements.get('');",
    tests: [DRIFT, 'test/worker/document-draft.test.ts'],
  },
  {
    fault: 'the second use of an order id counts as a step of the first',
    file: 'src/worker/carry/entry-validator.ts',
    find: 'evolveReservation(isReused ? undefined : before, event)',
    replace: 'evolveReservation(before, event)',
    tests: [DRIFT, VALIDATOR],
  },
  {
    fault: 'a gap in the stream is not noticed',
    file: 'src/worker/carry/stream-reader.ts',
    find: 'if (sequenceOf(row) !== sequence + 1 ||',
    replace: 'if (sequenceOf(row) < sequence ||',
    tests: [NOT_READY],
  },
  {
    fault: 'a partition of a newer epoch is carried under the old one',
    file: 'src/worker/carry/stream-reader.ts',
    find: 'if (!isSameEpoch(head.epoch, this.#epoch))',
    replace: 'if (head.epoch.number < this.#epoch.number)',
    tests: [NOT_READY],
  },
  {
    fault: 'a Redis that lacks what the ledger has is not noticed',
    file: 'src/worker/carry/stream-reader.ts',
    find: "if (head.sequence < sequence) throw new NotReady('went-back'",
    replace: "if (head.sequence < 0) throw new NotReady('went-back'",
    tests: [NOT_READY],
  },
  {
    fault: 'the stream is cut before the ledger has it',
    file: 'src/worker/carry/replication-loop.ts',
    find: '          commit = this.#commit(chunk, to, atMs, mode);',
    replace: '          this.#trimmer.soon(to);\n          commit = this.#commit(chunk, to, atMs, mode);',
    tests: [
      WRITE_BEHIND,
      'test/worker/write-behind-throttle.test.ts',
      'test/worker/write-behind-crash.test.ts',
    ],
  },
  {
    fault: 'a whole chunk is condemned for one entry that SQL refuses',
    file: 'src/worker/carry/poison-isolation.ts',
    find: "if (mode.kind === 'strict' && isOneEntry) {",
    replace: "if (mode.kind === 'strict') {",
    tests: [VALIDATOR, DRIFT],
  },
  {
    fault: 'the audit does not compare until when a hold lasts',
    file: 'src/worker/audit/audit-holds.ts',
    find: '    hot.expiresAtMs === reservation.expiresAtMs &&\n',
    replace: '',
    tests: [RECONCILIATION],
  },
  {
    fault: 'the audit does not look for items that the ledger lacks',
    file: 'src/worker/audit/audit-items.ts',
    find: "auditor.addFinding({ kind: 'missing-in-ledger'",
    replace: "if (sku === '') auditor.addFinding({ kind: 'missing-in-ledger'",
    tests: [RECONCILIATION],
  },
  {
    fault: 'a new epoch has a number that the ledger knows',
    file: 'src/worker/recovery/opening.ts',
    find: 'Math.max(control?.epoch.number ?? 0, cursor?.epoch ?? 0) + 1',
    replace: 'Math.max(control?.epoch.number ?? 1, cursor?.epoch ?? 1)',
    tests: [REBUILD],
  },
  {
    fault: 'a rebuild sells from an item that is in quarantine',
    file: 'src/worker/recovery/rebuild.ts',
    find: 'isQuarantined: quarantine !== undefined',
    replace: 'isQuarantined: false',
    tests: [REBUILD, 'test/worker/rebuild-trade.test.ts', DRIFT],
  },
  {
    fault: 'what a forked Redis has beyond the ledger is not written down (H11)',
    file: 'src/worker/recovery/fork.ts',
    find: 'while (start !== undefined && entries.length < ENTRIES_MAX) {',
    replace: 'while (start === undefined && entries.length > 0) {',
    tests: ['test/worker/other-history.test.ts'],
  },
  {
    fault: 'another history with the same numbers counts as the same one (H11)',
    file: 'src/worker/recovery/compare.ts',
    find: 'if (control.sequence === end.sequence && control.link === end.link)',
    replace: 'if (control.sequence === end.sequence)',
    tests: ['test/worker/other-history.test.ts'],
  },
  {
    fault: 'a rebuild writes on after another worker has opened the partition',
    file: 'src/hotpath/fenced-page.ts',
    find: 'if ((await redis.get(control)) !== fence) throw new FenceGone();',
    replace: '',
    tests: ['test/worker/other-history.test.ts'],
  },
  {
    fault: 'a delivery is given up one attempt early',
    file: 'src/worker/webhooks/webhooks.ts',
    find: 'const waitMs = waitsMs[attempts - 1];',
    replace: 'const waitMs = waitsMs[attempts];',
    tests: [WEBHOOKS],
  },
];
