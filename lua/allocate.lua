-- Which warehouse serves a line that names none. Twin: src/model/allocation.ts.
-- The caller says in which order warehouses are tried, nearest first; the others come last, by name. Warehouses under a
-- stocktake are skipped (BR-007).

-- Warehouses to try for these lines: the candidates, then all others that carry one of the lines.
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
    for warehouse in pairs(stock.warehouses_of(line.sku)) do
      if not seen[warehouse] then
        seen[warehouse] = true
        others[#others + 1] = warehouse
      end
    end
  end
  table.sort(others, is_before)
  for _, warehouse in ipairs(others) do
    order[#order + 1] = warehouse
  end
  return order
end

-- How much of an item is left for a line when other lines of the order have taken theirs; where that may be too little, why;
-- and how much it would be without a lock.
local function left_of(sku, warehouse, taken)
  local item = stock.warehouses_of(sku)[warehouse]
  if not item or item.is_broken then
    return 0, nil, 0
  end
  local left = item.available - (taken[item.name] or 0)
  if item.stocktake then
    return 0, "locked", left
  end
  return left, "short", left
end

local function skip(skipped, sku, warehouse, reason)
  if reason and #skipped < CONST.SKIPPED_MAX then
    skipped[#skipped + 1] = sku .. "@" .. warehouse .. "=" .. reason
  end
end

-- One warehouse for all lines, or nil; those before it are skipped for their first line that they cannot serve.
local function serve_whole(lines, order, taken)
  local skipped = {}
  for _, warehouse in ipairs(order) do
    local serves = true
    for _, line in ipairs(lines) do
      local left, reason = left_of(line.sku, warehouse, taken)
      if left < line.quantity then
        serves = false
        skip(skipped, line.sku, warehouse, reason)
        break
      end
    end
    if serves then
      local served = {}
      for i, line in ipairs(lines) do
        served[i] = { sku = line.sku, warehouse = warehouse, quantity = line.quantity }
      end
      return served, skipped
    end
  end
  return nil
end

-- Whether the line could be served if nothing were locked: only if not, the refusal is about stock.
local function is_waiting_enough(line, order, taken, is_split)
  local most, sum = 0, 0
  for _, warehouse in ipairs(order) do
    local _, _, left = left_of(line.sku, warehouse, taken)
    most, sum = math.max(most, left), sum + math.max(0, left)
  end
  return (is_split and sum or most) >= line.quantity
end

-- Gives each of `lines` (one per SKU, no warehouse named) a warehouse, or several of them where the order may be split.
-- `taken`: what the order takes already, by item name. Returns lines with a warehouse, the texts of what is short, the texts
-- of locked items in the way, and the warehouses skipped as "sku@warehouse=reason".
local function allocate(lines, order, taken, is_split)
  if not is_split then
    local served, skipped = serve_whole(lines, order, taken)
    if served then
      return served, {}, {}, skipped
    end
  end
  local served, short, locked, skipped = {}, {}, {}, {}
  for _, line in ipairs(lines) do
    local remaining, most, from = line.quantity, 0, #served
    for _, warehouse in ipairs(order) do
      local left, reason = left_of(line.sku, warehouse, taken)
      most = is_split and most + math.max(0, left) or math.max(most, left)
      local take = is_split and min(remaining, math.max(0, left)) or (left >= remaining and remaining or 0)
      if take > 0 then
        served[#served + 1] = { sku = line.sku, warehouse = warehouse, quantity = take }
        remaining = remaining - take
      else
        skip(skipped, line.sku, warehouse, reason)
      end
      if remaining == 0 then
        break
      end
    end
    if remaining > 0 then
      for i = #served, from + 1, -1 do
        served[i] = nil
      end
      if is_waiting_enough(line, order, taken, is_split) then
        for _, warehouse in ipairs(order) do
          local item = stock.warehouses_of(line.sku)[warehouse]
          if item and not item.is_broken and item.stocktake and item.available > 0 then
            locked[#locked + 1] = stock.locked_text(item)
          end
        end
      else
        short[#short + 1] = format("%s@*=%d:%d", line.sku, line.quantity, most)
      end
    end
  end
  return served, short, locked, skipped
end
