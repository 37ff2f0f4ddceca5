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

