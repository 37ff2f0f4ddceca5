-- confirm parts|* actor reacquire|- warehouse|-: a payment turns the hold into a sale; what a partial confirm leaves over
-- returns at once. What other warehouses than the named one serve is proposed as a transfer to it.
-- Twin: confirm in src/domain/orders.ts.
-- Answers: DONE reservation | reservation | REPLAYED reservation | REFUSED unknown-reservation |
-- already-confirmed reservation | already-released reservation | reservation-expired reservation |
-- exceeds-reservation sku=requested:held,... | stocktake-in-progress items | quarantined items; late ones also
-- paid-but-short as reserve's insufficient-stock.

local function confirm(command, key, order_id, value)
  local text = settle_plain(command, key, order_id, value)
  if text then
    return text
  end
  local reservation, answer, settled = open_reservation(command, key, order_id, value)
  if not reservation then
    if settled and settled.status == "EXPIRED" and command.reacquires then
      return reacquire(command, key, order_id, settled)
    end
    return answer
  end
  local sold, rest = parts_of(command, reservation.lines)
  if not sold then
    return rest
  end
  local refusal = refuse_locked(reservation.lines)
  if refusal then
    return refusal
  end
  for _, line in ipairs(sold) do
    change(item_of(line), 0, 0, -line.quantity, line.quantity)
  end
  tally(reservation, sold, "held", "sold")
  if #rest > 0 then
    reservation.lines_text = write_lines(sold)
  end
  emit("InventoryDeducted " .. order_id .. " " .. command.actor .. " " .. reservation.lines_text .. " "
    .. command.operation .. " " .. command.propose)
  if #rest > 0 then
    for _, line in ipairs(rest) do
      change(item_of(line), 0, line.quantity, -line.quantity, 0)
    end
    tally(reservation, rest, "held", "released")
    emit("InventoryReleased " .. order_id .. " " .. command.actor .. " " .. write_lines(rest) .. " remainder -")
    for _, line in ipairs(rest) do
      watch_stock(item_of(line), command.actor)
    end
  end
  settle(reservation, "CONFIRMED")
  remember(reservation, command.operation)
  return "DONE " .. keep_reservation(key, reservation)
end

alike[confirm] = settle_alike

readers["confirm"] = function(text)
  local parts_text, actor, if_late, propose = string.match(text, "^confirm (%S+) (%S+) (%S+) (%S+)$")
  local parts = parts_text and parts_text ~= "*" and read_parts(parts_text) or nil
  if not parts_text or (parts_text ~= "*" and not parts) or (if_late ~= "-" and if_late ~= "reacquire") then
    return nil
  end
  local operation = "c" .. parts_text
  return {
    run = confirm,
    parts = parts,
    plans = {},
    again = false,
    sells = true,
    status = "CONFIRMED ",
    event_type = "InventoryDeducted ",
    event_tail = " " .. operation .. " " .. propose,
    actor = actor,
    operation = operation,
    reacquires = if_late == "reacquire",
    propose = propose,
  }
end
