#!lua
-- Shared by all commands: keys, limits, the records a batch touches, and how they are read and changed.
-- Twin: src/domain/inventory.ts. Nothing here writes to Redis; batch.lua commits everything once, at the end.
-- Reading comes before the first write, so an error while reading leaves no trace (Redis does not roll back).

local call = redis.call
local control_key, stream_key, due_key = KEYS[1], KEYS[2], KEYS[3]
-- Keys learnt inside a batch (due reservations, their SKUs) bear the partition's hash tag like those in KEYS.
local key_prefix = string.sub(control_key, 1, -1 - #"control")
local reservation_prefix = key_prefix .. "r:"
local sku_prefix = key_prefix .. "s:"

-- Limits of src/domain/language.ts; a test compares them.
local QUANTITY_MAX = 1000000000
local LINES_MAX = 100
local LIFETIME_MS_MAX = 86400000
local PARTIAL_RELEASES_MAX = 20
-- A reservation whose item is broken is looked at again after this time instead of blocking the index.
local POSTPONE_MS = 60000

local now_ms, now_text -- one instant for the whole batch, see batch.lua
local tombstone_ms -- how long a settled reservation still tells how it ended
local backlog_is_full = false -- the ledger is too far behind to promise more (D13)

-- Records: reservations and movements ----------------------------------------------------------------

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

local lines_read = {} -- text -> lines; texts repeat within a batch, so each is read and checked once

-- "sku@warehouse=quantity,..." as a list, or nil where the text is anything else.
local function read_lines(text)
  local lines = lines_read[text]
  if lines ~= nil then
    return lines or nil
  end
  lines = {}
  local parts = {}
  for sku, warehouse, quantity in string.gmatch(text, "([^@,=]+)@([^@,=]+)=(%d+)") do
    local number = #quantity <= 10 and tonumber(quantity) or 0
    if number < 1 or number > QUANTITY_MAX then
      lines_read[text] = false
      return nil
    end
    lines[#lines + 1] = { sku = sku, warehouse = warehouse, quantity = number }
    parts[#parts + 1] = sku .. "@" .. warehouse .. "=" .. quantity
  end
  if #lines == 0 or #lines > LINES_MAX or table.concat(parts, ",") ~= text then
    lines_read[text] = false
    return nil
  end
  lines_read[text] = lines
  return lines
end

local function write_lines(lines)
  local parts = {}
  for i, line in ipairs(lines) do
    parts[i] = string.format("%s@%s=%d", line.sku, line.warehouse, line.quantity)
  end
  return table.concat(parts, ",")
end

-- "status reserved_at_ms held_for_ms lines [asked resolved_at_ms operations]": the text of a reservation.
-- held_for_ms rather than the deadline, because it makes what was asked derivable: most records need no more.
local STATUSES = { ACTIVE = true, CONFIRMED = true, RELEASED = true, EXPIRED = true }

-- Nil for a text that this program did not write: such a reservation is left alone and named, the rest goes on.
local function read_reservation(value)
  local status, reserved_at, held_for, lines_text, rest = string.match(value, "^(%u+) (%d+) (%d+) (%S+)(.*)$")
  local lines = STATUSES[status] and read_lines(lines_text)
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
    local asked, operations
    asked, reservation.resolved_at, operations = string.match(rest, "^ (%S+) (%S+) (%S+)$")
    if not asked then
      return nil
    end
    reservation.asked = asked ~= "-" and asked or nil
    reservation.operations = operations ~= "-" and operations or ""
  end
  reservation.asked = reservation.asked or (held_for .. ";" .. lines_text)
  return reservation
end

local function write_reservation(reservation)
  local held_for = digits(reservation.expires_at_ms - tonumber(reservation.reserved_at))
  local text = reservation.status .. " " .. reservation.reserved_at .. " " .. held_for .. " " .. reservation.lines_text
  local asked = reservation.asked == held_for .. ";" .. reservation.lines_text and "-" or reservation.asked
  if asked == "-" and not reservation.resolved_at and reservation.operations == "" then
    return text
  end
  local operations = reservation.operations == "" and "-" or reservation.operations
  return text .. " " .. asked .. " " .. (reservation.resolved_at or "-") .. " " .. operations
end

local UNREADABLE = "REFUSED quarantined -"

local function remembers(reservation, operation)
  return string.find(";" .. reservation.operations .. ";", ";" .. operation .. ";", 1, true) ~= nil
end

local function remember(reservation, operation)
  reservation.operations = reservation.operations == "" and operation or reservation.operations .. ";" .. operation
end

-- Writes a reservation back; a settled one lives on as a tombstone, an open one until its hold and tombstone end.
local function keep_reservation(key, reservation)
  local last_ms = reservation.status == "ACTIVE" and reservation.expires_at_ms or now_ms
  local value = write_reservation(reservation)
  keep(key, value, digits(last_ms + tombstone_ms))
  return value
end

local function settle(reservation, status)
  reservation.status = status
  reservation.resolved_at = now_text
end

-- Items ----------------------------------------------------------------------------------------------

local skus = {} -- sku -> warehouse -> item
local changed_items, changed_count = {}, 0

-- "total available reserved sold version safety_stock is_low": the text of an item. With "quarantined" before it, or
-- anything else, the item is left alone.
local function read_item(sku, warehouse, value)
  local item = { sku = sku, warehouse = warehouse, name = sku .. "@" .. warehouse }
  local total, available, reserved, sold, version, safety_stock, is_low =
    string.match(value, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) ([01])$")
  -- BR-001 and BR-004 on the way in: an item that breaks them is left alone, and nothing is sold from it.
  if not total or tonumber(total) ~= available + reserved + sold or tonumber(total) > QUANTITY_MAX then
    item.is_broken = true
    return item
  end
  item.total, item.available, item.reserved = tonumber(total), tonumber(available), tonumber(reserved)
  item.sold, item.version = tonumber(sold), tonumber(version)
  item.safety_stock, item.is_low = tonumber(safety_stock), is_low == "1"
  return item
end

local function write_item(item)
  -- BR-001 and BR-004 on the way out, before the first write: a defect here fails the batch and changes nothing.
  assert(
    item.available >= 0 and item.reserved >= 0 and item.sold >= 0
      and item.total == item.available + item.reserved + item.sold
      and item.total <= QUANTITY_MAX,
    "BR-001 or BR-004 broken by " .. item.name
  )
  return string.format("%d %d %d %d %.0f %d %d", item.total, item.available, item.reserved, item.sold, item.version,
    item.safety_stock, item.is_low and 1 or 0)
end

local function warehouses_of(sku)
  local warehouses = skus[sku]
  if not warehouses then
    warehouses = {}
    local flat = call("HGETALL", sku_prefix .. sku)
    for i = 1, #flat, 2 do
      warehouses[flat[i]] = read_item(sku, flat[i], flat[i + 1])
    end
    skus[sku] = warehouses
  end
  return warehouses
end

local function item_of(line)
  return warehouses_of(line.sku)[line.warehouse]
end

-- Events ---------------------------------------------------------------------------------------------

local events, event_count = {}, 0 -- texts in order; how many events they are
local run_end, run_ids, run_count = nil, nil, 0 -- orders that reserved the same content one after the other

-- Orders of a flash sale ask for the same: such a run of reservations is one text with many ids.
local function close_run()
  if run_end then
    events[#events + 1] = "InventoryReserved " .. table.concat(run_ids, ",") .. run_end
    run_end = nil
  end
end

local function emit(text)
  close_run()
  event_count = event_count + 1
  events[#events + 1] = text
end

-- `event_end` is all of the event behind the order's id.
local function emit_reserved(order_id, event_end)
  if run_end ~= event_end then
    close_run()
    run_end, run_ids, run_count = event_end, {}, 0
  end
  event_count = event_count + 1
  run_count = run_count + 1
  run_ids[run_count] = order_id
end

local function mark_changed(item)
  item.is_changed = true
  changed_count = changed_count + 1
  changed_items[changed_count] = item
end

-- One step of an item's life. Every event line raises the version by one, so versions are gapless.
local function change(item, total, available, reserved, sold)
  item.total = item.total + total
  item.available = item.available + available
  item.reserved = item.reserved + reserved
  item.sold = item.sold + sold
  item.version = item.version + 1
  if not item.is_changed then
    mark_changed(item)
  end
end

-- BR-005: fires at the crossing of available, once; re-armed when available is back at the line.
local function watch_stock(item, actor)
  if item.available >= item.safety_stock then
    item.is_low = false
  elseif not item.is_low then
    item.is_low = true
    change(item, 0, 0, 0, 0)
    emit(string.format("LowStockAlertTriggered - %s %s=%d %d", actor, item.name, item.available, item.safety_stock))
  end
end

-- The items of a reservation's lines, or the refusal that names those which cannot be touched.
local function items_of(lines)
  local items, broken = {}, {}
  for i, line in ipairs(lines) do
    local item = item_of(line)
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

-- Deadlines (D5): ids of holds by the time they are due; the batch pays one index entry per deadline.
local deadlines = {} -- expires_at_ms -> list of order ids

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
-- else a table with `run(command, key, id, value)`, shared by all commands of the batch with the same text; `value` is
-- the record as it stands, false where there is none.
local readers = {}
