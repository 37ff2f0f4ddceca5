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
