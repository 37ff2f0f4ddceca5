/** Breaks of the ledger in src/ledger/. */
import type { Mutant } from './mutant.ts';

const COMMIT = 'test/ledger/commit.test.ts';
const DOCUMENTS = 'test/ledger/documents.test.ts';
const EXPLAIN = 'test/ledger/explain.test.ts';

export const LEDGER: readonly Mutant[] = [
  {
    fault: 'the cursor moves over a gap (D7)',
    file: 'src/ledger/write/commit.ts',
    find: 'WHERE partition = $1 AND epoch = $2 AND sequence = $3`',
    replace: 'WHERE partition = $1 AND epoch = $2 AND sequence <= $3`',
    tests: [COMMIT],
  },
  {
    fault: 'the cursor takes a chunk of a newer epoch',
    file: 'src/ledger/write/commit.ts',
    find: 'WHERE partition = $1 AND epoch = $2 AND sequence = $3`',
    replace: 'WHERE partition = $1 AND epoch <= $2 AND sequence = $3`',
    tests: [COMMIT],
  },
  {
    fault: 'an epoch can begin twice',
    file: 'src/ledger/cursor.ts',
    find: 'WHERE partitions.epoch < excluded.epoch`',
    replace: 'WHERE partitions.epoch <= excluded.epoch`',
    tests: [COMMIT],
  },
  {
    fault: 'an item that moved on meanwhile is overwritten',
    file: 'src/ledger/write/item-rows.ts',
    find: "where: 't.version = u.expected_version'",
    replace: "where: 't.version >= u.expected_version'",
    tests: [COMMIT],
  },
  {
    fault: 'the last reason of a quarantine takes the place of the first',
    file: 'src/ledger/write/item-rows.ts',
    find: "'coalesce(t.quarantine_reason, u.quarantine_reason)'",
    replace: "'coalesce(u.quarantine_reason, t.quarantine_reason)'",
    tests: [COMMIT],
  },
  {
    fault: 'a resolved reservation is resolved again (BR-006)',
    file: 'src/ledger/write/reservation-rows.ts',
    find: "name: 'settle-reservations',\n    key,\n    where: `t.status = 'ACTIVE'`,",
    replace: "name: 'settle-reservations',\n    key,\n    where: `t.status IS NOT NULL`,",
    tests: [COMMIT],
  },
  {
    fault: 'a backslash in an id is not escaped for COPY',
    file: 'src/ledger/write/bulk-text.ts',
    find: 'const NEEDS_ESCAPE_IN_COPY = /[\\\\\\t\\n\\r]/;',
    replace: 'const NEEDS_ESCAPE_IN_COPY = /[\\t\\n\\r]/;',
    tests: [COMMIT, 'test/ledger/ids.test.ts'],
  },
  {
    fault: 'SQL shows the escaped id of a warehouse',
    file: 'src/ledger/migrations/0004-order-lines.ts',
    find: "ELSE decode_id(split_part(split_part(line, '@', 2), '=', 1)) END",
    replace: "ELSE split_part(split_part(line, '@', 2), '=', 1) END",
    tests: ['test/ledger/ids.test.ts'],
  },
  {
    fault: 'holds are searched by the raw id',
    file: 'src/domain/lines.ts',
    find: '{itemName(item)}=`',
    replace: "{Object.values(item).join('@')}=`",
    tests: ['test/ledger/ids.test.ts'],
  },
  {
    fault: 'the end of a lock is in no column of its entry',
    file: 'src/ledger/write/entry-rows.ts',
    find: "untilMs: 'expires_at',",
    replace: 'untilMs: null,',
    tests: [COMMIT],
  },
  {
    fault: 'every worker gets the lease',
    file: 'src/ledger/lease.ts',
    find: 'if (rows[0]?.taken) return lease;',
    replace: 'if (rows[0]) return lease;',
    tests: ['test/ledger/lease.test.ts'],
  },
  {
    fault: 'a full page that is the last one promises another',
    file: 'src/ledger/read/pages.ts',
    find: 'rows.length > limit && last !== undefined',
    replace: 'rows.length >= limit && last !== undefined',
    tests: ['test/ledger/alerts.test.ts', DOCUMENTS, 'test/ledger/queries.test.ts'],
  },
  {
    fault: 'an item at a time is shown without the entry of that very moment',
    file: 'src/ledger/read/as-of.ts',
    find: 'SELECT at > to_timestamp($3::float8) AS is_late',
    replace: 'SELECT at >= to_timestamp($3::float8) AS is_late',
    tests: [EXPLAIN],
  },
  {
    fault: 'the self-check does not see a hold that no item has reserved',
    file: 'src/ledger/read/self-check.ts',
    find: 'WHERE coalesce(i.reserved, -1) <> coalesce(h.held, 0)',
    replace: 'WHERE i.reserved < coalesce(h.held, 0)',
    tests: ['test/worker/reconciliation.test.ts'],
  },
  {
    fault: 'a delivery that another worker is sending is claimed',
    file: 'src/ledger/webhooks/queue.ts',
    find: 'AND (claimed_until IS NULL OR claimed_until <= now())',
    replace: 'AND (claimed_until IS NULL OR claimed_until IS NOT NULL)',
    tests: ['test/ledger/webhooks.test.ts', 'test/worker/webhooks.test.ts'],
  },
];
