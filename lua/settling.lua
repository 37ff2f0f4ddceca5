-- What confirm, release and extend share: the open reservation a command is about, and the part of it that it names.
-- Twin: openReservation in src/domain/orders.ts, splitLines in reservation.ts.

need("record")

-- "sku=quantity,..." as a list, or nil where the text is anything else.
local function read_parts(text)
  local parts, texts = {}, {}
  for sku, quantity in string.gmatch(text, "([^@,=]+)=(%d+)") do
    local number = #quantity <= 10 and tonumber(quantity) or 0
    if number < 1 or number > QUANTITY_MAX then
      return nil
    end
    parts[#parts + 1] = { sku = sku, quantity = number }
    texts[#texts + 1] = sku .. "=" .. quantity
  end
  if #parts == 0 or #parts > LINES_MAX or table.concat(texts, ",") ~= text then
    return nil
  end
  return parts
end

-- Splits what is held into the named part and the rest, in the order of the lines. Nil and a refusal where more is
-- named than held.
local function split_lines(lines, parts)
  local held = {}
  for _, line in ipairs(lines) do
    held[line.sku] = (held[line.sku] or 0) + line.quantity
  end
  local wanted, excess = {}, {}
  for _, part in ipairs(parts) do
    wanted[part.sku] = part.quantity
    if part.quantity > (held[part.sku] or 0) then
      excess[#excess + 1] = string.format("%s=%d:%d", part.sku, part.quantity, held[part.sku] or 0)
    end
  end
  if #excess > 0 then
    return nil, "REFUSED exceeds-reservation " .. table.concat(excess, ",")
  end
  local named, rest = {}, {}
  for _, line in ipairs(lines) do
    local take = math.min(line.quantity, wanted[line.sku] or 0)
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

local function refuse_settled(status, value)
  if status == "CONFIRMED" then
    return "REFUSED already-confirmed " .. value
  elseif status == "RELEASED" then
    return "REFUSED already-released " .. value
  end
  return "REFUSED reservation-expired " .. value
end

-- The reservation this command is about, open and with items that can be touched; or nil, the answer that ends it, and
-- the reservation where it is settled.
local function open_reservation(command, key, order_id, value)
  if not value then
    return nil, "REFUSED unknown-reservation"
  end
  local reservation = read_reservation(value)
  if not reservation then
    return nil, UNREADABLE
  end
  if command.operation and remembers(reservation, command.operation) then
    return nil, "REPLAYED " .. value
  end
  expire_when_due(key, order_id, reservation)
  if reservation.status ~= "ACTIVE" then
    return nil, refuse_settled(reservation.status, values[key] or value), reservation
  end
  local items, refusal = items_of(reservation.lines)
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

-- Most orders are settled as a whole, once, as they were reserved: "ACTIVE reserved_at hold lines" and nothing else is
-- known of them. What such an order comes to is then the same for all of its kind but for its id and the time it was
-- reserved at, so a batch finds it out once. Nil where more has to be looked at.
local function plain_plan(command, value)
  if not value or command.parts or string.byte(value, 21) ~= 32 or string.sub(value, 1, 7) ~= "ACTIVE " then
    return nil
  end
  local rest = string.sub(value, 21) -- behind thirteen digits of milliseconds, which last until 2286
  local plan = command.plans[rest]
  if plan == nil then
    plan = false
    local reservation = read_reservation(value)
    local items = reservation and items_of(reservation.lines)
    if items and not string.find(rest, "^ .* .* ") then
      plan = {
        rest = rest,
        hold_ms = reservation.expires_at_ms - tonumber(reservation.reserved_at),
        lines = reservation.lines,
        items = items,
        tail = rest .. " - " .. now_text .. " " .. command.operation,
        event_end = " " .. command.actor .. " " .. reservation.lines_text .. command.event_tail,
        texts = false, -- reserved_at -> the record of such an order when it is settled, which is the answer too
      }
    end
    command.plans[rest] = plan
  end
  return plan or nil
end

-- How many orders of a plan can be settled, as far as its items tell.
local function room_in(plan)
  local count = QUANTITY_MAX
  for i = 1, #plan.items do
    local item = plan.items[i]
    if item.is_broken or item.stocktake then
      return 0
    end
    count = math.min(count, math.floor(item.reserved / plan.lines[i].quantity))
  end
  return count
end

-- The record of an order of a plan when it is settled, by when it was reserved; nil where it is due.
local function settled_text(command, plan, reserved_at)
  local reserved_at_ms = tonumber(reserved_at)
  return reserved_at_ms and reserved_at_ms + plan.hold_ms > now_ms and command.status .. reserved_at .. plan.tail or nil
end

local settled_until_text
-- When the record of an order that is settled now may vanish.
local function settled_until()
  settled_until_text = settled_until_text or digits(now_ms + tombstone_ms)
  return settled_until_text
end

-- Units of so many orders of a plan go from reserved to where the command takes them.
local function settle_units(command, plan, count)
  for i = 1, #plan.items do
    local item, units = plan.items[i], count * plan.lines[i].quantity
    item.reserved = item.reserved - units
    if command.sells then
      item.sold = item.sold + units
    else
      item.available = item.available + units
    end
    item.version = item.version + count
    if not item.is_changed then
      mark_changed(item)
    end
  end
end

-- The first order of its kind in the batch; nil where more has to be looked at.
local function settle_plain(command, key, order_id, value)
  local plan = plain_plan(command, value)
  local text = plan and room_in(plan) > 0 and settled_text(command, plan, sub(value, 8, 20))
  if not text then
    return nil
  end
  settle_units(command, plan, 1)
  emit_of_run(command.event_type, order_id, plan.event_end)
  if not command.sells then
    for i = 1, #plan.items do
      if plan.items[i].is_low then
        watch_stock(plan.items[i], command.actor)
      end
    end
  end
  keep(key, text, settled_until())
  command.again = plan
  return text
end

-- Those behind it. See `alike`.
local function settle_alike(command, first, last)
  local plan = command.again
  local rest, texts = plan.rest, plan.texts or {}
  local value = found_records[first]
  if not value or sub(value, 21) ~= rest then
    return 0
  end
  last = math.min(last, first - 1 + room_in(plan))
  for i = 1, #plan.items do
    if plan.items[i].is_low and not command.sells then
      return 0
    end
  end
  plan.texts = texts
  local ids, ids_count = run_ids, run_count
  local n = first
  while n <= last do
    local key = all_keys[KEYS_BEFORE + n]
    value = found_records[n]
    if not value or values[key] ~= nil or sub(value, 21) ~= rest or sub(value, 1, 7) ~= "ACTIVE " then
      break
    end
    local reserved_at = sub(value, 8, 20)
    local text = texts[reserved_at] or settled_text(command, plan, reserved_at)
    if not text then
      break
    elseif n == first and (run_end ~= plan.event_end or run_type ~= command.event_type) then
      open_run(command.event_type, plan.event_end)
      ids_count = 0
    end
    n = n + 1
    texts[reserved_at] = text
    values[key] = text
    ids[ids_count + n - first] = sub(key, id_start)
  end
  settle_units(command, plan, n - first)
  return n - first, settled_until()
end
