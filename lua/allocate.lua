-- Which warehouse serves a line that names none. Twin: src/domain/allocation.ts.
-- The caller says the order in which warehouses are tried, nearest first; those it did not name come last, by name, not
-- away. Warehouses under a stocktake are passed by (BR-007).

-- How much of an item is left when this order's other lines have taken theirs; where nothing, why. The third value is
-- what is there although a lock forbids it.
local function left_of(sku, warehouse, taken)
  local item = warehouses_of(sku)[warehouse]
  if not item or item.is_broken then
    return 0, nil, 0
  end
  local left = item.available - (taken[item.name] or 0)
  if item.stocktake then
    return 0, "locked", left
  end
  return left, "short", left
end

local function pass_by(passed, sku, warehouse, reason)
  if reason and #passed < SKIPPED_MAX then
    passed[#passed + 1] = sku .. "@" .. warehouse .. "=" .. reason
  end
end

-- One warehouse for all lines, or nil; those before it are passed by for their first line that they cannot serve.
local function serve_whole(lines, order, taken)
  local passed = {}
  for _, warehouse in ipairs(order) do
    local serves = true
    for _, line in ipairs(lines) do
      local left, reason = left_of(line.sku, warehouse, taken)
      if left < line.quantity then
        serves = false
        pass_by(passed, line.sku, warehouse, reason)
        break
      end
    end
    if serves then
      local served = {}
      for i, line in ipairs(lines) do
        served[i] = { sku = line.sku, warehouse = warehouse, quantity = line.quantity }
      end
      return served, passed
    end
  end
  return nil
end

-- What a line could get if nothing were locked: a refusal for stock is only given where waiting for a count is no help.
local function is_waiting_enough(line, order, taken, is_split)
  local most, sum = 0, 0
  for _, warehouse in ipairs(order) do
    local _, _, left = left_of(line.sku, warehouse, taken)
    most, sum = math.max(most, left), sum + math.max(0, left)
  end
  return (is_split and sum or most) >= line.quantity
end

-- Gives each of `lines` (one per SKU, no warehouse named) a warehouse, or several of them where the order may be split.
-- `taken` is what the order takes already, by item name. Answers pinned lines, the texts of what is short, the locked
-- items that are in the way, and what was passed by.
local function allocate(lines, order, taken, is_split)
  if not is_split then
    local served, passed = serve_whole(lines, order, taken)
    if served then
      return served, {}, {}, passed
    end
  end
  local served, short, locked, passed = {}, {}, {}, {}
  for _, line in ipairs(lines) do
    local remaining, most, from = line.quantity, 0, #served
    for _, warehouse in ipairs(order) do
      local left, reason = left_of(line.sku, warehouse, taken)
      most = is_split and most + math.max(0, left) or math.max(most, left)
      local take = is_split and math.min(remaining, math.max(0, left)) or (left >= remaining and remaining or 0)
      if take > 0 then
        served[#served + 1] = { sku = line.sku, warehouse = warehouse, quantity = take }
        remaining = remaining - take
      else
        pass_by(passed, line.sku, warehouse, reason)
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
          local item = warehouses_of(line.sku)[warehouse]
          if item and not item.is_broken and item.stocktake and item.available > 0 then
            locked[#locked + 1] = locked_text(item)
          end
        end
      else
        short[#short + 1] = string.format("%s@*=%d:%d", line.sku, line.quantity, most)
      end
    end
  end
  return served, short, locked, passed
end
