-- A payment that came too late takes the stock again, in the same step, or is filed for people to resolve.
-- Twin: reacquire in src/domain/orders.ts.
-- Answers: DONE reservation | REFUSED paid-but-short sku@warehouse=requested:available,... |
-- stocktake-in-progress items | quarantined items | exceeds-reservation ...
-- The hold of an expired order is gone: it queues with everybody else, but keeps what its sale and its customer were
-- granted when it was made.

local SHORT = "short" -- on the reservation's operations: people have been told once

-- The lines to take, in the warehouses that held them if those still can; else, where the order named no warehouse, in
-- any that can. Answers nil and the refusal where none can.
local function plan_again(reservation, lines, sale)
  local plan = { lines = lines, terms = { candidates = "-" } }
  local planned, refusal = need("plan_lines")(plan, sale)
  if planned then
    return planned
  end
  local asked = {}
  for _, line in ipairs(read_lines(string.match(reservation.asked, "^%d+;([^;]+)"))) do
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
  plan.lines, plan.terms.splits = wanted, string.find(reservation.asked, ";split$") ~= nil
  return need("plan_lines")(plan, sale)
end

local function file_short(key, order_id, reservation, lines, actor)
  if remembers(reservation, SHORT) then
    return
  end
  for _, line in ipairs(lines) do
    change(item_of(line), 0, 0, 0, 0)
  end
  emit("PaymentCameShort " .. order_id .. " " .. actor .. " " .. write_lines(lines))
  remember(reservation, SHORT)
  keep_reservation(key, reservation)
end

local function reacquire(command, key, order_id, reservation)
  local lines, excess = parts_of(command, reservation.lines)
  if not lines then
    return excess
  end
  for _, line in ipairs(lines) do
    local item = item_of(line)
    if not item or item.is_broken then
      return "REFUSED quarantined " .. line.sku .. "@" .. line.warehouse
    end
  end
  local sale, units = nil, 0
  if reservation.sale then
    need("sale")
    sale, units = sale_among(reservation.sale, lines)
  end
  -- A sale that is closed or sold out since has nothing set aside for this order any more.
  local planned, refusal = plan_again(reservation, lines, sale and left_in(sale) >= units and sale or nil)
  if not planned then
    local short = string.match(refusal, "^REFUSED insufficient%-stock (.+)$")
    if not short then
      return refusal
    end
    file_short(key, order_id, reservation, lines, command.actor)
    return "REFUSED paid-but-short " .. short
  end
  for _, line in ipairs(planned) do
    change(item_of(line), 0, -line.quantity, 0, line.quantity)
  end
  if sale then
    count_ended(sale, units, reservation.customer, "expired", "sold")
  end
  reservation.lines_text = write_lines(planned)
  emit("InventoryReacquired " .. order_id .. " " .. command.actor .. " " .. reservation.lines_text .. " " .. command.operation)
  for _, line in ipairs(planned) do
    watch_stock(item_of(line), command.actor)
  end
  settle(reservation, "CONFIRMED")
  remember(reservation, command.operation)
  return "DONE " .. keep_reservation(key, reservation)
end
