-- A payment that came too late takes the stock again, in the same step, or is filed for people to resolve.
-- Twin: reacquire in src/model/orders.ts.
-- Answers: DONE reservation | REFUSED paid-but-short sku@warehouse=requested:available,... |
-- stocktake-in-progress items | quarantined items | exceeds-reservation ...
-- The hold of an expired order is gone, so it competes with all others, but what its sale and its customer were granted when it
-- was made stays granted.

-- The lines to take: in the warehouses that held them if they can, else, where the order named no warehouse, in any that can.
-- Nil and the refusal where none can.
local function plan_again(reservation, lines, sale)
  local plan = { lines = lines, terms = { candidates = "-" } }
  local planned, refusal = allocation.plan_lines(plan, sale)
  if planned then
    return planned
  end
  local asked = {}
  for _, line in ipairs(codec.read_lines(match(reservation.fingerprint, "^%d+;([^;]+)"))) do
    asked[line.sku .. "@" .. line.warehouse] = true
  end
  local wanted, units = {}, {}
  for _, line in ipairs(lines) do
    if not asked[line.sku .. "@*"] then
      wanted[#wanted + 1] = line
    elseif units[line.sku] then
      units[line.sku].quantity = units[line.sku].quantity + line.quantity
    else
      units[line.sku] = { sku = line.sku, warehouse = "*", quantity = line.quantity }
      wanted[#wanted + 1] = units[line.sku]
    end
  end
  if not next(units) then
    return nil, refusal
  end
  plan.lines, plan.terms.splits = wanted, string.find(reservation.fingerprint, ";split$") ~= nil
  return allocation.plan_lines(plan, sale)
end

-- Tells people once: the operation stays on the reservation.
local function file_short(key, order_id, reservation, lines, actor)
  if reservations.remembers(reservation, CONST.SHORT_OPERATION) then
    return
  end
  for _, line in ipairs(lines) do
    stock.change(stock.item_at(line), 0, 0, 0, 0)
  end
  emit("PaymentCameShort " .. order_id .. " " .. actor .. " " .. codec.write_lines(lines))
  reservations.remember(reservation, CONST.SHORT_OPERATION)
  reservations.stage(key, reservation)
end

local function reacquire(command, key, order_id, reservation)
  local lines, excess = parts_of(command, reservation.lines)
  if not lines then
    return excess
  end
  for _, line in ipairs(lines) do
    local item = stock.item_at(line)
    if not item or item.is_broken then
      return "REFUSED quarantined " .. line.sku .. "@" .. line.warehouse
    end
  end
  local sale, units = nil, 0
  if reservation.sale then
    sale, units = sales.find_in_lines(reservation.sale, lines)
  end
  -- A sale that has closed or sold out since sets nothing aside for this order.
  local planned, refusal = plan_again(reservation, lines, sale and sales.left_in(sale) >= units and sale or nil)
  if not planned then
    local short = match(refusal, "^REFUSED insufficient%-stock (.+)$")
    if not short then
      return refusal
    end
    file_short(key, order_id, reservation, lines, command.actor)
    return "REFUSED paid-but-short " .. short
  end
  for _, line in ipairs(planned) do
    stock.change(stock.item_at(line), 0, -line.quantity, 0, line.quantity)
  end
  if sale then
    sales.count_ended(sale, units, reservation.customer, "expired", "sold")
  end
  reservation.lines_text = codec.write_lines(planned)
  emit("InventoryReacquired " .. order_id .. " " .. command.actor .. " " .. reservation.lines_text .. " " .. command.operation)
  for _, line in ipairs(planned) do
    stock.watch_stock(stock.item_at(line), command.actor)
  end
  reservations.resolve(reservation, "CONFIRMED")
  reservations.remember(reservation, command.operation)
  return "DONE " .. reservations.stage(key, reservation)
end
