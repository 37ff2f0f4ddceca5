-- Shared by all commands: keys, the records, events and deadlines of a batch, and how the rest of the program is loaded.
-- Nothing here writes to Redis. batch.lua reads and decides first and writes once, at the end: Redis does not roll back.
-- CONST is above this file: limits, words and key names from src/domain and src/hotpath (program.ts writes it).

-- Locals, because a global costs a look-up each time.
local call, all_keys = redis.call, KEYS
local sub, byte, match, format = string.sub, string.byte, string.match, string.format
local min = math.min

local control_key, stream_key, due_key = KEYS[1], KEYS[2], KEYS[3]
local KEYS_BEFORE = 3 -- the record key of each command comes after those of the partition
-- Keys found during a batch (due reservations, their SKUs) have the partition's hash tag, as those in KEYS.
local key_prefix = match(control_key, "^.-}:")
local reservation_prefix = key_prefix .. CONST.RESERVATION_KEY
local sku_prefix = key_prefix .. CONST.SKU_KEY

local now_ms, now_text -- one instant for the whole batch, set in batch.lua
local due_ms -- deadlines up to here have passed; earlier than now_ms for a while after the partition was closed
local tombstone_ms -- how long a resolved reservation still says how it ended
local backlog_is_full = false -- the ledger is too far behind to promise more (D13)
-- A reservation whose item is quarantined is looked at again after this time; it does not block the index.
local POSTPONE_MS = 60000
local UNREADABLE = "REFUSED quarantined -" -- a record that this program did not write

-- Records --------------------------------------------------------------------------------------------

local at = 0 -- which command of the batch is being decided
local id_start = #reservation_prefix + 1 -- where the id begins in the key of any record
local found_records -- the record of each command as Redis has it: a text, false where there is none
local values = {} -- record key -> its text, where this batch changed or read it; false where there is none
local staged, staged_count = {}, 0 -- SETs of this batch in order: key, text, when the key may vanish (digits)

local function stage_set(key, value, until_text)
  values[key] = value
  staged[staged_count + 1] = key
  staged[staged_count + 2] = value
  staged[staged_count + 3] = until_text
  staged_count = staged_count + 3
end

local function digits(number)
  return format("%.0f", number)
end

-- What an optional word says; "-" means nothing.
local function given(word)
  return word ~= "-" and word or nil
end

-- A record of a format that only a newer release knows. Format 1 has no mark.
local function is_newer(value)
  return match(value, "^v%d+ ") ~= nil
end

-- Lua's own "<" follows the locale of the server. Ids are sorted by their bytes; twin of compareIds in src/domain.
local function is_before(left, right)
  for i = 1, min(#left, #right) do
    local a, b = byte(left, i), byte(right, i)
    if a ~= b then
      return a < b
    end
  end
  return #left < #right
end

-- Events ---------------------------------------------------------------------------------------------

-- The text of all events in parts, each event on its own line: joining once is cheaper than a text for each.
local event_parts, part_count = {}, 0
local event_count = 0
-- Equal events of orders next to each other are one line with many ids: the run that is open, if run_end is set.
local run_type, run_end, run_ids, run_count = nil, nil, {}, 0

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

-- Makes sure that the open run is of this event.
local function open_run(event_type, event_end)
  if run_end ~= event_end or run_type ~= event_type then
    close_run()
    run_type, run_end, run_count = event_type, event_end, 0
  end
end

-- An event that may continue a run. `who` is the order's id, of a reserve with "@customer" where it has one; `event_end` is
-- the rest of the event.
local function emit_of_run(event_type, who, event_end)
  open_run(event_type, event_end)
  event_count = event_count + 1
  run_count = run_count + 1
  run_ids[run_count] = who
end

-- Deadlines (D5) -------------------------------------------------------------------------------------

local ENTRIES_MAX = 16 -- index entries looked at in a batch; one has a single id on an idle system, hundreds on a busy one
local deadlines = {} -- milliseconds -> ids of holds and names of locked items (sku@warehouse, BR-007)

-- The list of a deadline.
local function due_at(expires_at_ms)
  local ids = deadlines[expires_at_ms]
  if not ids then
    ids = {}
    deadlines[expires_at_ms] = ids
  end
  return ids
end

local function watch_deadline(id, expires_at_ms)
  local ids = due_at(expires_at_ms)
  ids[#ids + 1] = id
end

-- Commands -------------------------------------------------------------------------------------------

---@class Command What a command's text says, shared by all commands of the batch with the same text.
---@field run fun(command: Command, key: string, id: string, value: string|false, customer: string|nil): string
---  Decides one command and returns its answer. `value` is the record, false where there is none.
---@field run_plan table|false What `run_handlers` needs to decide several at once; false while nothing is known.

-- Verb -> function that reads a command's text strictly: a Command, or nil for a text it cannot read.
local parsers = {}

---@alias RunHandler fun(command: Command, first: integer, last: integer, customers_before: integer|false):
---  integer, string, string|false, string|nil
---  Decides the commands first..last, which have the same text, as far as they come to the same. It leaves their ids in
---  `run_ids` above `run_count` and their records in `values`, and counts nothing itself. Returns how many it decided, when
---  their records may vanish, and, where all have the same, their record and their answer (nil: the answer is the record).

-- Command.run -> RunHandler. Used where the command has a run_plan; what a handler leaves over is decided by `run`.
local run_handlers = {}

-- Making a function costs Lua a search for each outer local it uses, so what not every batch needs is made on first use. A
-- field that a module does not have loads the module's group of files (program.ts), which fills in its functions.
local load_group -- name of a module, or a verb -> runs its files; made below all that the files use
local on_first_use = {
  __index = function(module, field)
    load_group(module.group)
    return rawget(module, field)
  end,
}
local function module(state)
  return setmetatable(state, on_first_use)
end

---@class Stock Items: item.lua.
local stock = module({
  group = "stock",
  by_sku = {}, -- sku -> warehouse -> Item
  alone = {}, -- sku -> warehouse -> Item or false: read before the rest of the SKU
  items_made = 0, -- grows when an item is made: then what is known about the warehouses of a SKU is no longer true
  fields_read = {}, -- sku -> its hash as the plain path read it
  quarantined = {}, -- items to be left alone from now on
  lifted = {}, -- items that are no longer left alone
})
local codec = module({ group = "stock" }) -- texts of lines: line-codec.lua
local reservations = module({ group = "reservations", returned = {} }) -- reservation.lua, expire.lua; returned: index entries
local sales = module({ -- sale.lua
  group = "sales",
  by_sku = {}, -- sku -> sale id -> Sale, where the SKU has any
  made = 0, -- grows when a sale is made, as items_made does
  changed = {},
  dropped = {}, -- sku -> fields of its hash that go
  customers = {}, -- of the orders of this batch that have one, in order
  quotas = {}, -- sale id -> what its customers have
})
local allocation = module({ group = "allocation" }) -- allocate.lua, plan.lua
local locks = module({ group = "locks", sheets = {} }) -- lock.lua; sheets: id -> item name -> text, where changed
-- Items changed by this batch, in order of their first change: Items, and SKUs of items that only the plain path changed.
local changed_items, changed_count = {}, 0
-- plain.lua: the number of such a SKU in changed_items, and by number its warehouse and its item's new text.
local plain = module({ group = "plain", numbers = {}, warehouses = {}, texts = {} })
