/** Breaks of the program in lua/. The golden file would notice each of them; what counts is who notices the behaviour. */
import type { Mutant } from './mutant.ts';

const ALERTS = 'test/agreement/alerts.test.ts';
const BATCH = 'test/hotpath/batch.test.ts';
const EPOCH = 'test/hotpath/epoch.test.ts';
const EXPIRY = 'test/hotpath/expiry.test.ts';
const FAST_PATHS = 'test/agreement/fast-paths.test.ts';
const LOCKS = 'test/agreement/locks.test.ts';
const OUTLIVING = 'test/agreement/outliving.test.ts';
const PURCHASE_LIMIT = 'test/agreement/purchase-limit.test.ts';
const QUARANTINE = 'test/hotpath/quarantine.test.ts';
const RUSH = 'test/hotpath/rush.test.ts';
const SALES = 'test/agreement/sales.test.ts';
const STOCKTAKES = 'test/agreement/stocktakes.test.ts';
const TRANSFERS = 'test/agreement/transfers.test.ts';
const TWINS = 'test/agreement/twins.test.ts';

export const LUA: readonly Mutant[] = [
  {
    fault: 'an item whose figures do not add up is sold from (BR-004)',
    file: 'lua/item.lua',
    find: 'if not total or total ~= available + reserved + sold or total > CONST.QUANTITY_MAX then',
    replace: 'if not total then',
    tests: [QUARANTINE, TWINS],
  },
  {
    fault: 'the alert fires one unit late (BR-005)',
    file: 'lua/item.lua',
    find: 'if item.available >= item.safety_stock then',
    replace: 'if item.available >= item.safety_stock - 1 then',
    tests: [ALERTS, TWINS],
  },
  {
    fault: 'the backlog may be one event longer than the limit',
    file: 'lua/batch.lua',
    find: 'backlog_is_full = events_total - carried_total >= tonumber(ARGV[4])',
    replace: 'backlog_is_full = events_total - carried_total > tonumber(ARGV[4])',
    tests: ['test/hotpath/backlog.test.ts'],
  },
  {
    fault: 'an incarnation that no worker has verified decides (H11)',
    file: 'lua/batch.lua',
    find: 'elseif not string.find(replication, "master_replid:" .. incarnation, 1, true) then',
    replace: 'elseif incarnation == "" then',
    tests: [EPOCH, 'test/worker/other-history.test.ts'],
  },
  {
    fault: 'entries name their own link as the one before (H11)',
    file: 'lua/batch.lua',
    find: '"link", new_link .. " " .. link,',
    replace: '"link", new_link .. " " .. new_link,',
    tests: [EPOCH],
  },
  {
    fault: 'a leap of the clock closes nothing (D4)',
    file: 'lua/batch.lua',
    find: 'if ARGV[8] ~= "confirm" then',
    replace: 'if true then',
    tests: ['test/hotpath/clock.test.ts'],
  },
  {
    fault: 'a partition is verified whatever its record is by now',
    file: 'lua/control.lua',
    find: 'if control ~= before then',
    replace: 'if false then',
    tests: [EPOCH],
  },
  {
    fault: 'the epoch of the caller does not count: a fence that is ignored',
    file: 'lua/batch.lua',
    find: 'elseif epoch ~= ARGV[1] then',
    replace: 'elseif epoch == "" then',
    tests: [EPOCH],
  },
  {
    fault: 'a Redis that lacks what the caller was answered goes on selling',
    file: 'lua/batch.lua',
    find: 'if sequence < tonumber(ARGV[2]) then',
    replace: 'if sequence < 0 then',
    tests: [EPOCH, 'test/hotpath/replica.test.ts'],
  },
  {
    fault: 'time goes back with the clock of the server',
    file: 'lua/batch.lua',
    find: '    clock_note = "behind"\n  end\n  server_ms = clock_ms\n',
    replace: '    clock_note = "behind"\n  end\n',
    tests: ['test/hotpath/clock.test.ts'],
  },
  {
    fault: 'a repeat with other content is answered like the first request (BR-006)',
    file: 'lua/reserve.lua',
    find: 'elseif reservation.fingerprint ~= fingerprint_of(command, customer) then',
    replace: 'elseif reservation.fingerprint == "" then',
    tests: [TWINS],
  },
  {
    fault: 'a run of equal orders sells below the safety stock without an alert',
    file: 'lua/reserve.lua',
    find: 'local room = item.available - (item.is_low and 0 or item.safety_stock)',
    replace: 'local room = item.available',
    tests: [RUSH, ALERTS, TWINS],
  },
  {
    fault: 'who serves is remembered although an item appeared in the middle of the batch',
    file: 'lua/reserve.lua',
    find: ' or plan.items_made ~= stock.items_made then',
    replace: ' then',
    tests: [FAST_PATHS, BATCH, TWINS],
  },
  {
    fault: 'bought units do not count for the limit of a customer inside a run of equal orders',
    file: 'lua/sale.lua',
    find: 'if counts.is_broken or counts.held + counts.bought + units > sale.limit then',
    replace: 'if counts.is_broken or counts.held + units > sale.limit then',
    tests: [FAST_PATHS, PURCHASE_LIMIT, TWINS],
  },
  {
    fault: 'units that a sale has sold are set aside again',
    file: 'lua/sale.lua',
    find: 'return math.max(0, sale.quantity - sale.held - sale.sold)',
    replace: 'return math.max(0, sale.quantity - sale.held)',
    tests: [SALES, TWINS],
  },
  {
    fault: 'a quarantined item is sold beside a sale, in a run of equal orders',
    file: 'lua/reserve.lua',
    find: '    if item.is_broken or item.stocktake then\n      return 0\n    end\n    local room',
    replace: '    if item.stocktake then\n      return 0\n    end\n    local room',
    tests: [FAST_PATHS, QUARANTINE],
  },
  {
    fault: 'a hold expires one millisecond late (BR-003)',
    file: 'lua/expire.lua',
    find: 'if reservation.status ~= "ACTIVE" or reservation.expires_at_ms > due_ms then',
    replace: 'if reservation.status ~= "ACTIVE" or reservation.expires_at_ms >= due_ms then',
    tests: [EXPIRY, TWINS],
  },
  {
    fault: 'a hold that falls due under a lock does not outlive it (BR-007)',
    file: 'lua/expire.lua',
    find: 'until_ms = min(until_ms, now_ms + CONST.STOCKTAKE_EXTENSION_MS) + CONST.STOCKTAKE_GRACE_MS',
    replace: 'until_ms = min(until_ms, now_ms + CONST.STOCKTAKE_EXTENSION_MS)',
    tests: [OUTLIVING, TWINS],
  },
  {
    fault: 'a partial release is not remembered: its repeat returns units again',
    file: 'lua/release.lua',
    find: '  reservations.remember(reservation, command.operation)\n',
    replace: '',
    tests: [TWINS],
  },
  {
    fault: 'a payment takes units from an item that is being counted (BR-007)',
    file: 'lua/confirm.lua',
    find: 'local refusal = reservations.refuse_locked(reservation.lines)',
    replace: 'local refusal = nil',
    tests: [LOCKS, TWINS],
  },
  {
    fault: 'a movement id used with other content is answered as a repeat',
    file: 'lua/movement.lua',
    find: 'elseif sub(value, 1, #content + 1) == content .. " " then',
    replace: 'elseif value then',
    tests: ['test/agreement/movements.test.ts', TWINS],
  },
  {
    fault: 'a transfer receives more than is on its way',
    file: 'lua/transfer.lua',
    find: '  if landed > in_transit(transfer) then',
    replace: '  if landed > transfer.quantity then',
    tests: [TRANSFERS, TWINS],
  },
  {
    fault: 'a count below what is sold and held is taken',
    file: 'lua/stocktake.lua',
    find: 'if command.counted < item.reserved + item.sold then',
    replace: 'if command.counted < item.reserved then',
    tests: [STOCKTAKES, 'test/agreement/shortfalls.test.ts', TWINS],
  },
  {
    fault: 'a plain order sells below the safety stock without an alert',
    file: 'lua/plain.lua',
    find: 'if left < 0 or left - safety_stock < 0 or quantity - 1 < 0',
    replace: 'if left < 0 or quantity - 1 < 0',
    tests: [ALERTS, TWINS],
  },
];
