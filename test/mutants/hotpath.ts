/** Breaks of the engine in src/hotpath/, and of the texts of src/domain/ that it shares with Lua. */
import type { Mutant } from './mutant.ts';

const BOUNDED = 'test/hotpath/bounded.test.ts';
const EPOCH = 'test/hotpath/epoch.test.ts';
const ID = 'test/domain/id.test.ts';
const RECORDS = 'test/hotpath/codec-agreement.test.ts';
const FUZZ = 'test/fuzz/ids.test.ts';
const TWINS = 'test/agreement/twins.test.ts';

export const HOTPATH: readonly Mutant[] = [
  {
    fault: 'a command whose caller has given up is sent all the same',
    file: 'src/hotpath/batcher.ts',
    find: 'if (waiting.enqueuedAtMs < oldest) {',
    replace: 'if (waiting.enqueuedAtMs < 0) {',
    tests: [BOUNDED],
  },
  {
    fault: 'the queue takes one command more than its limit',
    file: 'src/hotpath/batcher.ts',
    find: 'if (this.queued >= this.#options.queueCommandsMax) {',
    replace: 'if (this.queued > this.#options.queueCommandsMax) {',
    tests: [BOUNDED],
  },
  {
    fault: 'a batch has no limit of lines',
    file: 'src/hotpath/batcher.ts',
    find: 'if (lines > batchLinesMax && batch.length > 0) break;',
    replace: 'if (lines > batchLinesMax && batch.length > 9_999) break;',
    tests: [BOUNDED],
  },
  {
    fault: 'an epoch with another nonce is taken for the same one',
    file: 'src/hotpath/batcher.ts',
    find: "if (reason === 'stale-epoch' && mayHelp) this.#adopt(epoch, current);",
    replace: "if (reason === 'stale-epoch' && mayHelp) this.#sequence = 0;",
    tests: [EPOCH],
  },
  {
    fault: 'the engine forgets how far Redis was: an old Redis sells again',
    file: 'src/hotpath/batcher.ts',
    find: 'if (isCurrent && head.sequence > this.#sequence) this.#sequence = head.sequence;',
    replace: '',
    tests: [EPOCH],
  },
  {
    fault: 'an answer does not wait for the replicas',
    file: 'src/hotpath/batcher.ts',
    find: 'if (have < replicas) {',
    replace: 'if (have < 0) {',
    tests: ['test/hotpath/replica.test.ts'],
  },
  {
    fault: 'a command whose answer was lost is said not to have run',
    file: 'src/hotpath/fault.ts',
    find: "const outcome = !wasSent || REFUSED_BEFORE_START.test(message) ? 'nothing-happened' : 'unknown';",
    replace: "const outcome = !wasSent || message !== '' ? 'nothing-happened' : 'unknown';",
    tests: ['test/hotpath/fault.test.ts', 'test/hotpath/lost-reply.test.ts'],
  },
  {
    fault: 'a Redis that loses a second of orders in a power cut is taken for a durable one',
    file: 'src/hotpath/redis-check.ts',
    find: 'if (value !== wanted) {',
    replace: 'if (value === undefined) {',
    tests: ['test/hotpath/own-redis.test.ts'],
  },
  {
    fault: 'the derived fingerprint of an order leaves out its customer and sale (BR-006)',
    file: 'src/hotpath/codec/reservation-codec.ts',
    find: 'given(fingerprint) ?? requestFingerprint(heldForMs, lines, { customerId, saleId })',
    replace: 'given(fingerprint) ?? requestFingerprint(heldForMs, lines)',
    tests: [RECORDS, TWINS],
  },
  {
    fault: 'transfers and movements share the keys of their records',
    file: 'src/hotpath/keys.ts',
    find: "transfer: 't:'",
    replace: "transfer: 'm:'",
    tests: [FUZZ],
  },
  {
    fault: 'an id has more than one escaped form',
    file: 'src/domain/id.ts',
    find: 'return escapeText(id) === text && [...id].length',
    replace: 'return [...id].length',
    tests: [ID],
  },
  {
    fault: 'an id that is not in NFC is accepted',
    file: 'src/domain/id.ts',
    find: "value.normalize('NFC') === value",
    replace: "value.normalize('NFC') !== ''",
    tests: [ID],
  },
  {
    fault: 'lines of one item are not added up: the last one counts',
    file: 'src/domain/lines.ts',
    find: '{ ...line, quantity: before.quantity + line.quantity }',
    replace: '{ ...line, quantity: line.quantity }',
    tests: ['test/domain/inputs.test.ts', 'test/domain/reserve.test.ts'],
  },
];
