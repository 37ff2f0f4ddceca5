#!lua
local CONST = {
  QUANTITY_MAX = 1000000000,
  LINES_MAX = 100,
  ID_ESCAPED_BYTES_MAX = 1536,
  LIFETIME_MS_MAX = 86400000,
  PARTIAL_RELEASES_MAX = 20,
  STOCKTAKE_GRACE_MS = 60000,
  STOCKTAKE_EXTENSION_MS = 300000,
  LEASE_MS_MAX = 14400000,
  SKIPPED_MAX = 50,
  STOCKTAKE_LINES_MAX = 5000,
  SHORTFALL_RELEASES_MAX = 200,
  TRANSFER_RECEIPTS_MAX = 50,
  SALES_PER_SKU_MAX = 8,
  SALE_AFTERLIFE_MS = 172800000,
  RESERVATION_STATUSES = { ACTIVE = true, CONFIRMED = true, RELEASED = true, EXPIRED = true, },
  SHORT_OPERATION = "short",
  REJECTED_REASON = "=rejected",
  RESERVATION_KEY = "r:",
  SKU_KEY = "s:",
  STOCKTAKE_KEY = "k:",
  QUOTA_KEY = "q:",
  FAST_PATHS = true,
  HAS_MSETEX = false,
}
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

-- The one source of time (D4): the server's clock, read once a batch. Tests replace this file.

local function server_time_ms()
  local time = call("TIME")
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

load_group = function(group)
if group == "plain" then
-- Fast path: a plain reserve goes from text to text, without tables for its command, lines and items. Plain is an order without
-- a sale whose SKUs no command of the batch has touched, have no sale, and serve it from the one item there is or that is
-- named, readable, not locked, and not falling below its safety stock. All others are left to reserve.lua, which comes to the
-- same for plain orders too. This file also reads what orders say besides their lines.

---@class Terms What most orders of a batch have in common.
---@field hold_ms integer
---@field hold_text string the same in digits
---@field actor string
---@field candidates string warehouses to try first, "-" for none
---@field sale string|nil
---@field splits boolean a line may be served by several warehouses
---@field record_start string of the record of an order: status and times
---@field until_text string|false when such a record may vanish

local terms_read = {} -- text -> Terms or false

function plain.terms(text)
  local terms = terms_read[text]
  if terms == nil then
    local hold_text, actor, candidates, sale, mode = match(text, "^(%d+) (%S+) (%S+) (%S+) (%l+)$")
    local hold_ms = hold_text and codec.read_number(hold_text, CONST.LIFETIME_MS_MAX)
    terms = hold_ms and codec.is_id(actor) and {
      hold_ms = hold_ms,
      hold_text = hold_text,
      actor = actor,
      candidates = candidates,
      sale = given(sale),
      splits = mode == "split",
      record_start = "ACTIVE " .. now_text .. " " .. hold_text .. " ",
      until_text = false,
    } or false
    terms_read[text] = terms
  end
  return terms
end

-- When the record of an order with these terms may vanish, in digits.
function plain.until_text(terms)
  terms.until_text = terms.until_text or digits(now_ms + terms.hold_ms + tombstone_ms)
  return terms.until_text
end

