-- schedule-sale, close-sale, look-sale: the life of a flash sale; what it means to an order stands in sale.lua.
-- Twin: src/domain/sales.ts. Answers: DONE sku sale | REPLAYED sku sale | REFUSED unknown-sale |
-- sale-conflict | sale-closed ms | too-many-sales | unknown-item sku | insufficient-stock sku@*=quantity:available |
-- ledger-backlog
-- The record of a sale is what was asked; its figures stand beside the items of its SKU.

need("sale")

local SALES_PER_SKU_MAX = 8

local function drop_old_sales(sku)
  local left = 0
  for id, sale in pairs(sales_of[sku] or {}) do
    if sale.closes_at_ms + SALE_AFTERLIFE_MS <= now_ms then
      dropped_sales[sku] = dropped_sales[sku] or {}
      table.insert(dropped_sales[sku], "*" .. id)
      sales_of[sku][id] = nil
    else
      left = left + 1
    end
  end
  return left
end

local function schedule_sale(command, key, sale_id, value)
  local sku = command.sku
  warehouses_of(sku)
  if value then
    if value ~= command.content then
      return "REFUSED sale-conflict"
    end
    local sale = sales_of[sku] and sales_of[sku][sale_id]
    -- Its figures go before its record does, long after it closed.
    return sale and "REPLAYED " .. sku .. " " .. write_sale(sale) or "REFUSED unknown-sale"
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  elseif command.closes_at_ms <= now_ms then
    return "REFUSED sale-closed " .. digits(command.closes_at_ms)
  elseif not next(warehouses_of(sku)) then
    return "REFUSED unknown-item " .. sku .. "@*"
  elseif drop_old_sales(sku) >= SALES_PER_SKU_MAX then
    return "REFUSED too-many-sales"
  end
  call("GET", key) -- MGET tells nothing of a key of another type: it is met here, before the first write
  sales_of[sku] = sales_of[sku] or {}
  local units = open_to(sku, nil)
  if units < command.quantity then
    return string.format("REFUSED insufficient-stock %s@*=%d:%d", sku, command.quantity, units)
  end
  local sale = {
    id = sale_id,
    sku = sku,
    opens_at_ms = command.opens_at_ms,
    closes_at_ms = command.closes_at_ms,
    quantity = command.quantity,
    limit = command.limit,
    held = 0,
    sold = 0,
    released = 0,
    expired = 0,
  }
  sales_of[sku][sale_id] = sale
  sales_made = sales_made + 1
  for _, item in pairs(warehouses_of(sku)) do
    note_care(item)
  end
  mark_sale(sale)
  emit("SaleScheduled " .. sale_id .. " " .. command.actor .. " " .. command.content)
  keep(key, command.content, digits(command.closes_at_ms + SALE_AFTERLIFE_MS + tombstone_ms))
  return "DONE " .. sku .. " " .. write_sale(sale)
end

readers["schedule-sale"] = function(text)
  local content, actor = string.match(text, "^schedule%-sale (%S+ %d+ %d+ %d+ %d+) (%S+)$")
  if not content then
    return nil
  end
  local sku, opens_at, closes_at, quantity, limit = string.match(content, "^(%S+) (%d+) (%d+) (%d+) (%d+)$")
  if #opens_at > 15 or #closes_at > 15 or #quantity > 10 or #limit > 10 or tonumber(quantity) > QUANTITY_MAX then
    return nil
  end
  return {
    run = schedule_sale,
    sku = sku,
    opens_at_ms = tonumber(opens_at),
    closes_at_ms = tonumber(closes_at),
    quantity = tonumber(quantity),
    limit = tonumber(limit),
    content = content,
    actor = actor,
  }
end

local function known_sale(sale_id, value)
  local sku = value and string.match(value, "^%S+")
  if not sku then
    return nil
  end
  warehouses_of(sku)
  return sales_of[sku] and sales_of[sku][sale_id]
end

local function close_sale(command, _, sale_id, value)
  local sale = known_sale(sale_id, value)
  if not sale then
    return "REFUSED unknown-sale"
  elseif sale.closes_at_ms <= now_ms then
    return "REPLAYED " .. sale.sku .. " " .. write_sale(sale)
  end
  sale.closes_at_ms = now_ms
  mark_sale(sale)
  emit("SaleClosed " .. sale_id .. " " .. command.actor .. " " .. sale.sku)
  return "DONE " .. sale.sku .. " " .. write_sale(sale)
end

readers["close-sale"] = function(text)
  local actor = string.match(text, "^close%-sale (%S+)$")
  return actor and { run = close_sale, actor = actor } or nil
end

local function look_sale(_, _, sale_id, value)
  local sale = known_sale(sale_id, value)
  return sale and "DONE " .. sale.sku .. " " .. write_sale(sale) or "REFUSED unknown-sale"
end

readers["look-sale"] = function()
  return { run = look_sale }
end
