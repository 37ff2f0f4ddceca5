-- The decision about an order's stock: the lines it would hold, each with a warehouse. Twin: src/model/plan.ts.
-- Checked in this order: unknown, quarantined, stocktake (BR-007), stock (BR-001, BR-002), what sales leave.

-- Adds up lines of the same item after allocation, sorted by item, so that an item is changed once.
local function merge_lines(lines)
  local by_name, names = {}, {}
  for _, line in ipairs(lines) do
    local name = line.sku .. "@" .. line.warehouse
    if by_name[name] then
      by_name[name].quantity = by_name[name].quantity + line.quantity
    else
      by_name[name] = { sku = line.sku, warehouse = line.warehouse, quantity = line.quantity }
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b)
    local left, right = by_name[a], by_name[b]
    if left.sku ~= right.sku then
      return is_before(left.sku, right.sku)
    end
    return is_before(left.warehouse, right.warehouse)
  end)
  local merged = {}
  for i, name in ipairs(names) do
    merged[i] = by_name[name]
  end
  return merged
end

-- Adds to `short` what is short once sales have set theirs aside. `asked`: units by SKU.
local function add_set_aside(lines, asked, sale, short)
  for i, text in ipairs(short) do
    local start, sku, available = match(text, "^(([^@]+)@.+:)(%d+)$")
    asked[sku] = nil
    if sales.by_sku[sku] then
      local left = sales.open_to(sku, sale and sale.sku == sku and sale or nil)
      short[i] = start .. digits(min(left, tonumber(available)))
    end
  end
  for _, line in ipairs(lines) do
    local units = asked[line.sku]
    asked[line.sku] = nil
    if units and sales.by_sku[line.sku] then
      local left = sales.open_to(line.sku, sale and sale.sku == line.sku and sale or nil)
      if left < units then
        short[#short + 1] = format("%s@*=%d:%d", line.sku, units, left)
      end
    end
  end
end

-- The lines an order would hold, nil, and the warehouses skipped; or nil and the refusal, which names every unknown,
-- quarantined, locked or short line. `sale`: the one it takes part in, if that is open to it.
function allocation.plan_lines(command, sale)
  local unknown, broken, locked, short, pinned, unpinned, taken, asked = {}, {}, {}, {}, {}, {}, {}, {}
  for _, line in ipairs(command.lines) do
    asked[line.sku] = (asked[line.sku] or 0) + line.quantity
    if line.warehouse == "*" then
      local is_known, is_sound = false, false
      for _, item in pairs(stock.warehouses_of(line.sku)) do
        is_known = true
        is_sound = is_sound or not item.is_broken
      end
      if is_sound then
        unpinned[#unpinned + 1] = line
      else
        local named = is_known and broken or unknown
        named[#named + 1] = line.sku .. "@*"
      end
    else
      local item = stock.item_at(line)
      if not item then
        unknown[#unknown + 1] = line.sku .. "@" .. line.warehouse
      elseif item.is_broken then
        broken[#broken + 1] = item.name
      elseif item.stocktake then
        locked[#locked + 1] = stock.locked_text(item)
      else
        pinned[#pinned + 1] = line
        taken[item.name] = line.quantity
        if item.available < line.quantity then
          short[#short + 1] = format("%s=%d:%d", item.name, line.quantity, item.available)
        end
      end
    end
  end
  if #unknown > 0 then
    return nil, "REFUSED unknown-item " .. table.concat(unknown, ",")
  end
  if #broken > 0 then
    return nil, "REFUSED quarantined " .. table.concat(broken, ",")
  end
  local skipped = {}
  if #unpinned > 0 then
    local served, unserved, in_the_way
    served, unserved, in_the_way, skipped =
      allocate(unpinned, warehouses_in_order(command.terms.candidates, unpinned), taken, command.terms.splits)
    for _, line in ipairs(served) do
      pinned[#pinned + 1] = line
    end
    for _, text in ipairs(unserved) do
      short[#short + 1] = text
    end
    for _, text in ipairs(in_the_way) do
      locked[#locked + 1] = text
    end
  end
  if #locked > 0 then
    return nil, "REFUSED stocktake-in-progress " .. table.concat(locked, ",")
  end
  add_set_aside(command.lines, asked, sale, short)
  if #short > 0 then
    return nil, "REFUSED insufficient-stock " .. table.concat(short, ",")
  end
  return #unpinned > 0 and merge_lines(pinned) or command.lines, nil, skipped
end