-- The warehouse that serves a line, and the text of its item afterwards; nil where the line is not plain.
local function serve_line(sku, warehouse, quantity)
  if plain.numbers[sku] or stock.by_sku[sku] or stock.alone[sku] or #quantity > 10 then
    return nil
  end
  local fields = call("HGETALL", sku_prefix .. sku)
  local served_from, value
  for i = 1, #fields, 2 do
    local field = fields[i]
    if byte(field) == 42 then -- "*" begins the name of a sale
      value = nil
      break
    elseif field == warehouse or (warehouse == "*" and #fields == 2) then
      served_from, value = field, fields[i + 1]
    end
  end
  -- Not alerted, not locked, not quarantined. Lua makes numbers of digits where it calculates with them.
  local total, available, reserved, sold, version, safety_stock =
    match(value or "", "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) 0$")
  local left = total and available - quantity or -1
  if left < 0 or left - safety_stock < 0 or quantity - 1 < 0
    or total - available - reserved - sold ~= 0 or total - CONST.QUANTITY_MAX > 0 then
    stock.fields_read[sku] = fields
    return nil
  end
  return served_from, format("%d %d %d %d %.0f %d 0", total, left, reserved + quantity, sold, version + 1, safety_stock)
end

-- Of the lines of one order; used again for the next.
local skus, warehouses, texts, served = {}, {}, {}, {}

-- Serves several lines: how many, and their text with the warehouses that serve them; nil where they are not plain.
local function serve_lines(lines_text)
  local count, from, before = 0, 1, ""
  repeat
    local sku, warehouse, quantity, to =
      match(lines_text, "^([%w%%][%w%%._:%-]*)@([%w%%*][%w%%._:%-]*)=(%d+)()", from)
    -- The lines of an order are sorted, so a SKU that comes twice comes next to itself.
    if not sku or count == CONST.LINES_MAX or not is_before(before, sku) then
      return nil
    end
    count = count + 1
    skus[count], before, from = sku, sku, to + 1
    warehouses[count], texts[count] = serve_line(sku, warehouse, quantity)
    if not warehouses[count] then
      return nil
    end
    served[count] = sku .. "@" .. warehouses[count] .. "=" .. (warehouse == "*" and digits(quantity) or quantity)
  until byte(lines_text, to) ~= 44 -- ","
  return from == #lines_text + 2 and count or nil, table.concat(served, ",", 1, count)
end

-- Decides the order with this text and record key, which has no record yet. Returns the answer; nil, and nothing changed,
-- where it is not plain.
function plain.reserve(text, key, customer)
  if not customer and byte(text, 3) ~= 115 then -- an "s", as in "reserve" alone
    return nil
  end
  -- Most orders have one line.
  local lines_text, sku, warehouse, quantity, terms_text =
    match(text, "^@?reserve (([%w%%][%w%%._:%-]*)@([%w%%*][%w%%._:%-]*)=(%d+)) (.+)$")
  if not sku then
    lines_text, terms_text = match(text, "^@?reserve (%S+) (.+)$")
  end
  local terms = lines_text and plain.terms(terms_text)
  if not terms or terms.sale or backlog_is_full then
    return nil
  end
  local count, served_text = 1, lines_text
  if sku then
    skus[1] = sku
    warehouses[1], texts[1] = serve_line(sku, warehouse, quantity)
    if warehouse == "*" and warehouses[1] then
      served_text = format("%s@%s=%d", sku, warehouses[1], quantity)
    end
  else
    count, served_text = serve_lines(lines_text)
  end
  local is_as_asked = served_text == lines_text
  if not count or not warehouses[1] or (terms.splits and not is_as_asked) then
    return nil
  end
  for i = 1, count do
    changed_count = changed_count + 1
    changed_items[changed_count], plain.warehouses[changed_count] = skus[i], warehouses[i]
    plain.texts[changed_count], plain.numbers[skus[i]] = texts[i], changed_count
  end
  local answer = terms.record_start .. served_text
  local record, asked = answer, "-"
  if is_as_asked then
    record = customer and record .. " - - - " .. customer .. " -" or record
  else
    record = record .. " " .. terms.hold_text .. ";" .. lines_text
    answer, asked = record .. " - -", lines_text
    record = customer and record .. ";c=" .. customer .. " - - " .. customer .. " -" or answer
  end
  local order_id = sub(key, id_start)
  stage_set(key, record, plain.until_text(terms))
  watch_deadline(order_id, now_ms + terms.hold_ms)
  emit_of_run("InventoryReserved ", customer and order_id .. "@" .. customer or order_id,
    " " .. terms.actor .. " " .. served_text .. " " .. terms.hold_text .. " " .. asked .. " - -")
  return answer
end

elseif group == "stock" then
-- Items and how they change. Twin: src/domain/inventory-item.ts.

---@class Item
---@field sku string
---@field warehouse string
---@field name string sku@warehouse
---@field total integer units; always available + reserved + sold
---@field available integer units
---@field reserved integer units
---@field sold integer units, paid and not shipped yet
---@field version integer grows by one with each event
---@field safety_stock integer units; below them BR-005 alerts
---@field is_low boolean alerted, and not back at the safety stock since
---@field is_changed boolean by this batch
---@field is_broken boolean unreadable or quarantined: left alone (D8)
---@field stocktake string|nil the stocktake that locks it (BR-007)
---@field locked_until_ms integer|nil when its lock ends; without a stocktake, until when no hold expires after one

-- "total available reserved sold version safety_stock is_low[ stocktake|- until_ms]", or anything else, such as
-- "quarantined ..." or a newer format: then the item is left alone.
local function read_item(sku, warehouse, value)
  local total, available, reserved, sold, version, safety_stock, is_low, lock =
    match(value, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) ([01])(.*)$")
  local name = sku .. "@" .. warehouse
  total, available, reserved, sold = tonumber(total), tonumber(available), tonumber(reserved), tonumber(sold)
  -- BR-001 and BR-004 on the way in: nothing is sold from an item that breaks them.
  if not total or total ~= available + reserved + sold or total > CONST.QUANTITY_MAX then
    return { sku = sku, warehouse = warehouse, name = name, is_broken = true }
  end
  -- All fields at once: a table that grows is made anew several times.
  local item = {
    sku = sku,
    warehouse = warehouse,
    name = name,
    total = total,
    available = available,
    reserved = reserved,
    sold = sold,
    version = tonumber(version),
    safety_stock = tonumber(safety_stock),
    is_low = is_low == "1",
    is_changed = false,
    is_broken = false,
  }
  if lock ~= "" then
    local stocktake, locked_until = match(lock, "^ (%S+) (%d+)$")
    item.is_broken = not stocktake
    item.stocktake, item.locked_until_ms = stocktake ~= "-" and stocktake or nil, tonumber(locked_until)
  end
  return item
end

local function write_item(item)
  -- BR-001 and BR-004 on the way out, before the first write: a defect here fails the batch and changes nothing.
  if item.available < 0 or item.reserved < 0 or item.sold < 0
    or item.total ~= item.available + item.reserved + item.sold
    or item.total > CONST.QUANTITY_MAX then
    error("BR-001 or BR-004 broken by " .. item.name, 0)
  end
  local text = format("%d %d %d %d %.0f %d %d", item.total, item.available, item.reserved, item.sold,
    item.version, item.safety_stock, item.is_low and 1 or 0)
  if item.locked_until_ms then
    return text .. " " .. (item.stocktake or "-") .. " " .. digits(item.locked_until_ms)
  end
  return text
end

local function mark_changed(item)
  item.is_changed = true
  changed_count = changed_count + 1
  changed_items[changed_count] = item
end

-- The item that the plain path changed, as a table from now on.
local function take_over(sku)
  local number = plain.numbers[sku]
  local item = read_item(sku, plain.warehouses[number], plain.texts[number])
  item.is_changed = true
  changed_items[number], plain.texts[number], plain.numbers[sku] = item, nil, nil
  return item
end

-- All items of a SKU by warehouse. Reads its sales too.
local function warehouses_of(sku)
  local warehouses = stock.by_sku[sku]
  if not warehouses then
    warehouses = {}
    local flat = stock.fields_read[sku] or call("HGETALL", sku_prefix .. sku)
    local known = stock.alone[sku]
    local changed = plain.numbers[sku] and take_over(sku)
    local are_sales_readable = true
    for i = 1, #flat, 2 do
      local field = flat[i]
      if byte(field) == 42 then -- "*" begins the name of a sale, and no warehouse's
        are_sales_readable = sales.read(sku, sub(field, 2), flat[i + 1]) and are_sales_readable
      else
        warehouses[field] = known and known[field] or read_item(sku, field, flat[i + 1])
      end
    end
    if changed then
      warehouses[changed.warehouse] = changed
    end
    if known then
      for warehouse, item in pairs(known) do
        warehouses[warehouse] = item or nil -- also one that was made since
      end
    end
    if not are_sales_readable then
      for _, item in pairs(warehouses) do
        item.is_broken = true
      end
    end
    stock.by_sku[sku] = warehouses
  end
  return warehouses
end

local function item_at(line)
  return warehouses_of(line.sku)[line.warehouse]
end

-- The item of a line without the rest of its SKU, which may be hundreds of items: goods move in one warehouse.
local function item_alone(line)
  local items = stock.by_sku[line.sku] or plain.numbers[line.sku] and warehouses_of(line.sku) or stock.alone[line.sku]
  if not items then
    items = {}
    stock.alone[line.sku] = items
  end
  local item = items[line.warehouse]
  if item == nil and not stock.by_sku[line.sku] then
    local value = call("HGET", sku_prefix .. line.sku, line.warehouse)
    item = value and read_item(line.sku, line.warehouse, value)
    items[line.warehouse] = item
  end
  return item or nil
end

-- The same; made where there is none yet.
local function item_to_fill(line)
  local item = item_alone(line)
  if not item then
    item = read_item(line.sku, line.warehouse, "0 0 0 0 0 0 0")
    local items = stock.by_sku[line.sku] or stock.alone[line.sku]
    items[line.warehouse] = item
    stock.items_made = stock.items_made + 1
  end
  return item
end

-- The only place where the figures of an Item change. Versions have no gaps: one for each of the `events`, one by default.
local function change(item, total, available, reserved, sold, events)
  item.total = item.total + total
  item.available = item.available + available
  item.reserved = item.reserved + reserved
  item.sold = item.sold + sold
  item.version = item.version + (events or 1)
  if not item.is_changed then
    mark_changed(item)
  end
end

-- BR-005: alerts once when available falls below the safety stock; armed again when it is back.
local function watch_stock(item, actor)
  if item.available >= item.safety_stock then
    item.is_low = false
  elseif not item.is_low then
    item.is_low = true
    change(item, 0, 0, 0, 0)
    emit(format("LowStockAlertTriggered - %s %s=%d %d", actor, item.name, item.available, item.safety_stock))
  end
end

-- BR-007: how a refusal names an item under a stocktake.
local function locked_text(item)
  return item.name .. "=" .. item.stocktake .. ":" .. digits(item.locked_until_ms)
end

stock.read_item, stock.write_item = read_item, write_item
stock.warehouses_of, stock.item_at = warehouses_of, item_at
stock.item_alone, stock.item_to_fill = item_alone, item_to_fill
stock.change, stock.watch_stock, stock.locked_text = change, watch_stock, locked_text

-- Texts of lines and of what an order asks. Twin: src/domain/lines.ts.

---@class Line
---@field sku string
---@field warehouse string "*" where any will do
---@field quantity integer units

local lines_read = {} -- text -> Line[] or false; texts repeat within a batch

local ids_read = {} -- text -> whether it is an id; warehouses and actors repeat within a batch

-- Whether a text can be an escaped id. What it means was checked in TypeScript.
local function is_id(text)
  local is_one = ids_read[text]
  if is_one == nil then
    is_one = #text <= CONST.ID_ESCAPED_BYTES_MAX and string.find(text, "^[%w%%][%w%%._:%-]*$") ~= nil
    ids_read[text] = is_one
  end
  return is_one
end

-- A number from 1 to the maximum, or nil.
local function read_number(text, number_max)
  local number = #text <= 10 and tonumber(text) or 0
  return number >= 1 and number <= number_max and number or nil
end

-- "sku@warehouse=quantity,..." as a list that also says whether some lines name no warehouse; nil for anything else.
local function read_lines(text)
  local lines = lines_read[text]
  if lines ~= nil then
    return lines or nil
  end
  lines_read[text] = false
  lines = { has_unpinned = false }
  local count, from = 0, 1
  repeat
    local sku, warehouse, quantity, to =
      match(text, "^([%w%%][%w%%._:%-]*)@([%w%%*][%w%%._:%-]*)=(%d+)()", from)
    local number = sku and count < CONST.LINES_MAX and read_number(quantity, CONST.QUANTITY_MAX)
    if not number or #sku > CONST.ID_ESCAPED_BYTES_MAX or #warehouse > CONST.ID_ESCAPED_BYTES_MAX then
      return nil
    elseif byte(warehouse) == 42 then -- "*"
      if warehouse ~= "*" then
        return nil
      end
      lines.has_unpinned = true
    end
    count = count + 1
    lines[count] = { sku = sku, warehouse = warehouse, quantity = number }
    from = to + 1
  until byte(text, to) ~= 44 -- ","
  if from ~= #text + 2 then
    return nil
  end
  lines_read[text] = lines
  return lines
end

local function write_lines(lines)
  local parts = {}
  for i, line in ipairs(lines) do
    parts[i] = format("%s@%s=%d", line.sku, line.warehouse, line.quantity)
  end
  return table.concat(parts, ",")
end

-- The end of a request's fingerprint, which begins with its hold and lines.
local function fingerprint_end(customer, sale)
  local text = customer and ";c=" .. customer or ""
  return sale and text .. ";s=" .. sale or text
end

codec.is_id, codec.read_number = is_id, read_number
codec.read_lines, codec.write_lines, codec.fingerprint_end = read_lines, write_lines, fingerprint_end

elseif group == "reserve" then
-- [@]reserve lines hold_ms actor candidates|- sale|- single|split: holds stock for an order, all lines or none (BR-001,
-- BR-002, BR-006). Twin: reserve in src/model/orders.ts. Checked in this order: repeat, ledger, sale, stock (plan.lua).
-- "@": the order has a customer, which is in ARGV. Answers: reservation[\nskipped] (without customer and sale, which the
-- caller knows) | REPLAYED reservation | REFUSED order-conflict | ledger-backlog | unknown-sale | sale-not-open ms |
-- sale-closed ms | customer-required | purchase-limit-exceeded limit held bought | unknown-item items | quarantined items |
-- stocktake-in-progress item=stocktake:until,... | insufficient-stock sku@warehouse=requested:available,...

local RESERVED = "InventoryReserved "

---@class Order: Command
---@field lines Line[] as asked
---@field lines_text string
---@field terms Terms
---@field run_plan OrderPlan|true|false how the last order with this text was served; true: as its lines say, if they can
---@field in_sale { sale: Sale|nil, units: integer, made: integer }|false the sale it takes part in

---@class OrderPlan What orders with the same text come to when they are served from the same items.
---@field items Item[]
---@field lines Line[] one for each of the items
---@field lines_text string
---@field value string the record without a customer
---@field answer string
---@field event_end string
---@field until_text string when such a record may vanish
---@field due_ids string[] of the deadline of such a hold
---@field served_at integer the last command of the batch that was served so
---@field is_lasting boolean served so whenever the items have enough, whatever other commands do
---@field items_made integer stock.items_made when it was made
---@field customer_parts table|false start, middle and tail of the record around a customer

-- The fingerprint of what this order asks for (BR-006).
local function fingerprint_of(command, customer)
  local terms = command.terms
  return terms.hold_text .. ";" .. command.lines_text .. codec.fingerprint_end(customer, terms.sale)
    .. (terms.splits and command.lines.has_unpinned and ";split" or "")
end

local function new_plan(command, lines, skipped)
  local terms, sale = command.terms, command.terms.sale
  local lines_text = lines == command.lines and command.lines_text or codec.write_lines(lines)
  local is_as_asked = lines_text == command.lines_text
  local value = terms.record_start .. lines_text
  local answer = value
  if not is_as_asked then
    answer = value .. " " .. terms.hold_text .. ";" .. command.lines_text .. " - -"
    value = value .. " " .. fingerprint_of(command, nil) .. " - -" .. (sale and " - " .. sale or "")
  elseif sale then
    value = value .. " - - - - " .. sale
  end
  local items = {}
  for i = 1, #lines do
    items[i] = stock.item_at(lines[i])
  end
  return {
    items = items,
    lines = lines,
    lines_text = lines_text,
    value = value,
    answer = #skipped > 0 and answer .. "\n" .. table.concat(skipped, ",") or answer,
    event_end = " " .. terms.actor .. " " .. lines_text .. " " .. terms.hold_text
      .. (is_as_asked and " - " or " " .. command.lines_text .. " ") .. (sale or "-")
      .. (terms.splits and command.lines.has_unpinned and " split" or " -"),
    until_text = plain.until_text(terms),
    due_ids = due_at(now_ms + terms.hold_ms),
    served_at = at,
    -- Without a warehouse named, only a single line that the first warehouse serves whole is sure to be served so again.
    is_lasting = not command.lines.has_unpinned or (#skipped == 0 and #command.lines == 1 and #lines == 1),
    items_made = stock.items_made,
    customer_parts = false,
  }
end

-- The record of a hold for this customer: start .. customer .. middle .. customer .. tail, or without the middle.
local function value_for(command, plan, customer)
  local parts = plan.customer_parts
  if not parts then
    local terms = command.terms
    local value = terms.record_start .. plan.lines_text
    parts = { tail = " " .. (terms.sale or "-") }
    if plan.lines_text == command.lines_text then
      parts.start = value .. " - - - "
    else
      parts.start = value .. " " .. terms.hold_text .. ";" .. command.lines_text .. ";c="
      parts.middle = codec.fingerprint_end(nil, terms.sale) .. (terms.splits and ";split" or "") .. " - - "
    end
    plan.customer_parts = parts
  end
  if parts.middle then
    return parts.start .. customer .. parts.middle .. customer .. parts.tail
  end
  return parts.start .. customer .. parts.tail
end

-- The plan of an order that names all warehouses; nil where an item is unknown.
local function named_plan(command)
  for i = 1, #command.lines do
    if not stock.item_at(command.lines[i]) then
      return nil
    end
  end
  return new_plan(command, command.lines, {})
end

-- The sale an order takes part in and the units it takes there. Found once, until another sale is made.
local function sale_of(command)
  local in_sale = command.in_sale
  if not in_sale or in_sale.made ~= sales.made then
    local sale, units = sales.find_in_lines(command.terms.sale, command.lines)
    in_sale = { sale = sale, units = units, made = sales.made }
    command.in_sale = in_sale
  end
  return in_sale.sale, in_sale.units
end

-- Takes the stock of so many orders from the items of their plan.
local function take(plan, count)
  for i = 1, #plan.items do
    local units = count * plan.lines[i].quantity
    stock.change(plan.items[i], 0, -units, units, 0, count)
  end
end

-- A reserve for an order that has a record: the first answer again, with the reservation as it is now, so that nobody takes
-- an ended hold for an open one; or a conflict where something else was asked.
local function repeat_reserve(command, key, order_id, value, customer)
  local reservation = reservations.read(value)
  if not reservation then
    return UNREADABLE
  elseif reservation.fingerprint ~= fingerprint_of(command, customer) then
    return "REFUSED order-conflict"
  end
  reservations.expire_when_due(key, order_id, reservation)
  return "REPLAYED " .. (values[key] or value)
end

local function reserve(command, key, order_id, value, customer)
  if value then
    return repeat_reserve(command, key, order_id, value, customer)
  elseif backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  local sale, units
  if command.terms.sale then
    sale, units = sale_of(command)
    local refusal = sales.refuse(sale, units, customer)
    if refusal then
      return refusal
    end
  end
  local lines, refusal, skipped = allocation.plan_lines(command, sale)
  if not lines then
    return refusal
  end
  local plan = new_plan(command, lines, skipped)
  command.run_plan = plan
  take(plan, 1)
  if sale then
    sales.count_held(sale, units, customer)
  end
  stage_set(key, customer and value_for(command, plan, customer) or plan.value, plan.until_text)
  plan.due_ids[#plan.due_ids + 1] = order_id
  emit_of_run(RESERVED, customer and order_id .. "@" .. customer or order_id, plan.event_end)
  for i = 1, #plan.items do
    stock.watch_stock(plan.items[i], command.terms.actor)
  end
  return plan.answer
end

-- How many more orders can be served as the plan says without anything else to decide: the items have enough, are neither
-- locked nor quarantined, leave what sales set aside, and do not fall below their safety stock (BR-005).
local function orders_within(plan, sale, units)
  local count = CONST.QUANTITY_MAX
  for i = 1, #plan.items do
    local item, quantity = plan.items[i], plan.lines[i].quantity
    if item.is_broken or item.stocktake then
      return 0
    end
    local room = item.available - (item.is_low and 0 or item.safety_stock)
    count = min(count, math.floor(room / quantity))
    if sales.by_sku[item.sku] then
      count = #plan.items == 1 and min(count, sales.orders_within(item, room, quantity, sale, units)) or 0
    end
  end
  return count
end

-- Fast path: orders with the text of one that was served, or that name all warehouses. Only what differs from order to order is
-- done for each. In a sale with a limit each is counted to its customer, bought units included, and the first that exceeds it is
-- left to `reserve`.
---@type RunHandler
local function reserve_run(command, first, last, customers_before)
  local plan = command.run_plan
  if plan == true then
    plan = not backlog_is_full and named_plan(command) or false
    command.run_plan = plan
  end
  if not plan or not (plan.is_lasting or plan.served_at == first - 1) or plan.items_made ~= stock.items_made then
    return 0
  end
  local sale, units
  if command.in_sale then
    sale, units = command.in_sale.sale, command.in_sale.units
  end
  local has_limit = sale and sale.limit > 0
  last = min(last, first - 1 + orders_within(plan, sale, units))
  local due_ids, ids, customers = plan.due_ids, run_ids, sales.customers
  local due_count, ids_count = #due_ids, 0
  local value = plan.value
  local n = first
  while n <= last do
    local key = all_keys[KEYS_BEFORE + n]
    local customer = customers_before and customers[customers_before + 1 + n - first]
    if found_records[n] or values[key] or (has_limit and not sales.hold_for(customer, sale, units)) then
      break
    elseif n == first then
      open_run(RESERVED, plan.event_end)
      ids_count = run_count
    end
    local order_id = sub(key, id_start)
    n = n + 1
    due_ids[due_count + n - first] = order_id
    if customer then
      value = value_for(command, plan, customer)
      order_id = order_id .. "@" .. customer
    end
    values[key] = value
    ids[ids_count + n - first] = order_id
  end
  local count = n - first
  if count == 0 then
    return 0
  end
  take(plan, count)
  plan.served_at = n - 1
  if sale then
    sale.held = sale.held + count * units
  end
  return count, plan.until_text, not customers_before and value, plan.answer
end

run_handlers[reserve] = reserve_run

parsers["reserve"] = function(text)
  local lines_text, terms_text = match(text, "^reserve (%S+) (.+)$")
  local lines = lines_text and codec.read_lines(lines_text)
  local terms = lines and plain.terms(terms_text)
  return terms and {
    run = reserve,
    lines = lines,
    lines_text = lines_text,
    terms = terms,
    run_plan = not terms.sale and not lines.has_unpinned,
    in_sale = false,
  } or nil
end

elseif group == "allocation" then
-- Which warehouse serves a line that names none. Twin: src/model/allocation.ts.
-- The caller says in which order warehouses are tried, nearest first; the others come last, by name. Warehouses under a
-- stocktake are skipped (BR-007).

-- Warehouses to try for these lines: the candidates, then all others that carry one of the lines.
local function warehouses_in_order(candidates, lines)
  local order, seen = {}, {}
  for warehouse in string.gmatch(candidates, "[^,]+") do
    if warehouse ~= "-" and not seen[warehouse] then
      seen[warehouse] = true
      order[#order + 1] = warehouse
    end
  end
  local others = {}
  for _, line in ipairs(lines) do
    for warehouse in pairs(stock.warehouses_of(line.sku)) do
      if not seen[warehouse] then
        seen[warehouse] = true
        others[#others + 1] = warehouse
      end
    end
  end
  table.sort(others, is_before)
  for _, warehouse in ipairs(others) do
    order[#order + 1] = warehouse
  end
  return order
end

-- How much of an item is left for a line when other lines of the order have taken theirs; where that may be too little, why;
-- and how much it would be without a lock.
local function left_of(sku, warehouse, taken)
  local item = stock.warehouses_of(sku)[warehouse]
  if not item or item.is_broken then
    return 0, nil, 0
  end
  local left = item.available - (taken[item.name] or 0)
  if item.stocktake then
    return 0, "locked", left
  end
  return left, "short", left
end

local function skip(skipped, sku, warehouse, reason)
  if reason and #skipped < CONST.SKIPPED_MAX then
    skipped[#skipped + 1] = sku .. "@" .. warehouse .. "=" .. reason
  end
end

-- One warehouse for all lines, or nil; those before it are skipped for their first line that they cannot serve.
local function serve_whole(lines, order, taken)
  local skipped = {}
  for _, warehouse in ipairs(order) do
    local serves = true
    for _, line in ipairs(lines) do
      local left, reason = left_of(line.sku, warehouse, taken)
      if left < line.quantity then
        serves = false
        skip(skipped, line.sku, warehouse, reason)
        break
      end
    end
    if serves then
      local served = {}
      for i, line in ipairs(lines) do
        served[i] = { sku = line.sku, warehouse = warehouse, quantity = line.quantity }
      end
      return served, skipped
    end
  end
  return nil
end

-- Whether the line could be served if nothing were locked: only if not, the refusal is about stock.
local function is_waiting_enough(line, order, taken, is_split)
  local most, sum = 0, 0
  for _, warehouse in ipairs(order) do
    local _, _, left = left_of(line.sku, warehouse, taken)
    most, sum = math.max(most, left), sum + math.max(0, left)
  end
  return (is_split and sum or most) >= line.quantity
end

-- Gives each of `lines` (one per SKU, no warehouse named) a warehouse, or several of them where the order may be split.
-- `taken`: what the order takes already, by item name. Returns lines with a warehouse, the texts of what is short, the texts
-- of locked items in the way, and the warehouses skipped as "sku@warehouse=reason".
local function allocate(lines, order, taken, is_split)
  if not is_split then
    local served, skipped = serve_whole(lines, order, taken)
    if served then
      return served, {}, {}, skipped
    end
  end
  local served, short, locked, skipped = {}, {}, {}, {}
  for _, line in ipairs(lines) do
    local remaining, most, from = line.quantity, 0, #served
    for _, warehouse in ipairs(order) do
      local left, reason = left_of(line.sku, warehouse, taken)
      most = is_split and most + math.max(0, left) or math.max(most, left)
      local take = is_split and min(remaining, math.max(0, left)) or (left >= remaining and remaining or 0)
      if take > 0 then
        served[#served + 1] = { sku = line.sku, warehouse = warehouse, quantity = take }
        remaining = remaining - take
      else
        skip(skipped, line.sku, warehouse, reason)
      end
      if remaining == 0 then
        break
      end
    end
    if remaining > 0 then
      for i = #served, from + 1, -1 do
        served[i] = nil
      end
      if is_waiting_enough(line, order, taken, is_split) then
        for _, warehouse in ipairs(order) do
          local item = stock.warehouses_of(line.sku)[warehouse]
          if item and not item.is_broken and item.stocktake and item.available > 0 then
            locked[#locked + 1] = stock.locked_text(item)
          end
        end
      else
        short[#short + 1] = format("%s@*=%d:%d", line.sku, line.quantity, most)
      end
    end
  end
  return served, short, locked, skipped
end

-- The decision about an order's stock: the lines it would hold, each with a warehouse. Twin: src/model/plan.ts.
-- Checked in this order: unknown, quarantined, stocktake (BR-007), stock (BR-001, BR-002), what sales leave.

-- Adds up lines of the same item after allocation, sorted by item, so that an item is changed once.
local function merge_lines(lines)
  local by_name, names = {}, {}
  for _, line in ipairs(lines) do
    local name = line.sku .. "@" .. line.warehouse
    if by_name[name] then
      by_name[name].quantity = by_name[name].quantity + line.quantity
    else
      by_name[name] = { sku = line.sku, warehouse = line.warehouse, quantity = line.quantity }
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b)
    local left, right = by_name[a], by_name[b]
    if left.sku ~= right.sku then
      return is_before(left.sku, right.sku)
    end
    return is_before(left.warehouse, right.warehouse)
  end)
  local merged = {}
  for i, name in ipairs(names) do
    merged[i] = by_name[name]
  end
  return merged
end

-- Adds to `short` what is short once sales have set theirs aside. `asked`: units by SKU.
local function add_set_aside(lines, asked, sale, short)
  for i, text in ipairs(short) do
    local start, sku, available = match(text, "^(([^@]+)@.+:)(%d+)$")
    asked[sku] = nil
    if sales.by_sku[sku] then
      local left = sales.open_to(sku, sale and sale.sku == sku and sale or nil)
      short[i] = start .. digits(min(left, tonumber(available)))
    end
  end
  for _, line in ipairs(lines) do
    local units = asked[line.sku]
    asked[line.sku] = nil
    if units and sales.by_sku[line.sku] then
      local left = sales.open_to(line.sku, sale and sale.sku == line.sku and sale or nil)
      if left < units then
        short[#short + 1] = format("%s@*=%d:%d", line.sku, units, left)
      end
    end
  end
end

-- The lines an order would hold, nil, and the warehouses skipped; or nil and the refusal, which names every unknown,
-- quarantined, locked or short line. `sale`: the one it takes part in, if that is open to it.
function allocation.plan_lines(command, sale)
  local unknown, broken, locked, short, pinned, unpinned, taken, asked = {}, {}, {}, {}, {}, {}, {}, {}
  for _, line in ipairs(command.lines) do
    asked[line.sku] = (asked[line.sku] or 0) + line.quantity
    if line.warehouse == "*" then
      local is_known, is_sound = false, false
      for _, item in pairs(stock.warehouses_of(line.sku)) do
        is_known = true
        is_sound = is_sound or not item.is_broken
      end
      if is_sound then
        unpinned[#unpinned + 1] = line
      else
        local named = is_known and broken or unknown
        named[#named + 1] = line.sku .. "@*"
      end
    else
      local item = stock.item_at(line)
      if not item then
        unknown[#unknown + 1] = line.sku .. "@" .. line.warehouse
      elseif item.is_broken then
        broken[#broken + 1] = item.name
      elseif item.stocktake then
        locked[#locked + 1] = stock.locked_text(item)
      else
        pinned[#pinned + 1] = line
        taken[item.name] = line.quantity
        if item.available < line.quantity then
          short[#short + 1] = format("%s=%d:%d", item.name, line.quantity, item.available)
        end
      end
    end
  end
  if #unknown > 0 then
    return nil, "REFUSED unknown-item " .. table.concat(unknown, ",")
  end
  if #broken > 0 then
    return nil, "REFUSED quarantined " .. table.concat(broken, ",")
  end
  local skipped = {}
  if #unpinned > 0 then
    local served, unserved, in_the_way
    served, unserved, in_the_way, skipped =
      allocate(unpinned, warehouses_in_order(command.terms.candidates, unpinned), taken, command.terms.splits)
    for _, line in ipairs(served) do
      pinned[#pinned + 1] = line
    end
    for _, text in ipairs(unserved) do
      short[#short + 1] = text
    end
    for _, text in ipairs(in_the_way) do
      locked[#locked + 1] = text
    end
  end
  if #locked > 0 then
    return nil, "REFUSED stocktake-in-progress " .. table.concat(locked, ",")
  end
  add_set_aside(command.lines, asked, sale, short)
  if #short > 0 then
    return nil, "REFUSED insufficient-stock " .. table.concat(short, ",")
  end
  return #unpinned > 0 and merge_lines(pinned) or command.lines, nil, skipped
end

elseif group == "reservations" then
-- Reservations: their texts, and what every command about one needs. Twin: src/domain/reservation.ts.

---@class Reservation
---@field status "ACTIVE"|"CONFIRMED"|"RELEASED"|"EXPIRED"
---@field reserved_at string milliseconds
---@field expires_at_ms integer
---@field lines_text string what it holds or held, as its record says
---@field lines Line[]
---@field fingerprint string what was asked for (BR-006)
---@field resolved_at string|nil milliseconds
---@field operations string done to it, joined by ";"
---@field customer string|nil
---@field sale string|nil

-- "status reserved_at_ms held_for_ms lines [fingerprint resolved_at_ms operations [customer sale]]". With held_for_ms in
-- place of the deadline the fingerprint follows from the rest in most records, which then are this short.
-- Nil for a text that this program did not write: that reservation is left alone, and all others go on.
function reservations.read(value)
  local status, reserved_at, held_for, lines_text, rest = match(value, "^(%u+) (%d+) (%d+) (%S+)(.*)$")
  local lines = CONST.RESERVATION_STATUSES[status] and codec.read_lines(lines_text)
  if not lines then
    return nil
  end
  local reservation = {
    status = status,
    reserved_at = reserved_at,
    expires_at_ms = tonumber(reserved_at) + tonumber(held_for),
    lines_text = lines_text,
    lines = lines,
    operations = "",
  }
  if rest ~= "" then
    local fingerprint, resolved_at, operations, buyer = match(rest, "^ (%S+) (%S+) (%S+)(.*)$")
    if not fingerprint then
      return nil
    end
    if buyer ~= "" then
      local customer, sale = match(buyer, "^ (%S+) (%S+)$")
      if not customer then
        return nil
      end
      reservation.customer, reservation.sale = given(customer), given(sale)
    end
    reservation.fingerprint, reservation.resolved_at = given(fingerprint), given(resolved_at)
    reservation.operations = given(operations) or ""
  end
  reservation.fingerprint = reservation.fingerprint
    or held_for .. ";" .. lines_text .. codec.fingerprint_end(reservation.customer, reservation.sale)
  return reservation
end

local function write_reservation(reservation)
  local held_for = digits(reservation.expires_at_ms - tonumber(reservation.reserved_at))
  local text = reservation.status .. " " .. reservation.reserved_at .. " " .. held_for .. " " .. reservation.lines_text
  local customer, sale = reservation.customer, reservation.sale
  local derived = held_for .. ";" .. reservation.lines_text .. codec.fingerprint_end(customer, sale)
  local fingerprint = reservation.fingerprint == derived and "-" or reservation.fingerprint
  local has_buyer = customer or sale
  if fingerprint == "-" and not reservation.resolved_at and reservation.operations == "" and not has_buyer then
    return text
  end
  local operations = reservation.operations == "" and "-" or reservation.operations
  text = text .. " " .. fingerprint .. " " .. (reservation.resolved_at or "-") .. " " .. operations
  return has_buyer and text .. " " .. (customer or "-") .. " " .. (sale or "-") or text
end

function reservations.remembers(reservation, operation)
  return string.find(";" .. reservation.operations .. ";", ";" .. operation .. ";", 1, true) ~= nil
end

function reservations.remember(reservation, operation)
  reservation.operations = reservation.operations == "" and operation or reservation.operations .. ";" .. operation
end

-- Writes a reservation back and returns its text. Its key lives until the tombstone time after it was resolved; of an open
-- one, after its deadline.
function reservations.stage(key, reservation)
  local last_ms = reservation.status == "ACTIVE" and reservation.expires_at_ms or now_ms
  local value = write_reservation(reservation)
  stage_set(key, value, digits(last_ms + tombstone_ms))
  return value
end

function reservations.resolve(reservation, status)
  reservation.status = status
  reservation.resolved_at = now_text
end

-- The items of some held lines; or nil and the refusal that names those which are to be left alone.
function reservations.items_of(lines)
  local items, broken = {}, {}
  for i, line in ipairs(lines) do
    local item = stock.item_at(line)
    if not item or item.is_broken or item.reserved < line.quantity then
      broken[#broken + 1] = line.sku .. "@" .. line.warehouse
    end
    items[i] = item
  end
  if #broken > 0 then
    return nil, "REFUSED quarantined " .. table.concat(broken, ",")
  end
  return items
end

-- The refusal where one of these lines is locked (BR-007); nil where none is.
function reservations.refuse_locked(lines)
  local locked = {}
  for _, line in ipairs(lines) do
    local item = stock.item_at(line)
    if item and item.stocktake then
      locked[#locked + 1] = stock.locked_text(item)
    end
  end
  return #locked > 0 and "REFUSED stocktake-in-progress " .. table.concat(locked, ",") or nil
end

-- Counts the units of these lines in the reservation's sale, if it has one: from one of its figures to another.
function reservations.count_in_sale(reservation, lines, from, to)
  if reservation.sale then
    local sale, units = sales.find_in_lines(reservation.sale, lines)
    if sale then
      sales.count_ended(sale, units, reservation.customer, from, to)
    end
  end
end

-- Returns what was not confirmed in time (BR-003) and ends locks whose lease ran out (BR-007).
-- Twin: InventoryState.returnDue in src/model. Stock returns for a record that is ACTIVE past its deadline, never for a key
-- that is gone.

-- BR-007: a hold that falls due while one of its items is locked, or right after, is extended: a few minutes at a time, and
-- past the end of the lock by the grace time. Locks whose deadline has passed end here.
local function outlive_locks(key, order_id, reservation, items)
  local lives_until_ms = 0
  for _, item in ipairs(items) do
    if item.stocktake then
      locks.lapse(item.name, now_ms)
    end
    local until_ms = item.locked_until_ms or 0
    if item.stocktake then
      until_ms = min(until_ms, now_ms + CONST.STOCKTAKE_EXTENSION_MS) + CONST.STOCKTAKE_GRACE_MS
    end
    lives_until_ms = math.max(lives_until_ms, until_ms)
  end
  if lives_until_ms <= now_ms then
    return false
  end
  reservation.expires_at_ms = lives_until_ms
  for _, item in ipairs(items) do
    stock.change(item, 0, 0, 0, 0)
  end
  watch_deadline(order_id, reservation.expires_at_ms)
  emit("ReservationExtended " .. order_id .. " clock " .. reservation.lines_text .. " " .. digits(reservation.expires_at_ms))
  reservations.stage(key, reservation)
  return true
end

-- Returns the hold if it is due. False only where it is due and its items are to be left alone.
function reservations.expire_when_due(key, order_id, reservation)
  if reservation.status ~= "ACTIVE" or reservation.expires_at_ms > due_ms then
    return true
  end
  local items = reservations.items_of(reservation.lines)
  if not items then
    return false
  end
  if outlive_locks(key, order_id, reservation, items) then
    return true
  end
  for i, line in ipairs(reservation.lines) do
    stock.change(items[i], 0, line.quantity, -line.quantity, 0)
  end
  reservations.count_in_sale(reservation, reservation.lines, "held", "expired")
  reservations.resolve(reservation, "EXPIRED")
  reservations.stage(key, reservation)
  emit("InventoryReleased " .. order_id .. " clock " .. reservation.lines_text .. " expired -")
  for _, item in ipairs(items) do
    stock.watch_stock(item, "clock")
  end
  return true
end

-- Looks at up to `ids_max` ids in these entries of the index. Returns whether more may be due.
function reservations.return_due(entries, ids_max)
  local ids, keys, left, scores = {}, {}, {}, {}
  for i = 1, #entries, 2 do
    if #ids >= ids_max then
      break
    end
    local entry, score_ms = entries[i], tonumber(entries[i + 1])
    reservations.returned[#reservations.returned + 1] = entry
    local is_name = true -- the first word only makes the entry unique
    for word in string.gmatch(entry, "%S+") do
      if is_name then
        is_name = false
      elseif #ids < ids_max then
        ids[#ids + 1] = word
        keys[#keys + 1] = reservation_prefix .. word -- an item's name has no such record
        scores[#scores + 1] = score_ms
      else
        left[#left + 1] = word
      end
    end
  end
  if #ids == 0 then
    return #entries > 0
  end
  local texts = call("MGET", unpack(keys))
  for i, id in ipairs(ids) do
    local key = keys[i]
    if string.find(id, "@", 1, true) then
      locks.lapse(id, scores[i])
    end
    local value = values[key]
    if value == nil then
      value = texts[i]
    end
    local reservation = value and reservations.read(value)
    if value and not reservation then
      watch_deadline(id, now_ms + POSTPONE_MS)
    elseif value and reservation.expires_at_ms <= scores[i] then
      -- A hold that was extended is in a later entry too, and is due with that one.
      if not reservations.expire_when_due(key, id, reservation) then
        watch_deadline(id, now_ms + POSTPONE_MS)
      end
    end
  end
  for _, id in ipairs(left) do
    watch_deadline(id, now_ms)
  end
  return #left > 0 or #reservations.returned * 2 < #entries or #entries == 2 * ENTRIES_MAX
end

elseif group == "confirm"
  or group == "release"
  or group == "extend" then
-- What confirm, release and extend share: the open reservation a command is about, the part of it that is named, and the fast
-- path for runs of orders that end as a whole. Twin: openReservation in src/model/orders.ts, splitLines in reservation.ts.

---@class Resolve: Command Of confirm and release.
---@field parts { sku: string, quantity: integer }[]|nil what is named of the reservation; nil: all of it
---@field operation string how the reservation remembers it
---@field actor string
---@field status string "CONFIRMED " or "RELEASED "
---@field sells boolean its units are sold; else they are available again
---@field event_type string
---@field event_tail string of its event, after the lines
---@field run_plan table<string, ResolvePlan|false>|false by the record of an open order without its first 20 bytes

-- "sku=quantity,..." as a list, or nil where the text is anything else.
local function read_parts(text)
  local parts, texts = {}, {}
  for sku, quantity in string.gmatch(text, "([^@,=]+)=(%d+)") do
    local number = codec.read_number(quantity, CONST.QUANTITY_MAX)
    if not number or not codec.is_id(sku) then
      return nil
    end
    parts[#parts + 1] = { sku = sku, quantity = number }
    texts[#texts + 1] = sku .. "=" .. quantity
  end
  if #parts == 0 or #parts > CONST.LINES_MAX or table.concat(texts, ",") ~= text then
    return nil
  end
  return parts
end

-- Splits what is held into the named part and the rest, in the order of the lines; or nil and the refusal where more is named
-- than held.
local function split_lines(lines, parts)
  local held = {}
  for _, line in ipairs(lines) do
    held[line.sku] = (held[line.sku] or 0) + line.quantity
  end
  local wanted, excess = {}, {}
  for _, part in ipairs(parts) do
    wanted[part.sku] = part.quantity
    if part.quantity > (held[part.sku] or 0) then
      excess[#excess + 1] = format("%s=%d:%d", part.sku, part.quantity, held[part.sku] or 0)
    end
  end
  if #excess > 0 then
    return nil, "REFUSED exceeds-reservation " .. table.concat(excess, ",")
  end
  local named, rest = {}, {}
  for _, line in ipairs(lines) do
    local take = min(line.quantity, wanted[line.sku] or 0)
    if take > 0 then
      wanted[line.sku] = wanted[line.sku] - take
      named[#named + 1] = { sku = line.sku, warehouse = line.warehouse, quantity = take }
    end
    if take < line.quantity then
      rest[#rest + 1] = { sku = line.sku, warehouse = line.warehouse, quantity = line.quantity - take }
    end
  end
  return named, rest
end

local function refuse_resolved(status, value)
  if status == "CONFIRMED" then
    return "REFUSED already-confirmed " .. value
  elseif status == "RELEASED" then
    return "REFUSED already-released " .. value
  end
  return "REFUSED reservation-expired " .. value
end

-- The reservation this command is about, open and with sound items; or nil, the answer, and the reservation where it is
-- resolved already.
local function open_reservation(command, key, order_id, value)
  if not value then
    return nil, "REFUSED unknown-reservation"
  end
  local reservation = reservations.read(value)
  if not reservation then
    return nil, UNREADABLE
  end
  if command.operation and reservations.remembers(reservation, command.operation) then
    return nil, "REPLAYED " .. value
  end
  reservations.expire_when_due(key, order_id, reservation)
  if reservation.status ~= "ACTIVE" then
    return nil, refuse_resolved(reservation.status, values[key] or value), reservation
  end
  local items, refusal = reservations.items_of(reservation.lines)
  if not items then
    return nil, refusal
  end
  return reservation
end

-- What a command names of a reservation, and the rest; or nil and the refusal.
local function parts_of(command, lines)
  if command.parts then
    return split_lines(lines, command.parts)
  end
  return lines, {}
end

---@class ResolvePlan What orders come to that were reserved with equal lines and hold and end as a whole.
---@field hold_ms integer
---@field lines Line[]
---@field items Item[]
---@field record_end string of the record afterwards, after status and time
---@field event_end string
---@field records table<string, string>|false the record afterwards, by the time it was reserved at

-- Most orders end as a whole, and nothing but "ACTIVE reserved_at hold lines" is known of them: then all with the same `rest`,
-- hold and lines, come to the same. False for any other record.
local function plan_for(command, value, rest)
  local plan = command.run_plan[rest]
  if plan == nil then
    local reservation = match(rest, "^ %d+ %S+$") and reservations.read(value)
    local items = reservation and reservations.items_of(reservation.lines)
    plan = items and {
      hold_ms = reservation.expires_at_ms - tonumber(reservation.reserved_at),
      lines = reservation.lines,
      items = items,
      record_end = rest .. " - " .. now_text .. " " .. command.operation,
      event_end = " " .. command.actor .. " " .. reservation.lines_text .. command.event_tail,
      records = false,
    } or false
    command.run_plan[rest] = plan
  end
  return plan
end

-- How many orders of a plan its items allow to end.
local function orders_to_end(plan)
  local count = CONST.QUANTITY_MAX
  for i = 1, #plan.items do
    local item = plan.items[i]
    if item.is_broken or item.stocktake then
      return 0
    end
    count = min(count, math.floor(item.reserved / plan.lines[i].quantity))
  end
  return count
end

-- Takes the units of so many orders from reserved to where the command brings them.
local function resolve_units(command, plan, count)
  for i = 1, #plan.items do
    local item, units = plan.items[i], count * plan.lines[i].quantity
    stock.change(item, 0, command.sells and 0 or units, -units, command.sells and units or 0, count)
    if item.is_low and not command.sells then
      stock.watch_stock(item, command.actor) -- may end an alert and can give none
    end
  end
end

local resolved_until_text
-- When the record of an order that is resolved now may vanish, in digits.
local function resolved_until()
  resolved_until_text = resolved_until_text or digits(now_ms + tombstone_ms)
  return resolved_until_text
end

-- Fast path: payments, or cancellations, of orders with equal lines and hold that are open and not due.
---@type RunHandler
local function resolve_run(command, first, last)
  local value = found_records[first]
  if not value or sub(value, 1, 7) ~= "ACTIVE " then
    return 0
  end
  local rest = sub(value, 21) -- after "ACTIVE" and 13 digits of milliseconds, which last until 2286
  local plan = plan_for(command, value, rest)
  if not plan then
    return 0
  end
  last = min(last, first - 1 + orders_to_end(plan))
  local records = plan.records
  local ids, ids_count = run_ids, 0
  local n = first
  while n <= last do
    local key = all_keys[KEYS_BEFORE + n]
    if n > first then
      value = found_records[n]
      if not value or sub(value, 21) ~= rest or sub(value, 1, 7) ~= "ACTIVE " then
        break
      end
    end
    local reserved_at = sub(value, 8, 20)
    local record = records and records[reserved_at]
    if values[key] ~= nil then
      break
    elseif not record then
      local reserved_at_ms = tonumber(reserved_at)
      if not reserved_at_ms or reserved_at_ms + plan.hold_ms <= due_ms then
        break
      end
      record = command.status .. reserved_at .. plan.record_end
      if n > first then -- several have this plan
        records = records or {}
        plan.records = records
        records[reserved_at] = record
      end
    end
    if n == first then
      open_run(command.event_type, plan.event_end)
      ids_count = run_count
    end
    n = n + 1
    values[key] = record
    ids[ids_count + n - first] = sub(key, id_start)
  end
  local count = n - first
  if count > 0 then
    resolve_units(command, plan, count)
  end
  return count, resolved_until()
end


-- A payment that came too late takes the stock again, in the same step, or is filed for people to resolve.
-- Twin: reacquire in src/model/orders.ts.
-- Answers: DONE reservation | REFUSED paid-but-short sku@warehouse=requested:available,... |
-- stocktake-in-progress items | quarantined items | exceeds-reservation ...
-- The hold of an expired order is gone, so it competes with all others, but what its sale and its customer were granted when it
-- was made stays granted.

-- The lines to take: in the warehouses that held them if they can, else, where the order named no warehouse, in any that can.
-- Nil and the refusal where none can.
local function plan_again(reservation, lines, sale)
  local plan = { lines = lines, terms = { candidates = "-" } }
  local planned, refusal = allocation.plan_lines(plan, sale)
  if planned then
    return planned
  end
  local asked = {}
  for _, line in ipairs(codec.read_lines(match(reservation.fingerprint, "^%d+;([^;]+)"))) do
    asked[line.sku .. "@" .. line.warehouse] = true
  end
  local wanted, units = {}, {}
  for _, line in ipairs(lines) do
    if not asked[line.sku .. "@*"] then
      wanted[#wanted + 1] = line
    elseif units[line.sku] then
      units[line.sku].quantity = units[line.sku].quantity + line.quantity
    else
      units[line.sku] = { sku = line.sku, warehouse = "*", quantity = line.quantity }
      wanted[#wanted + 1] = units[line.sku]
    end
  end
  if not next(units) then
    return nil, refusal
  end
  plan.lines, plan.terms.splits = wanted, string.find(reservation.fingerprint, ";split$") ~= nil
  return allocation.plan_lines(plan, sale)
end

-- Tells people once: the operation stays on the reservation.
local function file_short(key, order_id, reservation, lines, actor)
  if reservations.remembers(reservation, CONST.SHORT_OPERATION) then
    return
  end
  for _, line in ipairs(lines) do
    stock.change(stock.item_at(line), 0, 0, 0, 0)
  end
  emit("PaymentCameShort " .. order_id .. " " .. actor .. " " .. codec.write_lines(lines))
  reservations.remember(reservation, CONST.SHORT_OPERATION)
  reservations.stage(key, reservation)
end

local function reacquire(command, key, order_id, reservation)
  local lines, excess = parts_of(command, reservation.lines)
  if not lines then
    return excess
  end
  for _, line in ipairs(lines) do
    local item = stock.item_at(line)
    if not item or item.is_broken then
      return "REFUSED quarantined " .. line.sku .. "@" .. line.warehouse
    end
  end
  local sale, units = nil, 0
  if reservation.sale then
    sale, units = sales.find_in_lines(reservation.sale, lines)
  end
  -- A sale that has closed or sold out since sets nothing aside for this order.
  local planned, refusal = plan_again(reservation, lines, sale and sales.left_in(sale) >= units and sale or nil)
  if not planned then
    local short = match(refusal, "^REFUSED insufficient%-stock (.+)$")
    if not short then
      return refusal
    end
    file_short(key, order_id, reservation, lines, command.actor)
    return "REFUSED paid-but-short " .. short
  end
  for _, line in ipairs(planned) do
    stock.change(stock.item_at(line), 0, -line.quantity, 0, line.quantity)
  end
  if sale then
    sales.count_ended(sale, units, reservation.customer, "expired", "sold")
  end
  reservation.lines_text = codec.write_lines(planned)
  emit("InventoryReacquired " .. order_id .. " " .. command.actor .. " " .. reservation.lines_text .. " " .. command.operation)
  for _, line in ipairs(planned) do
    stock.watch_stock(stock.item_at(line), command.actor)
  end
  reservations.resolve(reservation, "CONFIRMED")
  reservations.remember(reservation, command.operation)
  return "DONE " .. reservations.stage(key, reservation)
end

-- confirm parts|* actor reacquire|- warehouse|-: a payment turns held units into sold ones; what a partial confirm leaves over
-- returns at once. The ledger proposes transfers to the named warehouse from others that serve the order.
-- Twin: confirm in src/model/orders.ts.
-- Answers: DONE reservation | reservation | REPLAYED reservation | REFUSED unknown-reservation |
-- already-confirmed reservation | already-released reservation | reservation-expired reservation |
-- exceeds-reservation sku=requested:held,... | stocktake-in-progress items | quarantined items; late ones also
-- paid-but-short as reserve's insufficient-stock.

local function confirm(command, key, order_id, value)
  local reservation, answer, settled = open_reservation(command, key, order_id, value)
  if not reservation then
    if settled and settled.status == "EXPIRED" and command.reacquires then
      return reacquire(command, key, order_id, settled)
    end
    return answer
  end
  local sold, rest = parts_of(command, reservation.lines)
  if not sold then
    return rest
  end
  local refusal = reservations.refuse_locked(reservation.lines)
  if refusal then
    return refusal
  end
  for _, line in ipairs(sold) do
    stock.change(stock.item_at(line), 0, 0, -line.quantity, line.quantity)
  end
  reservations.count_in_sale(reservation, sold, "held", "sold")
  if #rest > 0 then
    reservation.lines_text = codec.write_lines(sold)
  end
  emit("InventoryDeducted " .. order_id .. " " .. command.actor .. " " .. reservation.lines_text .. " "
    .. command.operation .. " " .. command.propose)
  if #rest > 0 then
    for _, line in ipairs(rest) do
      stock.change(stock.item_at(line), 0, line.quantity, -line.quantity, 0)
    end
    reservations.count_in_sale(reservation, rest, "held", "released")
    emit("InventoryReleased " .. order_id .. " " .. command.actor .. " " .. codec.write_lines(rest) .. " remainder -")
    for _, line in ipairs(rest) do
      stock.watch_stock(stock.item_at(line), command.actor)
    end
  end
  reservations.resolve(reservation, "CONFIRMED")
  reservations.remember(reservation, command.operation)
  return "DONE " .. reservations.stage(key, reservation)
end

run_handlers[confirm] = resolve_run

parsers["confirm"] = function(text)
  local parts_text, actor, if_late, propose = match(text, "^confirm (%S+) (%S+) (%S+) (%S+)$")
  local parts = parts_text and parts_text ~= "*" and read_parts(parts_text) or nil
  if not parts_text or (parts_text ~= "*" and not parts) or not codec.is_id(actor)
    or (if_late ~= "-" and if_late ~= "reacquire") then
    return nil
  end
  local operation = "c" .. parts_text
  return {
    run = confirm,
    parts = parts,
    run_plan = not parts and {},
    sells = true,
    status = "CONFIRMED ",
    event_type = "InventoryDeducted ",
    event_tail = " " .. operation .. " " .. propose,
    actor = actor,
    operation = operation,
    reacquires = if_late == "reacquire",
    propose = propose,
  }
end

-- release parts|* operation actor: a cancellation returns all that is held, or a part while the rest stays held.
-- Twin: release in src/model/orders.ts. Answers: as confirm, and REFUSED too-many-partial-releases.

local function release(command, key, order_id, value)
  local reservation, answer, settled = open_reservation(command, key, order_id, value)
  if not reservation then
    if settled and settled.status == "RELEASED" and not command.parts then
      return "REPLAYED " .. (values[key] or value) -- all of it has returned already, whoever returned it
    end
    return answer
  end
  local returned, rest = parts_of(command, reservation.lines)
  if not returned then
    return rest
  end
  if command.parts then
    local _, separators = string.gsub(reservation.operations, ";", ";")
    if #rest > 0 and reservation.operations ~= "" and separators + 1 >= CONST.PARTIAL_RELEASES_MAX then
      return "REFUSED too-many-partial-releases"
    end
  end
  for _, line in ipairs(returned) do
    stock.change(stock.item_at(line), 0, line.quantity, -line.quantity, 0)
  end
  reservations.count_in_sale(reservation, returned, "held", "released")
  local returned_text = command.parts and codec.write_lines(returned) or reservation.lines_text
  emit("InventoryReleased " .. order_id .. " " .. command.actor .. " " .. returned_text .. " cancelled " .. command.operation)
  for _, line in ipairs(returned) do
    stock.watch_stock(stock.item_at(line), command.actor)
  end
  if #rest > 0 then
    reservation.lines_text = codec.write_lines(rest)
  else
    reservations.resolve(reservation, "RELEASED")
  end
  reservations.remember(reservation, command.operation)
  return "DONE " .. reservations.stage(key, reservation)
end

run_handlers[release] = resolve_run

parsers["release"] = function(text)
  local parts_text, operation, actor = match(text, "^release (%S+) (r%S+) (%S+)$")
  local parts = parts_text and parts_text ~= "*" and read_parts(parts_text) or nil
  if not parts_text or (parts_text ~= "*" and not parts) or not codec.is_id(actor) then
    return nil
  end
  return {
    run = release,
    parts = parts,
    run_plan = not parts and {},
    sells = false,
    status = "RELEASED ",
    event_type = "InventoryReleased ",
    event_tail = " cancelled " .. operation,
    actor = actor,
    operation = operation,
  }
end

-- extend hold_ms actor: a live hold lasts this long from now; it never gets shorter, and its life is capped (BR-003).
-- Twin: extend in src/model/orders.ts. Answers: as confirm, and REFUSED lifetime-exceeded latest_expires_at_ms.

local function extend(command, key, order_id, value)
  local reservation, answer = open_reservation(command, key, order_id, value)
  if not reservation then
    return answer
  end
  local expires_at_ms = now_ms + command.hold_ms
  if expires_at_ms <= reservation.expires_at_ms then
    return "REPLAYED " .. value
  end
  local latest_ms = tonumber(reservation.reserved_at) + CONST.LIFETIME_MS_MAX
  if expires_at_ms > latest_ms then
    return "REFUSED lifetime-exceeded " .. digits(latest_ms)
  end
  for _, line in ipairs(reservation.lines) do
    stock.change(stock.item_at(line), 0, 0, 0, 0)
  end
  reservation.expires_at_ms = expires_at_ms
  watch_deadline(order_id, expires_at_ms)
  emit("ReservationExtended " .. order_id .. " " .. command.actor .. " " .. reservation.lines_text .. " "
    .. digits(expires_at_ms))
  return "DONE " .. reservations.stage(key, reservation)
end

parsers["extend"] = function(text)
  local hold_text, actor = match(text, "^extend (%d+) (%S+)$")
  local hold_ms = hold_text and codec.read_number(hold_text, CONST.LIFETIME_MS_MAX)
  return hold_ms and codec.is_id(actor) and { run = extend, hold_ms = hold_ms, actor = actor } or nil
end

elseif group == "sales" then
-- Flash sales: what a sale leaves to whom, and how much a customer may buy. Twin: src/domain/sale.ts.
-- A sale sets a quantity of its SKU aside, in no particular warehouse, until it closes. It changes no figure of an item: it
-- is a limit that reserve checks, and it counts what became of its orders.

---@class Sale
---@field id string
---@field sku string
---@field opens_at_ms integer
---@field closes_at_ms integer
---@field quantity integer units set aside
---@field limit integer units that a customer may hold and buy; 0: any
---@field held integer units of open reservations
---@field sold integer units
---@field released integer units
---@field expired integer units

local quota_prefix = key_prefix .. CONST.QUOTA_KEY
local counts_read = {} -- "held bought" -> both as numbers; many customers have the same text
local counts_written = {} -- held -> bought -> that text: looking it up is cheaper than writing it

-- "opens_at_ms closes_at_ms quantity limit held sold released expired": a field of its SKU's hash. False for anything else.
function sales.read(sku, id, value)
  local opens_at, closes_at, quantity, limit, held, sold, released, expired =
    match(value, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$")
  if not opens_at then
    return false
  end
  sales.by_sku[sku] = sales.by_sku[sku] or {}
  sales.by_sku[sku][id] = {
    id = id,
    sku = sku,
    opens_at_ms = tonumber(opens_at),
    closes_at_ms = tonumber(closes_at),
    quantity = tonumber(quantity),
    limit = tonumber(limit),
    held = tonumber(held),
    sold = tonumber(sold),
    released = tonumber(released),
    expired = tonumber(expired),
  }
  return true
end

function sales.mark_changed(sale)
  if not sale.is_changed then
    sale.is_changed = true
    sales.changed[#sales.changed + 1] = sale
  end
end

function sales.write(sale)
  return format("%.0f %.0f %d %d %.0f %.0f %.0f %.0f", sale.opens_at_ms, sale.closes_at_ms, sale.quantity,
    sale.limit, sale.held, sale.sold, sale.released, sale.expired)
end

-- Units left in a sale. Once it is closed it sets nothing aside.
function sales.left_in(sale)
  if sale.closes_at_ms <= now_ms then
    return 0
  end
  return math.max(0, sale.quantity - sale.held - sale.sold)
end

-- Units of a SKU that an order may take: in a sale what is left in it, else what no sale has set aside.
function sales.open_to(sku, sale)
  local units = 0
  for _, item in pairs(stock.warehouses_of(sku)) do
    if not item.is_broken then
      units = units + item.available
    end
  end
  for _, other in pairs(sales.by_sku[sku]) do
    if other ~= sale then
      units = units - sales.left_in(other)
    end
  end
  return math.max(0, sale and min(units, sales.left_in(sale)) or units)
end

-- How many orders of this quantity, one after the other, sales allow an item to serve: `room` is what the item has for them,
-- `sale` and `units` what each takes in a sale (else nil). A lower bound: what other sales set aside may be elsewhere.
function sales.orders_within(item, room, quantity, sale, units)
  for _, other in pairs(sales.by_sku[item.sku]) do
    if other ~= sale then
      room = room - sales.left_in(other)
    end
  end
  local count = math.floor(room / quantity)
  return sale and min(count, math.floor(sales.left_in(sale) / units)) or count
end

-- The sale of this id among the sales of some lines' SKUs, and the lines' units of its SKU; nil and 0 where there is none.
function sales.find_in_lines(id, lines)
  local sale, units = nil, 0
  for _, line in ipairs(lines) do
    stock.warehouses_of(line.sku)
    local found = sales.by_sku[line.sku] and sales.by_sku[line.sku][id]
    if found then
      sale, units = found, units + line.quantity
    end
  end
  return sale, units
end

-- What customers have in a sale; those of this batch are read in one call.
local function quota_in(sale)
  local quota, customers = sales.quotas[sale.id], sales.customers
  if quota then
    return quota
  end
  local texts = {}
  for from = 1, #customers, 2000 do -- in slices, because unpack fails beyond some 8,000 values
    local to = min(from + 1999, #customers)
    local found = call("HMGET", quota_prefix .. sale.id, unpack(customers, from, to))
    for i = from, to do
      texts[customers[i]] = found[i - from + 1] or "0 0"
    end
  end
  quota = { sale = sale, texts = texts, changed = {} }
  sales.quotas[sale.id] = quota
  return quota
end

-- Units that a customer holds and has bought in a sale; read alone where the customer has no order in this batch.
local function counts_of(quota, customer)
  local text = quota.texts[customer]
  if not text then
    text = call("HGET", quota_prefix .. quota.sale.id, customer) or "0 0"
    quota.texts[customer] = text
  end
  local counts = counts_read[text]
  if not counts then
    local held, bought = match(text, "^(%d+) (%d+)$")
    counts = { held = tonumber(held), bought = tonumber(bought), is_broken = not held }
    counts_read[text] = counts
  end
  return counts
end

local function keep_counts(quota, customer, held, bought)
  local texts = counts_written[held]
  if not texts then
    texts = {}
    counts_written[held] = texts
  end
  local text = texts[bought]
  if not text then
    text = format("%d %d", held, bought)
    texts[bought] = text
  end
  quota.texts[customer] = text
  quota.changed[#quota.changed + 1] = customer
end

-- The refusal where a sale does not take this order: window, then limit; nil where it does.
function sales.refuse(sale, units, customer)
  if not sale then
    return "REFUSED unknown-sale"
  elseif now_ms < sale.opens_at_ms then
    return "REFUSED sale-not-open " .. digits(sale.opens_at_ms)
  elseif now_ms >= sale.closes_at_ms then
    return "REFUSED sale-closed " .. digits(sale.closes_at_ms)
  elseif sale.limit == 0 then
    return nil
  elseif not customer then
    return "REFUSED customer-required"
  end
  local counts = counts_of(quota_in(sale), customer)
  if counts.is_broken then
    return UNREADABLE
  elseif counts.held + counts.bought + units > sale.limit then
    return format("REFUSED purchase-limit-exceeded %d %d %d", sale.limit, counts.held, counts.bought)
  end
  return nil
end

-- Counts units as held by a customer; false, and nothing counted, where the sale's limit does not allow them.
function sales.hold_for(customer, sale, units)
  local quota = quota_in(sale)
  local counts = counts_of(quota, customer)
  if counts.is_broken or counts.held + counts.bought + units > sale.limit then
    return false
  end
  keep_counts(quota, customer, counts.held + units, counts.bought)
  return true
end

-- Counts the units of an order that the sale took.
function sales.count_held(sale, units, customer)
  sales.mark_changed(sale)
  sale.held = sale.held + units
  if customer and sale.limit > 0 then
    sales.hold_for(customer, sale, units)
  end
end

-- Moves units of an order from one figure of its sale (held, expired) to another (sold, released, expired).
function sales.count_ended(sale, units, customer, from, to)
  sales.mark_changed(sale)
  sale[from] = math.max(0, sale[from] - units)
  sale[to] = sale[to] + units
  if customer and sale.limit > 0 then
    local quota = quota_in(sale)
    local counts = counts_of(quota, customer)
    if counts.is_broken then
      return -- what cannot be read is left alone
    end
    local held = from == "held" and math.max(0, counts.held - units) or counts.held
    keep_counts(quota, customer, held, to == "sold" and counts.bought + units or counts.bought)
  end
end

elseif group == "locks" then
-- Count sheets and the locks they put on items (BR-007). Twin: src/model/stocktakes.ts.
-- A sheet is a hash: sku@warehouse -> "status until_ms before counted". The lock is part of the item's text.

local stocktake_prefix = key_prefix .. CONST.STOCKTAKE_KEY

-- The text of an item's line on a sheet, or nil.
function locks.sheet_text(id, name)
  local sheet = locks.sheets[id]
  return sheet and sheet[name] or call("HGET", stocktake_prefix .. id, name) or nil
end

function locks.write_sheet(id, name, text)
  local sheet = locks.sheets[id]
  if not sheet then
    sheet = {}
    locks.sheets[id] = sheet
  end
  sheet[name] = text
  return text
end

function locks.lock(item, id, until_ms)
  item.stocktake, item.locked_until_ms = id, until_ms
end

-- Ends a lock and writes on the sheet how. No hold on the item expires during the grace time, so that a payment that was refused
-- under the lock can be repeated.
function locks.unlock(item, status, counted)
  local id, until_ms = item.stocktake, item.locked_until_ms
  item.stocktake, item.locked_until_ms = nil, min(until_ms, now_ms) + CONST.STOCKTAKE_GRACE_MS
  local text = format("%s %.0f %d %s", status, until_ms, item.total, counted or "-")
  return locks.write_sheet(id, item.name, text)
end

-- Ends a lock whose lease ran out. `ends_ms`: when it was to end; a lock set since then has a later entry.
function locks.lapse(name, ends_ms)
  local sku, warehouse = match(name, "^([^@]+)@([^@]+)$")
  local item = sku and stock.warehouses_of(sku)[warehouse]
  if item and item.is_broken then
    watch_deadline(name, now_ms + POSTPONE_MS)
  elseif item and item.stocktake and item.locked_until_ms <= ends_ms then
    local id = item.stocktake
    locks.sheet_text(id, name) -- a key of another type fails here, before the first write
    locks.unlock(item, "LAPSED")
    stock.change(item, 0, 0, 0, 0)
    emit(format("StocktakeLapsed %s clock %s=%d", id, name, item.total))
  end
end

elseif group == "start-stocktake"
  or group == "complete-stocktake"
  or group == "cancel-stocktake"
  or group == "look-stocktake" then
-- start-stocktake, complete-stocktake, cancel-stocktake: an item is locked, counted, adjusted, unlocked (BR-007).
-- Twin: src/model/stocktakes.ts. Answers: DONE line [released orders] | REPLAYED line | REFUSED
-- unknown-item item | unknown-stocktake | stocktake-ended status | stocktake-full | stocktake-in-progress item |
-- count-below-committed counted reserved sold | ledger-backlog | quarantined item
-- What was sold and not shipped is still in the building: a count is compared with the total, which no command changes under
-- the lock.

local stocktake_prefix = key_prefix .. CONST.STOCKTAKE_KEY

---@class StocktakeCommand: Command
---@field sku string
---@field warehouse string
---@field name string sku@warehouse
---@field lease_ms integer|nil of a start
---@field counted integer|nil units, of a completion
---@field reason string|nil
---@field releasable string|nil orders whose holds may be released, joined by ","
---@field actor string

local lines_begun = {} -- stocktake id -> lines that this batch put on its sheet

-- Nil for a text that this program did not write.
local function status_of(line_text)
  return match(line_text, "^(%u+) %d+ %d+ [%d-]+$")
end

local function start_stocktake(command, _, stocktake_id)
  local text = locks.sheet_text(stocktake_id, command.name)
  if text then
    local status = status_of(text)
    if not status then
      return UNREADABLE
    end
    return status == "COUNTING" and "REPLAYED " .. text or "REFUSED stocktake-ended " .. status
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  local item = stock.item_at(command)
  if not item then
    return "REFUSED unknown-item " .. command.name
  elseif item.is_broken then
    return "REFUSED quarantined " .. command.name
  elseif item.stocktake then
    return "REFUSED stocktake-in-progress " .. stock.locked_text(item)
  end
  local begun = lines_begun[stocktake_id] or call("HLEN", stocktake_prefix .. stocktake_id)
  if begun >= CONST.STOCKTAKE_LINES_MAX then
    return "REFUSED stocktake-full"
  end
  lines_begun[stocktake_id] = begun + 1
  local until_ms = now_ms + command.lease_ms
  locks.lock(item, stocktake_id, until_ms)
  stock.change(item, 0, 0, 0, 0)
  emit(format("StocktakeStarted %s %s %s=%d %.0f", stocktake_id, command.actor, item.name, item.total, until_ms))
  watch_deadline(item.name, until_ms)
  text = format("COUNTING %.0f %d -", until_ms, item.total)
  return "DONE " .. locks.write_sheet(stocktake_id, item.name, text)
end

parsers["start-stocktake"] = function(text)
  local sku, warehouse, lease, actor = match(text, "^start%-stocktake ([^@ ]+)@([^@ ]+) (%d+) (%S+)$")
  if not sku or #lease > 10 or tonumber(lease) < 1 then
    return nil
  end
  local name = sku .. "@" .. warehouse
  return { run = start_stocktake, sku = sku, warehouse = warehouse, name = name, lease_ms = tonumber(lease), actor = actor }
end

-- The item a command counts, locked by this sheet; or nil and the answer.
local function counted_item(command, stocktake_id, repeated)
  local text = locks.sheet_text(stocktake_id, command.name)
  if not text then
    return nil, "REFUSED unknown-stocktake"
  end
  local item, status = stock.item_at(command), status_of(text)
  if not status then
    return nil, UNREADABLE
  elseif status ~= "COUNTING" then
    return nil, repeated(text) and "REPLAYED " .. text or "REFUSED stocktake-ended " .. status
  elseif not item or item.is_broken or item.stocktake ~= stocktake_id then
    return nil, "REFUSED quarantined " .. command.name
  end
  return item
end

-- How much of one item a reservation holds.
local function held_of(reservation, item)
  local units = 0
  for _, line in ipairs(reservation.lines) do
    if line.sku == item.sku and line.warehouse == item.warehouse then
      units = units + line.quantity
    end
  end
  return units
end

-- The first of the named holds that bring what is committed down to the count; nil where all of them do not.
local function holds_to_release(command, item)
  local holds, missing = {}, item.reserved + item.sold - command.counted
  local seen = {}
  for order_id in string.gmatch(command.releasable, "[^,]+") do
    if missing <= 0 then
      break
    end
    local key = reservation_prefix .. order_id
    local value = values[key]
    if value == nil then
      value = call("GET", key)
    end
    local reservation = value and not seen[order_id] and reservations.read(value)
    seen[order_id] = true
    if reservation and reservation.status == "ACTIVE" and reservations.items_of(reservation.lines) then
      local units = held_of(reservation, item)
      if units > 0 then
        holds[#holds + 1] = { key = key, order_id = order_id, reservation = reservation }
        missing = missing - units
      end
    end
  end
  return missing <= 0 and holds or nil
end

local function release_short(hold, actor)
  local reservation = hold.reservation
  for _, line in ipairs(reservation.lines) do
    stock.change(stock.item_at(line), 0, line.quantity, -line.quantity, 0)
  end
  reservations.count_in_sale(reservation, reservation.lines, "held", "released")
  emit("InventoryReleased " .. hold.order_id .. " " .. actor .. " " .. reservation.lines_text .. " shortfall -")
  for _, line in ipairs(reservation.lines) do
    stock.watch_stock(stock.item_at(line), actor)
  end
  reservations.resolve(reservation, "RELEASED")
  reservations.stage(hold.key, reservation)
  return hold.order_id
end

local function complete_stocktake(command, _, stocktake_id)
  local item, answer = counted_item(command, stocktake_id, function(text)
    return match(text, "^COUNTED %d+ %d+ (%d+)$") == digits(command.counted)
  end)
  if not item then
    return answer
  end
  local released = {}
  if command.counted < item.reserved + item.sold then
    local holds = holds_to_release(command, item)
    if not holds then
      return format("REFUSED count-below-committed %d %d %d", command.counted, item.reserved, item.sold)
    end
    for i, hold in ipairs(holds) do
      released[i] = release_short(hold, command.actor)
    end
  end
  -- The sheet says what the total was before.
  local text = locks.unlock(item, "COUNTED", digits(command.counted))
  local difference = command.counted - item.total
  stock.change(item, difference, difference, 0, 0)
  emit(format("StocktakeCompleted %s %s %s=%d %s", stocktake_id, command.actor, item.name, command.counted,
    command.reason))
  stock.watch_stock(item, command.actor)
  return "DONE " .. text .. " " .. (#released > 0 and table.concat(released, ",") or "-")
end

parsers["complete-stocktake"] = function(text)
  local sku, warehouse, counted, reason, releasable, actor =
    match(text, "^complete%-stocktake ([^@ ]+)@([^@ ]+) (%d+) (%S+) (%S+) (%S+)$")
  local _, separators = string.gsub(releasable or "", ",", ",")
  if not sku or #counted > 10 or tonumber(counted) > CONST.QUANTITY_MAX or separators >= CONST.SHORTFALL_RELEASES_MAX then
    return nil
  end
  return {
    run = complete_stocktake,
    sku = sku,
    warehouse = warehouse,
    name = sku .. "@" .. warehouse,
    counted = tonumber(counted),
    reason = reason,
    releasable = releasable == "-" and "" or releasable,
    actor = actor,
  }
end

local function cancel_stocktake(command, _, stocktake_id)
  local item, answer = counted_item(command, stocktake_id, function(text)
    return status_of(text) == "CANCELLED"
  end)
  if not item then
    return answer
  end
  local text = locks.unlock(item, "CANCELLED")
  stock.change(item, 0, 0, 0, 0)
  emit(format("StocktakeCancelled %s %s %s=%d", stocktake_id, command.actor, item.name, item.total))
  return "DONE " .. text
end

parsers["cancel-stocktake"] = function(text)
  local sku, warehouse, actor = match(text, "^cancel%-stocktake ([^@ ]+)@([^@ ]+) (%S+)$")
  if not sku then
    return nil
  end
  return { run = cancel_stocktake, sku = sku, warehouse = warehouse, name = sku .. "@" .. warehouse, actor = actor }
end

-- look-stocktake: every line of a sheet, by item.
local function look_stocktake(_, key, stocktake_id)
  local flat = call("HGETALL", key)
  local texts = {}
  for i = 1, #flat, 2 do
    texts[flat[i]] = flat[i + 1]
  end
  for name, text in pairs(locks.sheets[stocktake_id] or {}) do
    texts[name] = text
  end
  local lines = {}
  for name, text in pairs(texts) do
    if not status_of(text) then
      return UNREADABLE
    end
    lines[#lines + 1] = name .. " " .. text
  end
  if #lines == 0 then
    return "REFUSED unknown-stocktake"
  end
  table.sort(lines, is_before)
  return "DONE " .. table.concat(lines, ",")
end

parsers["look-stocktake"] = function()
  return { run = look_stocktake }
end

elseif group == "receive"
  or group == "issue"
  or group == "ship"
  or group == "return"
  or group == "write-off"
  or group == "correct"
  or group == "dispatch-transfer"
  or group == "receive-transfer"
  or group == "cancel-transfer"
  or group == "look-transfer" then
-- receive, issue, ship, return, write-off, correct: sku@warehouse=quantity reason actor [order|- or expected version].
-- Twin: src/model/stock.ts. Answers: DONE item | REPLAYED item | REFUSED movement-conflict | ledger-backlog |
-- unknown-item item | quarantined item | stocktake-in-progress item | quantity-limit-exceeded total |
-- insufficient-stock item=requested:available | exceeds-sold sold | version-conflict version |
-- count-below-committed counted reserved sold
-- The record of a movement is "content item": the item right after it is the first answer (BR-006).

---@class Movement: Command
---@field verb string
---@field line Line
---@field line_text string
---@field reason string
---@field content string what was asked, by which a repeat is recognized
---@field order string|nil
---@field expected_version integer|nil of a correction
---@field actor string

-- Verb -> what it does to an item: its event and the changes of total, available and sold; or nil and the refusal.
local movements = {}

function movements.receive(item, quantity)
  if item.total + quantity > CONST.QUANTITY_MAX then
    return nil, format("REFUSED quantity-limit-exceeded %d", item.total)
  end
  return "InventoryReceived ", quantity, quantity, 0
end

movements["return"] = function(item, quantity)
  if item.total + quantity > CONST.QUANTITY_MAX then
    return nil, format("REFUSED quantity-limit-exceeded %d", item.total)
  end
  return "InventoryReturned ", quantity, quantity, 0
end

function movements.issue(item, quantity)
  if item.available < quantity then
    return nil, format("REFUSED insufficient-stock %s=%d:%d", item.name, quantity, item.available)
  end
  return "InventoryIssued ", -quantity, -quantity, 0
end

function movements.ship(item, quantity)
  if item.sold < quantity then
    return nil, format("REFUSED exceeds-sold %d", item.sold)
  end
  return "InventoryShipped ", -quantity, 0, -quantity
end

movements["write-off"] = function()
  return "ReturnWrittenOff ", 0, 0, 0
end

function movements.correct(item, quantity, expected_version)
  if item.version ~= expected_version then
    return nil, "REFUSED version-conflict " .. digits(item.version)
  elseif quantity < item.reserved + item.sold then
    return nil, format("REFUSED count-below-committed %d %d %d", quantity, item.reserved, item.sold)
  end
  return "InventoryCorrected ", quantity - item.total, quantity - item.total, 0
end

-- The item that goods go into, made where there is none yet; or nil and the refusal.
local function item_for_goods(line)
  local item = stock.item_to_fill(line)
  if item.is_broken then
    return nil, "REFUSED quarantined " .. item.name
  elseif item.stocktake then
    return nil, "REFUSED stocktake-in-progress " .. stock.locked_text(item)
  end
  return item
end

-- The item that goods come out of; or nil and the refusal.
local function item_with_goods(line)
  local item = stock.item_alone(line)
  if not item then
    return nil, "REFUSED unknown-item " .. line.sku .. "@" .. line.warehouse
  end
  return item_for_goods(line)
end

-- The first answer of a movement done before, or a conflict where its id asks for something else; nil for a new one.
local function repeat_movement(value, content)
  if not value then
    return nil
  end
  if is_newer(value) then
    return UNREADABLE
  elseif sub(value, 1, #content + 1) == content .. " " then
    return "REPLAYED " .. sub(value, #content + 2)
  end
  return "REFUSED movement-conflict"
end

local function move(command, key, movement_id, value)
  local answer = repeat_movement(value, command.content)
  if answer then
    return answer
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  local item, refusal = (command.verb == "receive" and item_for_goods or item_with_goods)(command.line)
  if not item then
    return refusal
  end
  local event, total, available, sold = movements[command.verb](item, command.line.quantity, command.expected_version)
  if not event then
    return total
  end
  stock.change(item, total, available, 0, sold)
  emit(event .. movement_id .. " " .. command.actor .. " " .. command.line_text .. " " .. command.reason .. " "
    .. (command.order or "-"))
  stock.watch_stock(item, command.actor)
  local item_text = stock.write_item(item)
  stage_set(key, command.content .. " " .. item_text, digits(now_ms + tombstone_ms))
  return "DONE " .. item_text
end

local function read_movement(verb, text, extra_pattern)
  local sku, warehouse, quantity_text, reason, actor, extra =
    match(text, "^%l[%l-]+ ([%w%%][%w%%._:%-]*)@([%w%%][%w%%._:%-]*)=(%d+) (%S+) (%S+)" .. extra_pattern .. "$")
  local quantity = sku and #quantity_text <= 10 and tonumber(quantity_text)
  if not quantity or quantity > CONST.QUANTITY_MAX or (quantity == 0 and verb ~= "correct")
    or #sku > CONST.ID_ESCAPED_BYTES_MAX or #warehouse > CONST.ID_ESCAPED_BYTES_MAX or not codec.is_id(actor) then
    return nil
  end
  local line_text = sku .. "@" .. warehouse .. "=" .. quantity_text
  local content = verb .. " " .. line_text .. " " .. reason
  return {
    run = move,
    verb = verb,
    line = { sku = sku, warehouse = warehouse, quantity = quantity },
    line_text = line_text,
    reason = reason,
    content = extra and content .. " " .. extra or content,
    order = verb ~= "correct" and extra or nil,
    expected_version = verb == "correct" and tonumber(extra) or nil,
    actor = actor,
  }
end

parsers["receive"] = function(text)
  return read_movement("receive", text, "")
end
parsers["issue"] = function(text)
  return read_movement("issue", text, "")
end
parsers["ship"] = function(text)
  return read_movement("ship", text, " (%S+)")
end
parsers["return"] = function(text)
  return read_movement("return", text, " (%S+)")
end
parsers["write-off"] = function(text)
  return read_movement("write-off", text, " (%S+)")
end
parsers["correct"] = function(text)
  return read_movement("correct", text, " (%d+)")
end

-- dispatch-transfer, receive-transfer, cancel-transfer, look-transfer: goods on the way between two warehouses are in neither.
-- Twin: src/model/transfers.ts.
-- Answers: DONE transfer | REPLAYED transfer | REFUSED unknown-transfer | transfer-conflict | transfer-ended transfer |
-- exceeds-transit units | too-many-receipts | quarantined -, and as the movements.

---@class Transfer "status sku from to quantity received rejected returned operations"; in transit it does not expire.
---@field status "IN_TRANSIT"|"RECEIVED"|"CANCELLED"
---@field sku string
---@field from string warehouse
---@field to string warehouse
---@field quantity integer units dispatched
---@field received integer units
---@field rejected integer units, issued on arrival
---@field returned integer units that a cancellation brought back
---@field operations string receipts, joined by ";"

local FOR_GOOD = "253402300799999"

-- Nil for a text that this program did not write.
local function read_transfer(value)
  local status, sku, from, to, quantity, received, rejected, returned, operations =
    match(value, "^(%u[%u_]+) (%S+) (%S+) (%S+) (%d+) (%d+) (%d+) (%d+) (%S+)$")
  return status and {
    status = status,
    sku = sku,
    from = from,
    to = to,
    quantity = tonumber(quantity),
    received = tonumber(received),
    rejected = tonumber(rejected),
    returned = tonumber(returned),
    operations = given(operations) or "",
  }
end

local function keep_transfer(key, transfer)
  local value = format("%s %s %s %s %d %d %d %d %s", transfer.status, transfer.sku, transfer.from, transfer.to,
    transfer.quantity, transfer.received, transfer.rejected, transfer.returned,
    transfer.operations == "" and "-" or transfer.operations)
  stage_set(key, value, transfer.status == "IN_TRANSIT" and FOR_GOOD or digits(now_ms + tombstone_ms))
  return value
end

local function in_transit(transfer)
  return transfer.quantity - transfer.received - transfer.rejected - transfer.returned
end

local function dispatch_transfer(command, key, transfer_id, value)
  if value then
    if not read_transfer(value) then
      return UNREADABLE
    end
    local asked = match(value, "^%S+ (%S+ %S+ %S+ %d+) ")
    return asked == command.content and "REPLAYED " .. value or "REFUSED transfer-conflict"
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  call("GET", key) -- MGET does not fail on a key of another type: this does, before the first write
  local item, refusal = item_with_goods({ sku = command.sku, warehouse = command.from })
  if not item then
    return refusal
  end
  local quantity = command.quantity
  if item.available < quantity then
    return format("REFUSED insufficient-stock %s=%d:%d", item.name, quantity, item.available)
  end
  stock.change(item, -quantity, -quantity, 0, 0)
  emit(format("TransferDispatched %s %s %s=%d %s %s", transfer_id, command.actor, item.name, quantity, command.to,
    command.reason))
  stock.watch_stock(item, command.actor)
  return "DONE " .. keep_transfer(key, {
    status = "IN_TRANSIT",
    sku = command.sku,
    from = command.from,
    to = command.to,
    quantity = quantity,
    received = 0,
    rejected = 0,
    returned = 0,
    operations = "",
  })
end

parsers["dispatch-transfer"] = function(text)
  local sku, from, to, quantity, reason, actor =
    match(text, "^dispatch%-transfer (%S+) (%S+) (%S+) (%d+) (%S+) (%S+)$")
  local units = sku and #quantity <= 10 and tonumber(quantity) or 0
  if units < 1 or units > CONST.QUANTITY_MAX or from == to
    or not (codec.is_id(sku) and codec.is_id(from) and codec.is_id(to) and codec.is_id(actor)) then
    return nil
  end
  return {
    run = dispatch_transfer,
    sku = sku,
    from = from,
    to = to,
    quantity = units,
    content = sku .. " " .. from .. " " .. to .. " " .. quantity,
    reason = reason,
    actor = actor,
  }
end

-- The transfer a command is about, still in transit; or nil and the answer that ends it.
local function open_transfer(value, is_repeated)
  if not value then
    return nil, "REFUSED unknown-transfer"
  end
  local transfer = read_transfer(value)
  if not transfer then
    return nil, UNREADABLE
  elseif is_repeated(transfer) then
    return nil, "REPLAYED " .. value
  elseif transfer.status ~= "IN_TRANSIT" then
    return nil, "REFUSED transfer-ended " .. value
  end
  return transfer
end

local function receive_transfer(command, key, transfer_id, value)
  local transfer, answer = open_transfer(value, function(found)
    return reservations.remembers(found, command.operation)
  end)
  if not transfer then
    return answer
  end
  local _, separators = string.gsub(transfer.operations, ";", ";")
  if transfer.operations ~= "" and separators + 1 >= CONST.TRANSFER_RECEIPTS_MAX then
    return "REFUSED too-many-receipts"
  end
  local landed = command.received + command.rejected
  if landed > in_transit(transfer) then
    return format("REFUSED exceeds-transit %d", in_transit(transfer))
  end
  local item, refusal = item_for_goods({ sku = transfer.sku, warehouse = transfer.to })
  if not item then
    return refusal
  elseif item.total + landed > CONST.QUANTITY_MAX then
    return format("REFUSED quantity-limit-exceeded %d", item.total)
  end
  stock.change(item, landed, landed, 0, 0)
  emit(format("TransferReceived %s %s %s=%d %d %s", transfer_id, command.actor, item.name, landed,
    command.rejected, command.operation))
  stock.watch_stock(item, command.actor)
  if command.rejected > 0 then
    stock.change(item, -command.rejected, -command.rejected, 0, 0)
    emit(format("InventoryIssued - %s %s=%d %s %s", command.actor, item.name, command.rejected, CONST.REJECTED_REASON,
      transfer_id))
    stock.watch_stock(item, command.actor)
  end
  transfer.received = transfer.received + command.received
  transfer.rejected = transfer.rejected + command.rejected
  reservations.remember(transfer, command.operation)
  if in_transit(transfer) == 0 then
    transfer.status = "RECEIVED"
  end
  return "DONE " .. keep_transfer(key, transfer)
end

parsers["receive-transfer"] = function(text)
  local received, rejected, operation, actor = match(text, "^receive%-transfer (%d+) (%d+) (%S+) (%S+)$")
  if not received or #received > 10 or #rejected > 10 then
    return nil
  end
  local command = {
    run = receive_transfer,
    received = tonumber(received),
    rejected = tonumber(rejected),
    operation = operation,
    actor = actor,
  }
  local landed = command.received + command.rejected
  return landed >= 1 and landed <= CONST.QUANTITY_MAX and command or nil
end

local function cancel_transfer(command, key, transfer_id, value)
  local transfer, answer = open_transfer(value, function(found)
    return found.status == "CANCELLED"
  end)
  if not transfer then
    return answer
  end
  local rest = in_transit(transfer)
  local item, refusal = item_for_goods({ sku = transfer.sku, warehouse = transfer.from })
  if not item then
    return refusal
  elseif item.total + rest > CONST.QUANTITY_MAX then
    return format("REFUSED quantity-limit-exceeded %d", item.total)
  end
  stock.change(item, rest, rest, 0, 0)
  emit(format("TransferCancelled %s %s %s=%d", transfer_id, command.actor, item.name, rest))
  stock.watch_stock(item, command.actor)
  transfer.returned = rest
  transfer.status = "CANCELLED"
  return "DONE " .. keep_transfer(key, transfer)
end

parsers["cancel-transfer"] = function(text)
  local actor = match(text, "^cancel%-transfer (%S+)$")
  return actor and { run = cancel_transfer, actor = actor } or nil
end

local function look_transfer(_, _, _, value)
  if not value then
    return "REFUSED unknown-transfer"
  end
  return read_transfer(value) and "DONE " .. value or UNREADABLE
end

parsers["look-transfer"] = function()
  return { run = look_transfer }
end

elseif group == "set-safety-stock" then
-- set-safety-stock sku@warehouse quantity actor: moves the line under which BR-005 alerts.
-- Twin: setSafetyStock in src/model/stock.ts. Answers: DONE item | REPLAYED item | REFUSED unknown-item item | quarantined item

local function set_safety_stock(command)
  local item = stock.item_at(command)
  if not item then
    return "REFUSED unknown-item " .. command.sku .. "@" .. command.warehouse
  elseif item.is_broken then
    return "REFUSED quarantined " .. item.name
  elseif item.safety_stock == command.quantity then
    return "REPLAYED " .. stock.write_item(item)
  end
  item.safety_stock = command.quantity
  stock.change(item, 0, 0, 0, 0)
  emit(format("SafetyStockSet - %s %s=%d", command.actor, item.name, command.quantity))
  stock.watch_stock(item, command.actor)
  return "DONE " .. stock.write_item(item)
end

parsers["set-safety-stock"] = function(text)
  local sku, warehouse, quantity, actor = match(text, "^set%-safety%-stock ([^@ ]+)@([^@ ]+) (%d+) (%S+)$")
  if not sku or #quantity > 10 or tonumber(quantity) > CONST.QUANTITY_MAX or not codec.is_id(actor) then
    return nil
  end
  return { run = set_safety_stock, sku = sku, warehouse = warehouse, quantity = tonumber(quantity), actor = actor }
end

elseif group == "schedule-sale"
  or group == "close-sale"
  or group == "look-sale" then
-- schedule-sale, close-sale, look-sale: the life of a flash sale; sale.lua says what it means to an order.
-- Twin: src/model/sales.ts. Answers: DONE sku sale | REPLAYED sku sale | REFUSED unknown-sale |
-- sale-conflict | sale-closed ms | too-many-sales | unknown-item sku | insufficient-stock sku@*=quantity:available |
-- ledger-backlog
-- The record of a sale is what was asked; its figures are in the hash of its SKU.

local function drop_old_sales(sku)
  local left = 0
  for id, sale in pairs(sales.by_sku[sku] or {}) do
    if sale.closes_at_ms + CONST.SALE_AFTERLIFE_MS <= now_ms then
      sales.dropped[sku] = sales.dropped[sku] or {}
      table.insert(sales.dropped[sku], "*" .. id)
      sales.by_sku[sku][id] = nil
    else
      left = left + 1
    end
  end
  return left
end

local function schedule_sale(command, key, sale_id, value)
  local sku = command.sku
  stock.warehouses_of(sku)
  if value then
    if is_newer(value) then
      return UNREADABLE
    elseif value ~= command.content then
      return "REFUSED sale-conflict"
    end
    local sale = sales.by_sku[sku] and sales.by_sku[sku][sale_id]
    -- Its figures may be gone while its record is still there, days after it closed.
    return sale and "REPLAYED " .. sku .. " " .. sales.write(sale) or "REFUSED unknown-sale"
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  elseif command.closes_at_ms <= now_ms then
    return "REFUSED sale-closed " .. digits(command.closes_at_ms)
  elseif not next(stock.warehouses_of(sku)) then
    return "REFUSED unknown-item " .. sku .. "@*"
  elseif drop_old_sales(sku) >= CONST.SALES_PER_SKU_MAX then
    return "REFUSED too-many-sales"
  end
  call("GET", key) -- MGET does not fail on a key of another type: this does, before the first write
  sales.by_sku[sku] = sales.by_sku[sku] or {}
  local units = sales.open_to(sku, nil)
  if units < command.quantity then
    return format("REFUSED insufficient-stock %s@*=%d:%d", sku, command.quantity, units)
  end
  local sale = {
    id = sale_id,
    sku = sku,
    opens_at_ms = command.opens_at_ms,
    closes_at_ms = command.closes_at_ms,
    quantity = command.quantity,
    limit = command.limit,
    held = 0,
    sold = 0,
    released = 0,
    expired = 0,
  }
  sales.by_sku[sku][sale_id] = sale
  sales.made = sales.made + 1
  sales.mark_changed(sale)
  emit("SaleScheduled " .. sale_id .. " " .. command.actor .. " " .. command.content)
  stage_set(key, command.content, digits(command.closes_at_ms + CONST.SALE_AFTERLIFE_MS + tombstone_ms))
  return "DONE " .. sku .. " " .. sales.write(sale)
end

parsers["schedule-sale"] = function(text)
  local content, actor = match(text, "^schedule%-sale (%S+ %d+ %d+ %d+ %d+) (%S+)$")
  if not content then
    return nil
  end
  local sku, opens_at, closes_at, quantity, limit = match(content, "^(%S+) (%d+) (%d+) (%d+) (%d+)$")
  if #opens_at > 15 or #closes_at > 15 or #quantity > 10 or #limit > 10 or tonumber(quantity) > CONST.QUANTITY_MAX then
    return nil
  end
  return {
    run = schedule_sale,
    sku = sku,
    opens_at_ms = tonumber(opens_at),
    closes_at_ms = tonumber(closes_at),
    quantity = tonumber(quantity),
    limit = tonumber(limit),
    content = content,
    actor = actor,
  }
end

-- The sale whose record this is; or nil and the refusal.
local function known_sale(sale_id, value)
  if value and is_newer(value) then
    return nil, UNREADABLE
  end
  local sku = value and match(value, "^%S+")
  if sku then
    stock.warehouses_of(sku)
  end
  local sale = sku and sales.by_sku[sku] and sales.by_sku[sku][sale_id]
  return sale or nil, "REFUSED unknown-sale"
end

local function close_sale(command, _, sale_id, value)
  local sale, refusal = known_sale(sale_id, value)
  if not sale then
    return refusal
  elseif sale.closes_at_ms <= now_ms then
    return "REPLAYED " .. sale.sku .. " " .. sales.write(sale)
  end
  sale.closes_at_ms = now_ms
  sales.mark_changed(sale)
  emit("SaleClosed " .. sale_id .. " " .. command.actor .. " " .. sale.sku)
  return "DONE " .. sale.sku .. " " .. sales.write(sale)
end

parsers["close-sale"] = function(text)
  local actor = match(text, "^close%-sale (%S+)$")
  return actor and { run = close_sale, actor = actor } or nil
end

local function look_sale(_, _, sale_id, value)
  local sale, refusal = known_sale(sale_id, value)
  return sale and "DONE " .. sale.sku .. " " .. sales.write(sale) or refusal
end

parsers["look-sale"] = function()
  return { run = look_sale }
end

elseif group == "quarantine"
  or group == "lift" then
-- quarantine sku@warehouse: the ledger could not follow this item (D8), so nothing more is decided about it until a person has
-- looked. Its figures stay readable after the word. Answers: DONE | REFUSED unknown-item item

local function quarantine(command)
  local item = stock.item_at(command)
  if not item then
    return "REFUSED unknown-item " .. command.sku .. "@" .. command.warehouse
  end
  if not item.is_broken then
    item.is_broken = true
    stock.quarantined[#stock.quarantined + 1] = item
  end
  return "DONE"
end

parsers["quarantine"] = function(text)
  local sku, warehouse = match(text, "^quarantine ([^@ ]+)@([^@ ]+)$")
  return sku and { run = quarantine, sku = sku, warehouse = warehouse } or nil
end

-- lift sku@warehouse item: a person has put the item right in the ledger, and it goes on from this text there and here. Only an
-- item that is left alone, or missing, takes it; of one that is open it answers what it is.
-- Answers: DONE item | REPLAYED item

local function lift(command)
  local items = stock.warehouses_of(command.sku)
  local item = items[command.warehouse]
  if item and not item.is_broken then
    return "REPLAYED " .. stock.write_item(item)
  end
  item = stock.read_item(command.sku, command.warehouse, command.text)
  items[command.warehouse] = item
  stock.items_made = stock.items_made + 1
  for i = #stock.quarantined, 1, -1 do
    if stock.quarantined[i].name == item.name then
      table.remove(stock.quarantined, i)
    end
  end
  stock.lifted[#stock.lifted + 1] = item
  if item.stocktake then
    watch_deadline(item.name, item.locked_until_ms)
  end
  return "DONE " .. stock.write_item(item)
end

parsers["lift"] = function(text)
  local sku, warehouse, item_text = match(text, "^lift ([^@ ]+)@([^@ ]+) (.+)$")
  if not sku or stock.read_item(sku, warehouse, item_text).is_broken then
    return nil
  end
  return { run = lift, sku = sku, warehouse = warehouse, text = item_text }
end

elseif group == "look-reservation"
  or group == "look-item" then
-- look-reservation, look-item sku: the record as it is, after what is due has returned. They change nothing else.
-- Answers: DONE reservation | REFUSED unknown-reservation | quarantined;
-- DONE warehouse item,... | REFUSED unknown-item sku | quarantined items

local function look_reservation(_, key, order_id, value)
  if not value then
    return "REFUSED unknown-reservation"
  end
  local reservation = reservations.read(value)
  if not reservation then
    return UNREADABLE
  end
  reservations.expire_when_due(key, order_id, reservation)
  return "DONE " .. (values[key] or value)
end

parsers["look-reservation"] = function()
  return { run = look_reservation }
end

local function look_item(command)
  local texts, broken = {}, {}
  for warehouse, item in pairs(stock.warehouses_of(command.sku)) do
    if item.is_broken then
      broken[#broken + 1] = item.name
    else
      texts[#texts + 1] = warehouse .. " " .. stock.write_item(item)
    end
  end
  if #broken > 0 then
    table.sort(broken, is_before)
    return "REFUSED quarantined " .. table.concat(broken, ",")
  end
  if #texts == 0 then
    return "REFUSED unknown-item " .. command.sku .. "@*"
  end
  table.sort(texts, is_before)
  return "DONE " .. table.concat(texts, ",")
end

parsers["look-item"] = function(text)
  local sku = match(text, "^look%-item (%S+)$")
  return sku and { run = look_item, sku = sku } or nil
end

end
end
-- The loop: open the partition, return what is due, decide every command in order, write once, answer.
-- KEYS: control, events, due, then one record key a command, then the SKU keys the caller can know.
-- ARGV: the caller's epoch ("number nonce"), the highest sequence it has seen in it, its clock as a witness (ms), events the
-- ledger may lag behind, due holds to look at, tombstone time (ms), a link for this batch, what else it asks for ("-"; "write":
-- write the control record in any case, so that WAIT covers what was read; "confirm": it was told of a leap of the clock before
-- it looked at its own), number of commands, number of different texts, which text each command has, the texts, then the
-- customers of those commands whose text begins with "@", in their order.
-- Returns { "OK epoch nonce sequence link now_ms events carried more_due clock", which answer each command has, the different
-- answers ... } or { "NOT_READY reason", "number nonce" }. Equal texts and equal answers cross once; "which" is two characters
-- a command, from "#" on in base 64, and numbers texts and answers in the order of their first use.

local ARGS_BEFORE = 11 -- the texts come after them
local command_count, text_count, which = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]

-- The control record (Twin: src/hotpath/codec/control-codec.ts): "v2 epoch nonce sequence link clock_ms events carried
-- incarnation pause state"; absent where Redis has forgotten the partition (D10).
local CONTROL = "v2 %s %.0f %s %s %.0f %.0f %s %s %s"
local control = call("GET", control_key)
if not control then
  return { "NOT_READY forgotten", "0 -" }
end
local epoch, sequence, link, clock_text, events_total, carried_total, incarnation, pause, state =
  match(control, "^v2 (%d+ %w+) (%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (%S+) (%l+)$")
if not epoch then
  assert(match(control, "^%d+ %d+ %d+ %d+ %d+ %l+$"), "the partition's control record cannot be read")
  return { "NOT_READY unverified", "0 -" } -- of the release before: this one's worker has not verified it yet
elseif state == "fenced" or state == "clock" then
  return { "NOT_READY " .. state, epoch }
end
-- H11: only the incarnation of a primary that a worker has verified decides. Its name is new after every restart and promotion.
local replication = call("INFO", "replication")
if not string.find(replication, "role:master", 1, true) then
  return { "NOT_READY read-only", epoch }
elseif not string.find(replication, "master_replid:" .. incarnation, 1, true) then
  return { "NOT_READY unverified", epoch }
elseif epoch ~= ARGV[1] then
  return { "NOT_READY stale-epoch", epoch }
end
sequence, events_total, carried_total = tonumber(sequence), tonumber(events_total), tonumber(carried_total)
local carried_before = carried_total
-- This Redis lacks what the caller was answered, in the same incarnation: it went back unseen, as a snapshot of a machine does.
-- It would sell that again, so it counts as unverified from now on.
if sequence < tonumber(ARGV[2]) then
  call("SET", control_key, format(CONTROL, epoch, sequence, link, clock_text, events_total, carried_total, "-", pause, state))
  return { "NOT_READY behind", epoch }
end

-- D4: time never goes back. A leap that the caller's clock does not confirm closes the partition, because Redis drops keys by
-- its own clock. A batch that was on its way for long looks the same, so the caller is asked again first.
local CLOCK_LEAP_MS_MAX = 10000
local clock_ms = tonumber(clock_text)
local server_ms = server_time_ms()
local clock_note = "steady"
if server_ms < clock_ms then
  if clock_ms - server_ms > CLOCK_LEAP_MS_MAX then
    clock_note = "behind"
  end
  server_ms = clock_ms
elseif server_ms - clock_ms > CLOCK_LEAP_MS_MAX and math.abs(server_ms - tonumber(ARGV[3])) > CLOCK_LEAP_MS_MAX then
  if ARGV[8] ~= "confirm" then
    return { "NOT_READY clock-doubted", epoch }
  end
  call("SET", control_key, format(CONTROL, epoch, sequence, link, clock_text, events_total, carried_total, incarnation, pause,
    "clock"))
  return { "NOT_READY clock", epoch }
end
now_ms = server_ms
now_text = digits(now_ms)
tombstone_ms = tonumber(ARGV[6])
-- After a time in which the partition was closed, deadlines are late by its length ("length_ms:until_ms").
due_ms = now_ms
if pause ~= "0" then
  local length_ms, until_ms = match(pause, "^(%d+):(%d+)$")
  if now_ms < tonumber(until_ms) then
    due_ms = now_ms - tonumber(length_ms)
  else
    pause = "0"
  end
end

backlog_is_full = events_total - carried_total >= tonumber(ARGV[4])

found_records = command_count > 0 and call("MGET", unpack(all_keys, KEYS_BEFORE + 1, KEYS_BEFORE + command_count)) or {}

local more_due = false
local entries = call("ZRANGEBYSCORE", due_key, "-inf", digits(due_ms), "WITHSCORES", "LIMIT", 0, ENTRIES_MAX)
if #entries > 0 then
  more_due = reservations.return_due(entries, tonumber(ARGV[5]))
end

-- Decide ---------------------------------------------------------------------------------------------

-- The ledger has so many events of this history: the backlog shrinks, and entries below an id go (D7). The nonce says whose
-- ledger: a worker whose partition another ledger has taken over cuts nothing.
local trim_to
parsers["trim"] = function(text)
  local nonce, carried, to = match(text, "^trim (%w+) (%d+) (%d*%-%d*)$")
  return nonce and {
    run = function()
      if nonce ~= match(epoch, "%w+$") or tonumber(carried) > events_total then
        return "REFUSED invalid-command"
      end
      if tonumber(carried) >= carried_total then
        carried_total = tonumber(carried)
        trim_to = to ~= "-" and to or trim_to
      end
      return "DONE"
    end,
  } or nil
end

for i = ARGS_BEFORE + 1 + text_count, #ARGV do
  sales.customers[i - ARGS_BEFORE - text_count] = ARGV[i]
end

local answers, answer_count = { "", "" }, 0 -- the head is written last
local codes = {} -- answer -> its two characters
local which_answer, which_count = {}, 0 -- the characters of each command, or of a run with one answer

local function add_answer(answer, count)
  local code = codes[answer]
  if not code then
    local low = answer_count % 64
    code = string.char(35 + (answer_count - low) / 64, 35 + low)
    codes[answer] = code
    answer_count = answer_count + 1
    answers[2 + answer_count] = answer
  end
  which_count = which_count + 1
  which_answer[which_count] = count == 1 and code or string.rep(code, count)
end

-- Records of runs: the first command, the last, the text of all (false: as in `values`), when their keys may vanish. What this
-- batch did to one of them later is in `staged`; before the run it did nothing.
local runs, runs_count = {}, 0

-- The last of the commands from this one on that have the same text.
local run_last = 0
local function last_of_run(first)
  if text_count == 1 then
    return command_count
  elseif run_last < first then
    local code = sub(which, 2 * first - 1, 2 * first)
    run_last = first
    while sub(which, 2 * run_last + 1, 2 * run_last + 2) == code do
      run_last = run_last + 1
    end
  end
  return run_last
end

local commands, have_customers, customer_count = {}, {}, 0
-- Where most texts belong to a single command, reserves are tried as plain ones first.
local tries_plain = CONST.FAST_PATHS and text_count * 2 > command_count
local number = 1
at = 1
while at <= command_count do
  if text_count == command_count then
    number = at
  elseif text_count > 1 then
    local high, low = byte(which, 2 * at - 1, 2 * at)
    number = (high - 35) * 64 + low - 34
  end
  local key, value = all_keys[KEYS_BEFORE + at], found_records[at]
  local command, count = commands[number], 0
  if not command then
    local text = ARGV[ARGS_BEFORE + number]
    local has_customer = byte(text) == 64 -- "@"
    have_customers[number] = has_customer
    if tries_plain and not value and values[key] == nil then
      local answer = plain.reserve(text, key, has_customer and sales.customers[customer_count + 1])
      if answer then
        add_answer(answer, 1)
        count = 1
      end
    end
    if count == 0 then
      text = has_customer and sub(text, 2) or text
      local verb = match(text, "^[%l-]*")
      if not parsers[verb] then
        load_group(verb)
      end
      command = parsers[verb] and parsers[verb](text) or { run = function()
        return "REFUSED invalid-command"
      end }
      commands[number] = command
    end
  end
  local has_customer = have_customers[number]
  if count == 0 and CONST.FAST_PATHS and command.run_plan then
    local until_text, record, answer
    count, until_text, record, answer =
      run_handlers[command.run](command, at, last_of_run(at), has_customer and customer_count)
    if count > 0 then
      run_count = run_count + count
      event_count = event_count + count
      runs[runs_count + 1] = at
      runs[runs_count + 2] = at + count - 1
      runs[runs_count + 3] = record
      runs[runs_count + 4] = until_text
      runs_count = runs_count + 4
      if answer then
        add_answer(answer, count)
      else
        for i = at, at + count - 1 do
          add_answer(values[all_keys[KEYS_BEFORE + i]], 1)
        end
      end
    end
  end
  if count == 0 then
    count = 1
    if values[key] ~= nil then -- an earlier command of the batch, or time, has changed the record
      value = values[key]
    end
    local customer = has_customer and sales.customers[customer_count + 1] or nil
    add_answer(command.run(command, key, sub(key, id_start), value, customer), 1)
  end
  at = at + count
  if has_customer then
    customer_count = customer_count + count
  end
end
answers[2] = table.concat(which_answer)

-- Write ----------------------------------------------------------------------------------------------

-- In slices, because unpack fails beyond some 8,000 values.
local SLICE_MAX = 2000 -- an even number: names and texts
local function write_fields(key, fields)
  for from = 1, #fields, SLICE_MAX do
    call("HSET", key, unpack(fields, from, min(from + SLICE_MAX - 1, #fields)))
  end
end

-- Writes the records of this batch with one MSETEX for those of one expiry, each key once: the last to stage it counts.
local function set_together()
  local groups, counts, seen = {}, {}, {} -- by expiry: keys and texts in turn, and how many
  local function add(key, text, until_text)
    local group, count = groups[until_text], counts[until_text]
    if not group then
      group, count = {}, 0
      groups[until_text] = group
    end
    group[count + 1], group[count + 2] = key, text
    counts[until_text] = count + 2
  end
  for i = staged_count - 2, 1, -3 do
    local key = staged[i]
    if not seen[key] then
      seen[key] = true
      add(key, staged[i + 1], staged[i + 2])
    end
  end
  for run = 1, runs_count, 4 do
    local record, until_text = runs[run + 2], runs[run + 3]
    for i = runs[run], runs[run + 1] do
      local key = all_keys[KEYS_BEFORE + i]
      if not seen[key] then
        add(key, record or values[key], until_text)
      end
    end
  end
  for until_text, group in pairs(groups) do
    local count = counts[until_text]
    for from = 1, count, SLICE_MAX do
      local to = min(from + SLICE_MAX - 1, count)
      -- The expiry comes last, and only what comes last may be unpacked: it takes the place of the next slice for the call.
      local next_key, next_text = group[to + 1], group[to + 2]
      group[to + 1], group[to + 2] = "PXAT", until_text
      call("MSETEX", digits((to - from + 1) / 2), unpack(group, from, to + 2))
      group[to + 1], group[to + 2] = next_key, next_text
    end
  end
end

if CONST.HAS_MSETEX and event_count > 0 then
  -- An error where this server does not have it: a connection may have moved to another server since the engine looked.
  assert(redis.acl_check_cmd("MSETEX", "1", control_key, ""), "MSETEX is not allowed")
end
-- From here on only calls that cannot fail on what was read. XADD could, on a stream that somebody else wrote to: it is the
-- first, so that a failure changes nothing.
if event_count > 0 then
  close_run()
  sequence = sequence + 1
  events_total = events_total + event_count
  local checkpoints, count, item_texts = {}, 0, {}
  for i = 1, changed_count do
    local item, text = changed_items[i], plain.texts[i]
    if text then
      checkpoints[count + 1], checkpoints[count + 2], checkpoints[count + 3] = item, "@", plain.warehouses[i]
      count = count + 3
    else
      text = stock.write_item(item)
      checkpoints[count + 1] = item.name
      count = count + 1
    end
    item_texts[i] = text
    checkpoints[count + 1], checkpoints[count + 2], checkpoints[count + 3] = " ", text, "\n"
    count = count + 3
  end
  local entry_id = match(epoch, "^%d+") .. "-" .. digits(sequence)
  local new_link = ARGV[7]
  call("XADD", stream_key, entry_id, "at", now_text, "count", digits(events_total), "link", new_link .. " " .. link,
    "events", table.concat(event_parts, "", 2, part_count), "items", table.concat(checkpoints, "", 1, count - 1))
  link = new_link
  for i = 1, changed_count do
    local item = changed_items[i]
    if plain.texts[i] then
      call("HSET", sku_prefix .. item, plain.warehouses[i], item_texts[i])
    else
      call("HSET", sku_prefix .. item.sku, item.warehouse, item_texts[i])
    end
  end
  for _, sale in ipairs(sales.changed) do
    call("HSET", sku_prefix .. sale.sku, "*" .. sale.id, sales.write(sale))
  end
  for sku, fields in pairs(sales.dropped) do
    call("HDEL", sku_prefix .. sku, unpack(fields))
  end
  for id, quota in pairs(sales.quotas) do
    local fields = {}
    for i, customer in ipairs(quota.changed) do
      fields[2 * i - 1] = customer
      fields[2 * i] = quota.texts[customer] -- of one that changed twice, the last text twice
    end
    if #fields > 0 then
      local quota_key = key_prefix .. CONST.QUOTA_KEY .. id
      write_fields(quota_key, fields)
      call("PEXPIREAT", quota_key, digits(quota.sale.closes_at_ms + CONST.SALE_AFTERLIFE_MS + tombstone_ms))
    end
  end
  for id, texts_by_name in pairs(locks.sheets) do
    local fields = {}
    for name, text in pairs(texts_by_name) do
      fields[#fields + 1] = name
      fields[#fields + 1] = text
    end
    local sheet_key = key_prefix .. CONST.STOCKTAKE_KEY .. id
    write_fields(sheet_key, fields)
    -- No lock lasts longer, so the sheet outlives its locks by the tombstone time.
    call("PEXPIREAT", sheet_key, digits(now_ms + CONST.LEASE_MS_MAX + tombstone_ms))
  end
  if CONST.HAS_MSETEX then
    set_together()
  else
    for run = 1, runs_count, 4 do
      local record, until_text = runs[run + 2], runs[run + 3]
      for i = runs[run], runs[run + 1] do
        local key = all_keys[KEYS_BEFORE + i]
        call("SET", key, record or values[key], "PXAT", until_text)
      end
    end
    for i = 1, staged_count, 3 do
      call("SET", staged[i], staged[i + 1], "PXAT", staged[i + 2])
    end
  end
end
for _, item in ipairs(stock.lifted) do
  call("HSET", sku_prefix .. item.sku, item.warehouse, stock.write_item(item))
end
for _, item in ipairs(stock.quarantined) do
  call("HSET", sku_prefix .. item.sku, item.warehouse, "quarantined " .. stock.write_item(item))
end
if #reservations.returned > 0 then
  call("ZREM", due_key, unpack(reservations.returned))
end
-- An entry begins with its deadline and the sequence, both of a fixed width: entries of one deadline come back in the order they
-- were made, and no two entries are the same.
for expires_at_ms, ids in pairs(deadlines) do
  if #ids > 0 then
    local name = format("%015.0f-%015.0f ", expires_at_ms, sequence)
    call("ZADD", due_key, digits(expires_at_ms), name .. table.concat(ids, " "))
  end
end
if trim_to then
  call("XTRIM", stream_key, "MINID", trim_to)
end
-- A batch that changed nothing still moves the clock now and then, so that a leap differs from idleness.
if event_count > 0 or carried_total > carried_before or ARGV[8] == "write" or now_ms - clock_ms >= 1000 then
  call("SET", control_key, format(CONTROL, epoch, sequence, link, now_text, events_total, carried_total, incarnation, pause,
    state))
end

answers[1] = format("OK %s %.0f %s %s %.0f %.0f %d %s", epoch, sequence, link, now_text, events_total, carried_total,
  more_due and 1 or 0, clock_note)
return answers
