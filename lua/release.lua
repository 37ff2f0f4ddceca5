-- release parts|* operation actor: a cancellation returns all that is held, or a part while the rest stays held.
-- Twin: release in src/domain/orders.ts. Answers: as confirm, and REFUSED too-many-partial-releases.

local function release_plain(command, plan, key, order_id, value)
  local is_near_line = false
  for i = 1, #plan.items do
    local item, quantity = plan.items[i], plan.lines[i].quantity
    item.available = item.available + quantity
    item.reserved = item.reserved - quantity
    item.version = item.version + 1
    if not item.is_changed then
      mark_changed(item)
    end
    is_near_line = is_near_line or item.is_low
  end
  plan.event_end = plan.event_end
    or " " .. command.actor .. " " .. plan.lines_text .. " cancelled " .. command.operation
  emit_of_run("InventoryReleased ", order_id, plan.event_end)
  if is_near_line then
    for i = 1, #plan.items do
      watch_stock(plan.items[i], command.actor)
    end
  end
  return keep_settled(plan, key, value, "RELEASED")
end

local function release(command, key, order_id, value)
  local plan = plain_plan(command, value)
  if plan then
    return release_plain(command, plan, key, order_id, value)
  end
  local reservation, answer, settled = open_reservation(command, key, order_id, value)
  if not reservation then
    if settled and settled.status == "RELEASED" and not command.parts then
      return "REPLAYED " .. (values[key] or value) -- all of it is back already, whoever brought it
    end
    return answer
  end
  local returned, rest = parts_of(command, reservation.lines)
  if not returned then
    return rest
  end
  if command.parts then
    local _, separators = string.gsub(reservation.operations, ";", ";")
    if #rest > 0 and reservation.operations ~= "" and separators + 1 >= PARTIAL_RELEASES_MAX then
      return "REFUSED too-many-partial-releases"
    end
  end
  for _, line in ipairs(returned) do
    change(item_of(line), 0, line.quantity, -line.quantity, 0)
  end
  tally(reservation, returned, "held", "released")
  local returned_text = command.parts and write_lines(returned) or reservation.lines_text
  emit("InventoryReleased " .. order_id .. " " .. command.actor .. " " .. returned_text .. " cancelled " .. command.operation)
  for _, line in ipairs(returned) do
    watch_stock(item_of(line), command.actor)
  end
  if #rest > 0 then
    reservation.lines_text = write_lines(rest)
  else
    settle(reservation, "RELEASED")
  end
  remember(reservation, command.operation)
  return "DONE " .. keep_reservation(key, reservation)
end

readers["release"] = function(text)
  local parts_text, operation, actor = string.match(text, "^release (%S+) (r%S+) (%S+)$")
  local parts = parts_text and parts_text ~= "*" and read_parts(parts_text) or nil
  if not parts_text or (parts_text ~= "*" and not parts) then
    return nil
  end
  return { run = release, parts = parts, plans = {}, operation = operation, actor = actor }
end
