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
