#!lua
-- Shared by all commands: keys, limits, the records, events and deadlines of a batch.
-- Nothing here writes to Redis; batch.lua commits everything once, at the end. Reading comes before the first write, so
-- an error while reading leaves no trace (Redis does not roll back).

local call = redis.call
local control_key, stream_key, due_key = KEYS[1], KEYS[2], KEYS[3]
-- Keys learnt inside a batch (due reservations, their SKUs) bear the partition's hash tag like those in KEYS.
local key_prefix = string.sub(control_key, 1, -1 - #"control")
local reservation_prefix = key_prefix .. "r:"
local sku_prefix = key_prefix .. "s:"
local stocktake_prefix = key_prefix .. "k:"
local quota_prefix = key_prefix .. "q:"

-- Limits of src/domain/language.ts; a test compares them.
local QUANTITY_MAX = 1000000000
local LINES_MAX = 100
local LIFETIME_MS_MAX = 86400000
local PARTIAL_RELEASES_MAX = 20
local STOCKTAKE_GRACE_MS = 60000
local STOCKTAKE_EXTENSION_MS = 300000
local SKIPPED_MAX = 50
local LEASE_MS_MAX = 14400000 -- no line of a sheet is counted longer, so the sheet outlives it by the tombstone time
-- A reservation whose item is broken is looked at again after this time instead of blocking the index.
local POSTPONE_MS = 60000

local now_ms, now_text -- one instant for the whole batch, see batch.lua
local tombstone_ms -- how long a settled reservation still tells how it ended
local backlog_is_full = false -- the ledger is too far behind to promise more (D13)

-- Records: reservations and movements ----------------------------------------------------------------

local all_keys, sub = KEYS, string.sub -- locals, for a global costs a look-up each time
local KEYS_BEFORE = 3 -- the record key of a command stands behind those of the partition
local id_start = #reservation_prefix + 1 -- where the id begins in the key of any record
local found_records -- what Redis has at the record key of each command: a text, false where there is none
local values = {} -- record key -> its text, where this batch changed or learnt it; false where there is none
local kept, kept_count = {}, 0 -- key, text, when the key may vanish (digits); in order, so the last of a key stands

local function keep(key, value, until_text)
  values[key] = value
  kept[kept_count + 1] = key
  kept[kept_count + 2] = value
  kept[kept_count + 3] = until_text
  kept_count = kept_count + 3
end

local function digits(number)
  return string.format("%.0f", number)
end

-- Events ---------------------------------------------------------------------------------------------

-- The text of all events in parts, a line break before each: to join parts once is cheaper than to make a text of each.
local event_parts, part_count = {}, 0
local event_count = 0
local run_type, run_end, run_ids, run_count = nil, nil, {}, 0 -- orders to which the same happened one after the other

-- Orders of a flash sale ask for the same: such a run of events is one text with many ids.
local function close_run()
  if run_end then
    event_parts[part_count + 1] = "\n"
    event_parts[part_count + 2] = run_type
    event_parts[part_count + 3] = run_count == 1 and run_ids[1] or table.concat(run_ids, ",", 1, run_count)
    event_parts[part_count + 4] = run_end
    part_count = part_count + 4
    run_end = nil
  end
end

local function emit(text)
  close_run()
  event_count = event_count + 1
  event_parts[part_count + 1] = "\n"
  event_parts[part_count + 2] = text
  part_count = part_count + 2
end

local function open_run(event_type, event_end)
  close_run()
  run_type, run_end, run_count = event_type, event_end, 0
end

-- An event about an order that may be the next of a run. `who` is the order's id, of a reserve with its customer behind
-- "@" where it has one; `event_end` is all of the event behind that.
local function emit_of_run(event_type, who, event_end)
  if run_end ~= event_end or run_type ~= event_type then
    open_run(event_type, event_end)
  end
  event_count = event_count + 1
  run_count = run_count + 1
  run_ids[run_count] = who
end

-- Deadlines (D5): what is due at a time, the ids of holds and the names of locked items (sku@warehouse, BR-007); the batch
-- pays one index entry per deadline.
local ENTRIES_MAX = 16 -- looked at in a batch: an entry holds one id on an idle system, some hundreds on a busy one
local returned_entries = {} -- members of the index that are done with
local deadlines = {} -- milliseconds -> list of ids and names

local function due_at(expires_at_ms)
  local ids = deadlines[expires_at_ms]
  if not ids then
    ids = {}
    deadlines[expires_at_ms] = ids
  end
  return ids
end

local function watch_deadline(order_id, expires_at_ms)
  local ids = due_at(expires_at_ms)
  ids[#ids + 1] = order_id
end

-- What every command file fills: verb -> reader of the command's text; a reader answers nil for a text it cannot read,
-- else a table with `run(command, key, id, value, customer)`, shared by all commands of the batch with the same text;
-- `value` is the record as it stands, false where there is none; `customer` is who ordered, where the command says.
local readers = {}
-- What serves several commands with the same text next to each other at once, by the `run` of such a command: called where
-- an earlier one of them has left `again` in what they share, with the first and the last of them and how many commands
-- before have a customer (false where these have none). It does as many as come to what the earlier one came to, with
-- their ids in `run_ids`, behind `run_count`, and their records in `values`. Answers how many, when the records may vanish, and
-- where they are the same the record of each and the answer of each, which else is its record. The rest is left to `run`.
local alike = {}
-- What not every batch needs is made when it is needed, for to make a function costs Lua a search for each local that it
-- leans on. Name of what is made late -> the files that have it, as a function that says so in `late`. A hot file says what
-- it needs, `need("record")`, before it calls what is declared and not made.
local files_of = {} -- filled by program.ts
local late = {}

local function need(name)
  if not late[name] then
    files_of[name]()
  end
  return late[name]
end
