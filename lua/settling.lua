-- What confirm, release and extend share: the open reservation a command is about, and the part of it that it names.
-- Twin: Inventory.#open, splitLines.

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
