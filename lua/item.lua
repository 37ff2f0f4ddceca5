-- Items and how they change. Twin: src/domain/inventory-item.ts.

---@class Item
---@field sku string
---@field warehouse string
---@field name string sku@warehouse
---@field total integer units; always available + reserved + sold
---@field available integer units
---@field reserved integer units
---@field sold integer units, paid and not shipped yet
---@field version integer grows by one with each event
---@field safety_stock integer units; below them BR-005 alerts
---@field is_low boolean alerted, and not back at the safety stock since
---@field is_changed boolean by this batch
---@field is_broken boolean unreadable or quarantined: left alone (D8)
---@field stocktake string|nil the stocktake that locks it (BR-007)
---@field locked_until_ms integer|nil when its lock ends; without a stocktake, until when no hold expires after one

-- "total available reserved sold version safety_stock is_low[ stocktake|- until_ms]", or anything else, such as
-- "quarantined ..." or a newer format: then the item is left alone.
local function read_item(sku, warehouse, value)
  local total, available, reserved, sold, version, safety_stock, is_low, lock =
    match(value, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) ([01])(.*)$")
  local name = sku .. "@" .. warehouse
  total, available, reserved, sold = tonumber(total), tonumber(available), tonumber(reserved), tonumber(sold)
  -- BR-001 and BR-004 on the way in: nothing is sold from an item that breaks them.
  if not total or total ~= available + reserved + sold or total > CONST.QUANTITY_MAX then
    return { sku = sku, warehouse = warehouse, name = name, is_broken = true }
  end
  -- All fields at once: a table that grows is made anew several times.
  local item = {
    sku = sku,
    warehouse = warehouse,
    name = name,
    total = total,
    available = available,
    reserved = reserved,
    sold = sold,
    version = tonumber(version),
    safety_stock = tonumber(safety_stock),
    is_low = is_low == "1",
    is_changed = false,
    is_broken = false,
  }
  if lock ~= "" then
    local stocktake, locked_until = match(lock, "^ (%S+) (%d+)$")
    item.is_broken = not stocktake
    item.stocktake, item.locked_until_ms = stocktake ~= "-" and stocktake or nil, tonumber(locked_until)
  end
  return item
end

local function write_item(item)
  -- BR-001 and BR-004 on the way out, before the first write: a defect here fails the batch and changes nothing.
  if item.available < 0 or item.reserved < 0 or item.sold < 0
    or item.total ~= item.available + item.reserved + item.sold
    or item.total > CONST.QUANTITY_MAX then
    error("BR-001 or BR-004 broken by " .. item.name, 0)
  end
  local text = format("%d %d %d %d %.0f %d %d", item.total, item.available, item.reserved, item.sold,
    item.version, item.safety_stock, item.is_low and 1 or 0)
  if item.locked_until_ms then
    return text .. " " .. (item.stocktake or "-") .. " " .. digits(item.locked_until_ms)
  end
  return text
end

local function mark_changed(item)
  item.is_changed = true
  changed_count = changed_count + 1
  changed_items[changed_count] = item
end

-- The item that the plain path changed, as a table from now on.
local function take_over(sku)
  local number = plain.numbers[sku]
  local item = read_item(sku, plain.warehouses[number], plain.texts[number])
  item.is_changed = true
  changed_items[number], plain.texts[number], plain.numbers[sku] = item, nil, nil
  return item
end

-- All items of a SKU by warehouse. Reads its sales too.
local function warehouses_of(sku)
  local warehouses = stock.by_sku[sku]
  if not warehouses then
    warehouses = {}
    local flat = stock.fields_read[sku] or call("HGETALL", sku_prefix .. sku)
    local known = stock.alone[sku]
    local changed = plain.numbers[sku] and take_over(sku)
    local are_sales_readable = true
    for i = 1, #flat, 2 do
      local field = flat[i]
      if byte(field) == 42 then -- "*" begins the name of a sale, and no warehouse's
        are_sales_readable = sales.read(sku, sub(field, 2), flat[i + 1]) and are_sales_readable
      else
        warehouses[field] = known and known[field] or read_item(sku, field, flat[i + 1])
      end
    end
    if changed then
      warehouses[changed.warehouse] = changed
    end
    if known then
      for warehouse, item in pairs(known) do
        warehouses[warehouse] = item or nil -- also one that was made since
      end
    end
    if not are_sales_readable then
      for _, item in pairs(warehouses) do
        item.is_broken = true
      end
    end
    stock.by_sku[sku] = warehouses
  end
  return warehouses
end

local function item_at(line)
  return warehouses_of(line.sku)[line.warehouse]
end

-- The item of a line without the rest of its SKU, which may be hundreds of items: goods move in one warehouse.
local function item_alone(line)
  local items = stock.by_sku[line.sku] or plain.numbers[line.sku] and warehouses_of(line.sku) or stock.alone[line.sku]
  if not items then
    items = {}
    stock.alone[line.sku] = items
  end
  local item = items[line.warehouse]
  if item == nil and not stock.by_sku[line.sku] then
    local value = call("HGET", sku_prefix .. line.sku, line.warehouse)
    item = value and read_item(line.sku, line.warehouse, value)
    items[line.warehouse] = item
  end
  return item or nil
end

-- The same; made where there is none yet.
local function item_to_fill(line)
  local item = item_alone(line)
  if not item then
    item = read_item(line.sku, line.warehouse, "0 0 0 0 0 0 0")
    local items = stock.by_sku[line.sku] or stock.alone[line.sku]
    items[line.warehouse] = item
    stock.items_made = stock.items_made + 1
  end
  return item
end

-- The only place where the figures of an Item change. Versions have no gaps: one for each of the `events`, one by default.
local function change(item, total, available, reserved, sold, events)
  item.total = item.total + total
  item.available = item.available + available
  item.reserved = item.reserved + reserved
  item.sold = item.sold + sold
  item.version = item.version + (events or 1)
  if not item.is_changed then
    mark_changed(item)
  end
end

-- BR-005: alerts once when available falls below the safety stock; armed again when it is back.
local function watch_stock(item, actor)
  if item.available >= item.safety_stock then
    item.is_low = false
  elseif not item.is_low then
    item.is_low = true
    change(item, 0, 0, 0, 0)
    emit(format("LowStockAlertTriggered - %s %s=%d %d", actor, item.name, item.available, item.safety_stock))
  end
end

-- BR-007: how a refusal names an item under a stocktake.
local function locked_text(item)
  return item.name .. "=" .. item.stocktake .. ":" .. digits(item.locked_until_ms)
end

stock.read_item, stock.write_item = read_item, write_item
stock.warehouses_of, stock.item_at = warehouses_of, item_at
stock.item_alone, stock.item_to_fill = item_alone, item_to_fill
stock.change, stock.watch_stock, stock.locked_text = change, watch_stock, locked_text
