-- confirm parts|* actor reacquire|- warehouse|-: a payment turns held units into sold ones; what a partial confirm leaves over
-- returns at once. The ledger proposes transfers to the named warehouse from others that serve the order.
-- Twin: confirm in src/model/orders.ts.
-- Answers: DONE reservation | reservation | REPLAYED reservation | REFUSED unknown-reservation |
-- already-confirmed reservation | already-released reservation | reservation-expired reservation |
-- exceeds-reservation sku=requested:held,... | stocktake-in-progress items | quarantined items; late ones also
-- paid-but-short as reserve's insufficient-stock.

local function confirm(command, key, order_id, value)
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
  local refusal = reservations.refuse_locked(reservation.lines)
  if refusal then
    return refusal
  end
  for _, line in ipairs(sold) do
    stock.change(stock.item_at(line), 0, 0, -line.quantity, line.quantity)
  end
  reservations.count_in_sale(reservation, sold, "held", "sold")
  if #rest > 0 then
    reservation.lines_text = codec.write_lines(sold)
  end
  emit("InventoryDeducted " .. order_id .. " " .. command.actor .. " " .. reservation.lines_text .. " "
    .. command.operation .. " " .. command.propose)
  if #rest > 0 then
    for _, line in ipairs(rest) do
      stock.change(stock.item_at(line), 0, line.quantity, -line.quantity, 0)
    end
    reservations.count_in_sale(reservation, rest, "held", "released")
    emit("InventoryReleased " .. order_id .. " " .. command.actor .. " " .. codec.write_lines(rest) .. " remainder -")
    for _, line in ipairs(rest) do
      stock.watch_stock(stock.item_at(line), command.actor)
    end
  end
  reservations.resolve(reservation, "CONFIRMED")
  reservations.remember(reservation, command.operation)
  return "DONE " .. reservations.stage(key, reservation)
end

run_handlers[confirm] = resolve_run

parsers["confirm"] = function(text)
  local parts_text, actor, if_late, propose = match(text, "^confirm (%S+) (%S+) (%S+) (%S+)$")
  local parts = parts_text and parts_text ~= "*" and read_parts(parts_text) or nil
  if not parts_text or (parts_text ~= "*" and not parts) or not codec.is_id(actor)
    or (if_late ~= "-" and if_late ~= "reacquire") then
    return nil
  end
  local operation = "c" .. parts_text
  return {
    run = confirm,
    parts = parts,
    run_plan = not parts and {},
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
