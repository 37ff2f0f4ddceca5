-- extend hold_ms actor: a live hold lasts this long from now; it never gets shorter, and its life is capped (BR-003).
-- Twin: extend in src/model/orders.ts. Answers: as confirm, and REFUSED lifetime-exceeded latest_expires_at_ms.

local function extend(command, key, order_id, value)
  local reservation, answer = open_reservation(command, key, order_id, value)
  if not reservation then
    return answer
  end
  local expires_at_ms = now_ms + command.hold_ms
  if expires_at_ms <= reservation.expires_at_ms then
    return "REPLAYED " .. value
  end
  local latest_ms = tonumber(reservation.reserved_at) + CONST.LIFETIME_MS_MAX
  if expires_at_ms > latest_ms then
    return "REFUSED lifetime-exceeded " .. digits(latest_ms)
  end
  for _, line in ipairs(reservation.lines) do
    stock.change(stock.item_at(line), 0, 0, 0, 0)
  end
  reservation.expires_at_ms = expires_at_ms
  watch_deadline(order_id, expires_at_ms)
  emit("ReservationExtended " .. order_id .. " " .. command.actor .. " " .. reservation.lines_text .. " "
    .. digits(expires_at_ms))
  return "DONE " .. reservations.stage(key, reservation)
end

parsers["extend"] = function(text)
  local hold_text, actor = match(text, "^extend (%d+) (%S+)$")
  local hold_ms = hold_text and codec.read_number(hold_text, CONST.LIFETIME_MS_MAX)
  return hold_ms and codec.is_id(actor) and { run = extend, hold_ms = hold_ms, actor = actor } or nil
end
