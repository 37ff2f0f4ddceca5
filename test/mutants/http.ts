/** Breaks of the HTTP room in src/http/. */
import type { Mutant } from './mutant.ts';

const BAD_INPUT = 'test/http/bad-input.test.ts';
const IDS = 'test/http/ids.test.ts';
const LEDGER_ACK = 'test/http/ledger-ack.test.ts';
const STOCKTAKES = 'test/http/stocktakes.test.ts';

export const HTTP: readonly Mutant[] = [
  {
    fault: 'a field that is given twice is read as its last value',
    file: 'src/http/json-body.ts',
    find: 'return quotes === 2 * strings',
    replace: 'return quotes >= 2 * strings',
    tests: [BAD_INPUT],
  },
  {
    fault: 'many who wait for the ledger are answered when it has the oldest of them',
    file: 'src/http/ledger-ack.ts',
    find: '(b.place.sequence > a.place.sequence ? b : a)',
    replace: '(b.place.sequence < a.place.sequence ? b : a)',
    tests: [LEDGER_ACK],
  },
  {
    fault: 'any acknowledgement level is taken for the one of the ledger',
    file: 'src/http/route.ts',
    find: "ack !== undefined && ack !== 'ledger'",
    replace: "ack !== undefined && ack === ''",
    tests: [LEDGER_ACK],
  },
  {
    fault: 'more questions to the ledger than its limit',
    file: 'src/http/ledger-client.ts',
    find: 'if (this.#questions >= this.#questionsMax) {',
    replace: 'if (this.#questions > this.#questionsMax + 1_000) {',
    tests: ['test/http/ledger.test.ts', 'test/http/faults.test.ts', 'test/http/half-done.test.ts'],
  },
  {
    fault: 'a write to a ledger that went away is said not to have run',
    file: 'src/http/ledger-client.ts',
    find: "throw new LedgerAway('The ledger does not answer.', writes);",
    replace: "throw new LedgerAway('The ledger does not answer.', false);",
    tests: ['test/http/half-done.test.ts', 'test/http/webhooks.test.ts', 'test/http/alerts.test.ts'],
  },
  {
    fault: 'an actor given twice is one name with a comma',
    file: 'src/http/actor.ts',
    find: "if (text.includes(',')) refuse(",
    replace: "if (text === ',') refuse(",
    tests: [IDS, BAD_INPUT],
  },
  {
    fault: 'a count for one of several lines takes the first',
    file: 'src/http/count-sheets.ts',
    find: 'if (second === undefined) return { sku: line.sku, warehouse: line.warehouse };',
    replace: 'return { sku: line.sku, warehouse: line.warehouse };',
    tests: [STOCKTAKES],
  },
  {
    fault: 'a repeat is answered like the first time',
    file: 'src/http/decisions.ts',
    find: 'return { status: replayed ? 200 : firstStatus, body: write(value), replayed };',
    replace: 'return { status: firstStatus, body: write(value), replayed };',
    tests: ['test/http/stock.test.ts'],
  },
  {
    fault: 'a query that is no UTF-8 is taken for another text',
    file: 'src/http/query-string.ts',
    find: '    return BAD_QUERY;\n',
    replace: '    return parse(text);\n',
    tests: [IDS, BAD_INPUT],
  },
];
