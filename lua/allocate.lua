-- Which warehouse serves a line that names none. Twin: src/domain/allocation.ts.
-- The caller says the order in which warehouses are tried; those it did not name come last, by name, not away.

-- Warehouses to try for these SKUs: the caller's candidates first, then all others that carry one of them.
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

-- How much of an item is left when this order's other lines have taken theirs.
local function left_of(sku, warehouse, taken)
  local item = warehouses_of(sku)[warehouse]
  if not item or item.is_broken then
    return 0
  end
  return item.available - (taken[item.name] or 0)
end

local function serves_all(warehouse, lines, taken)
  for _, line in ipairs(lines) do
    if left_of(line.sku, warehouse, taken) < line.quantity then
      return false
    end
  end
  return true
end

-- Gives each of `lines` (one per SKU, no warehouse named) a warehouse: one for all where one can, else the first that
-- can serve the line. `taken` is what the order takes already, by item name. Answers pinned lines and what is short.
local function allocate(lines, candidates, taken)
  local order = warehouses_in_order(candidates, lines)
  for _, warehouse in ipairs(order) do
    if serves_all(warehouse, lines, taken) then
      local served = {}
      for i, line in ipairs(lines) do
        served[i] = { sku = line.sku, warehouse = warehouse, quantity = line.quantity }
      end
      return served, {}
    end
  end
  local served, short = {}, {}
  for _, line in ipairs(lines) do
    local most, chosen = 0, nil
    for _, warehouse in ipairs(order) do
      local left = left_of(line.sku, warehouse, taken)
      most = math.max(most, left)
      if left >= line.quantity then
        chosen = warehouse
        break
      end
    end
    if chosen then
      served[#served + 1] = { sku = line.sku, warehouse = chosen, quantity = line.quantity }
    else
      short[#short + 1] = string.format("%s@*=%d:%d", line.sku, line.quantity, most)
    end
  end
  return served, short
end
