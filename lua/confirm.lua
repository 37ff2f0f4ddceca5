-- confirm parts|* actor: a payment turns the hold into a sale; what a partial confirm leaves over returns at once.
-- Twin: Inventory.confirm. Answers: DONE reservation | REPLAYED reservation | REFUSED unknown-reservation |
-- already-confirmed reservation | already-released reservation | reservation-expired reservation |
-- exceeds-reservation sku=requested:held,... | quarantined items

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

-- The reservation this command is about, open and with items that can be touched; or the answer that ends it.
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
    return nil, refuse_settled(reservation.status, values[key] or value), reservation.status
  end
  local items, refusal = items_of(reservation.lines)
  if not items then
    return nil, refusal
  end
  return reservation
end

local function confirm(command, key, order_id, value)
  local reservation, answer = open_reservation(command, key, order_id, value)
  if not reservation then
    return answer
  end
  local sold, rest = reservation.lines, {}
  if command.parts then
    sold, rest = split_lines(reservation.lines, command.parts)
    if not sold then
      return rest
    end
  end
  for _, line in ipairs(sold) do
    change(item_of(line), 0, 0, -line.quantity, line.quantity)
  end
  if #rest > 0 then
    reservation.lines_text = write_lines(sold)
  end
  emit("InventoryDeducted " .. order_id .. " " .. command.actor .. " " .. reservation.lines_text .. " " .. command.operation)
  if #rest > 0 then
    for _, line in ipairs(rest) do
      change(item_of(line), 0, line.quantity, -line.quantity, 0)
    end
    emit("InventoryReleased " .. order_id .. " " .. command.actor .. " " .. write_lines(rest) .. " remainder -")
    for _, line in ipairs(rest) do
      watch_stock(item_of(line), command.actor)
    end
  end
  settle(reservation, "CONFIRMED")
  remember(reservation, command.operation)
  return "DONE " .. keep_reservation(key, reservation)
end

readers["confirm"] = function(text)
  local parts_text, actor = string.match(text, "^confirm (%S+) (%S+)$")
  local parts = parts_text and parts_text ~= "*" and read_parts(parts_text) or nil
  if not parts_text or (parts_text ~= "*" and not parts) then
    return nil
  end
  return { run = confirm, parts = parts, actor = actor, operation = "c" .. parts_text }
end
