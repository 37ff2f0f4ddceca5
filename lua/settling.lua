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
  local rest = string.sub(value, 22) -- behind thirteen digits of milliseconds, which last until 2286
  local plan = command.plans[rest]
  if plan == nil then
    plan = false
    local reservation = read_reservation(value)
    local items = reservation and items_of(reservation.lines)
    if items and not string.find(rest, " .* ") then
      plan = {
        hold_ms = reservation.expires_at_ms - tonumber(reservation.reserved_at),
        lines = reservation.lines,
        lines_text = reservation.lines_text,
        items = items,
        tail = " " .. rest .. " - " .. now_text .. " " .. command.operation,
      }
    end
    command.plans[rest] = plan
  end
  local reserved_at = plan and tonumber(string.sub(value, 8, 20))
  if not reserved_at or reserved_at + plan.hold_ms <= now_ms then
    return nil
  end
  for i = 1, #plan.items do
    local item = plan.items[i]
    if item.is_broken or item.stocktake or item.reserved < plan.lines[i].quantity then
      return nil
    end
  end
  return plan
end

-- Writes an order of a plan as settled. The record is the answer as it is, because another text made for each order is a
-- tenth of what it costs.
local function keep_settled(plan, key, value, status)
  local text = status .. " " .. string.sub(value, 8, 20) .. plan.tail
  plan.until_text = plan.until_text or digits(now_ms + tombstone_ms)
  keep(key, text, plan.until_text)
  return text
end
