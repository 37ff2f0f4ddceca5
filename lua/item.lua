-- Items and how they change. Twin: src/domain/inventory-item.ts.

local skus = {} -- sku -> warehouse -> item
local alone = {} -- sku -> warehouse -> item, or false: what was asked for before the rest of its SKU
local items_made = 0 -- grows when an item is made, so that what was remembered about a SKU's warehouses is not trusted
local changed_items, changed_count = {}, 0
local quarantined, quarantined_count = {}, 0 -- items that are to be left alone from now on
local sheets = {} -- stocktake id -> item name -> text, where this batch changed it

-- Sales, which most batches have nothing to do with: functions are made when one first does, `need("sale")`: sale.lua.
local sales_of = {} -- sku -> sale id -> sale, where the SKU has any
local sales_made = 0 -- grows when a sale is made, as items_made does
local changed_sales, changed_sale_count = {}, 0
local dropped_sales = {} -- sku -> fields of its hash that go
local customers = {} -- of the orders of this batch that have one, in order; filled by batch.lua
local quotas = {} -- sale id -> what its customers have: texts by customer, and who changed
-- A sale that is closed so long has no hold left that could still count in it.
local SALE_AFTERLIFE_MS = 172800000
local read_sale, write_sale, mark_sale, left_in, open_to, orders_beside_sales, sale_among, refuse_by_sale
local hold_for, count_held, count_ended

-- "total available reserved sold version safety_stock is_low[ stocktake|- until_ms]": the text of an item. Under a stocktake
-- `until_ms` is when the lock ends by itself; behind "-" it is until when no hold expires after one (BR-007). With
-- "quarantined" before it, or anything else, the item is left alone.
local function read_item(sku, warehouse, value)
  local total, available, reserved, sold, version, safety_stock, is_low, lock =
    string.match(value, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) ([01])(.*)$")
  local name = sku .. "@" .. warehouse
  total, available, reserved, sold = tonumber(total), tonumber(available), tonumber(reserved), tonumber(sold)
  -- BR-001 and BR-004 on the way in: an item that breaks them is left alone, and nothing is sold from it.
  if not total or total ~= available + reserved + sold or total > QUANTITY_MAX then
    return { sku = sku, warehouse = warehouse, name = name, is_broken = true }
  end
  -- All fields at once, also those that come later: a table that grows costs more than all else here.
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
    needs_care = false,
    is_broken = false,
  }
  if lock ~= "" then
    local stocktake, locked_until = string.match(lock, "^ (%S+) (%d+)$")
    item.is_broken = not stocktake
    item.stocktake, item.locked_until_ms = stocktake ~= "-" and stocktake or nil, tonumber(locked_until)
  end
  return item
end

local function write_item(item)
  -- BR-001 and BR-004 on the way out, before the first write: a defect here fails the batch and changes nothing.
  if item.available < 0 or item.reserved < 0 or item.sold < 0
    or item.total ~= item.available + item.reserved + item.sold
    or item.total > QUANTITY_MAX then
    error("BR-001 or BR-004 broken by " .. item.name, 0)
  end
  local text = string.format("%d %d %d %d %.0f %d %d", item.total, item.available, item.reserved, item.sold,
    item.version, item.safety_stock, item.is_low and 1 or 0)
  if item.locked_until_ms then
    return text .. " " .. (item.stocktake or "-") .. " " .. digits(item.locked_until_ms)
  end
  return text
end

-- Whether an order may simply be compared with what is available; looked at for every order, so it is one field.
local function note_care(item)
  item.needs_care = item.is_broken or item.stocktake ~= nil or sales_of[item.sku] ~= nil
end

local function warehouses_of(sku)
  local warehouses = skus[sku]
  if not warehouses then
    warehouses = {}
    local flat = call("HGETALL", sku_prefix .. sku)
    local known = alone[sku]
    local are_sales_readable = true
    for i = 1, #flat, 2 do
      local field = flat[i]
      if string.byte(field) == 42 then -- "*" begins the name of a sale, and no warehouse's
        need("sale")
        are_sales_readable = read_sale(sku, string.sub(field, 2), flat[i + 1]) and are_sales_readable
      else
        warehouses[field] = known and known[field] or read_item(sku, field, flat[i + 1])
      end
    end
    if known then
      for warehouse, item in pairs(known) do
        warehouses[warehouse] = item or nil -- also one that was made since
      end
    end
    for _, item in pairs(warehouses) do
      item.is_broken = item.is_broken or not are_sales_readable
      note_care(item)
    end
    skus[sku] = warehouses
  end
  return warehouses
end

local function item_of(line)
  return warehouses_of(line.sku)[line.warehouse]
end

-- The item a line names, without the rest of its SKU, which may have hundreds: goods move in one warehouse.
local function item_alone(line)
  local items = skus[line.sku] or alone[line.sku]
  if not items then
    items = {}
    alone[line.sku] = items
  end
  local item = items[line.warehouse]
  if item == nil and not skus[line.sku] then
    local value = call("HGET", sku_prefix .. line.sku, line.warehouse)
    item = value and read_item(line.sku, line.warehouse, value)
    items[line.warehouse] = item
  end
  return item or nil
end

-- As above, made where there is none yet.
local function item_to_fill(line)
  local item = item_alone(line)
  if not item then
    item = read_item(line.sku, line.warehouse, "0 0 0 0 0 0 0")
    note_care(item)
    local items = skus[line.sku] or alone[line.sku]
    items[line.warehouse] = item
    items_made = items_made + 1
  end
  return item
end

local function mark_changed(item)
  item.is_changed = true
  changed_count = changed_count + 1
  changed_items[changed_count] = item
end

-- One step of an item's life. Every event line raises the version by one, so versions are gapless.
local function change(item, total, available, reserved, sold)
  item.total = item.total + total
  item.available = item.available + available
  item.reserved = item.reserved + reserved
  item.sold = item.sold + sold
  item.version = item.version + 1
  if not item.is_changed then
    mark_changed(item)
  end
end

-- BR-005: fires at the crossing of available, once; re-armed when available is back at the line.
local function watch_stock(item, actor)
  if item.available >= item.safety_stock then
    item.is_low = false
  elseif not item.is_low then
    item.is_low = true
    change(item, 0, 0, 0, 0)
    emit(string.format("LowStockAlertTriggered - %s %s=%d %d", actor, item.name, item.available, item.safety_stock))
  end
end

-- BR-007: what stands for an item under a stocktake in a refusal.
local function locked_text(item)
  return item.name .. "=" .. item.stocktake .. ":" .. digits(item.locked_until_ms)
end
