-- An order that names no warehouse, served from one that has all of it, as the orders before it in the batch were. What
-- this cannot tell, plan.lua finds out from the beginning. Twin: src/domain/allocation.ts.

local orders = {} -- what asks and which items -> warehouses in order, until an item is made
local orders_at = 0 -- items made when `orders` was begun

-- Warehouses to try for these lines: the caller's candidates first, then all others that carry one of the lines.
local function warehouses_in_order(candidates, lines)
  local order, seen = {}, {}
  for warehouse in string.gmatch(candidates, "[^,]+") do
    if warehouse ~= "-" and not seen[warehouse] then
      seen[warehouse] = true
      order[#order + 1] = warehouse
    end
  end
  local others = {}
  for _, line in ipairs(lines) do
    for warehouse in pairs(warehouses_of(line.sku)) do
      if not seen[warehouse] then
        seen[warehouse] = true
        others[#others + 1] = warehouse
      end
    end
  end
  table.sort(others)
  for _, warehouse in ipairs(others) do
    order[#order + 1] = warehouse
  end
  return order
end

-- The same, remembered for the batch.
function order_for(command, lines)
  if orders_at ~= items_made then
    orders, orders_at = {}, items_made
  end
  local order = orders[command]
  if not order then
    order = warehouses_in_order(command.terms.candidates, lines)
    orders[command] = order
  end
  return order
end

-- The warehouses that an order without a warehouse named may be served from, in order, with its lines and items there, as
-- `stops`; those are false where one of them carries a part of the lines. Remembered for all orders with this content.
local function stops_of(command)
  local serving = command.serving
  if serving and serving.made == items_made then
    return serving
  end
  local stops = {}
  serving = { made = items_made, stops = stops, chain = { length = 0 } }
  command.serving = serving
  for _, warehouse in ipairs(order_for(command, command.lines)) do
    local lines, items, carried = {}, {}, 0
    for i, line in ipairs(command.lines) do
      lines[i] = { sku = line.sku, warehouse = warehouse, quantity = line.quantity }
      items[i] = item_of(lines[i])
      carried = carried + (items[i] and 1 or 0)
    end
    if carried == #lines then
      stops[#stops + 1] = { lines = lines, items = items, texts = false }
    elseif carried > 0 then
      serving.stops = false
      break
    end
  end
  return serving
end

-- One warehouse that serves the whole order, found without making anything anew: nil where more has to be looked at.
-- Comes to what `allocate` comes to. The second value stands for what was passed by: a chain that is the same table for
-- the same warehouses, so that its text is made once.
function serve_again(command)
  local serving = stops_of(command)
  local stops, chain, splits = serving.stops, serving.chain, command.terms.splits
  if not stops then
    return nil
  end
  for k = 1, #stops do
    local stop = stops[k]
    local lines, items, failing = stop.lines, stop.items, nil
    for i = 1, #items do
      local item = items[i]
      if item.needs_care then
        return nil
      elseif not failing and item.available < lines[i].quantity then
        failing = i
      end
    end
    if not failing then
      stop.texts = stop.texts or texts_of(command, lines)
      return stop, chain
    elseif splits and (#items > 1 or items[1].available > 0) then
      return nil
    elseif chain.length < SKIPPED_MAX then
      local name = items[failing].name
      local longer = chain[name]
      if not longer then
        local text = name .. "=short"
        longer = { length = chain.length + 1, text = chain.text and chain.text .. "," .. text or text }
        chain[name] = longer
      end
      chain = longer
    end
  end
  return nil
end

late.serve = true
