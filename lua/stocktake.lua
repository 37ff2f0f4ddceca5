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
