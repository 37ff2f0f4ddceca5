-- schedule-sale, close-sale, look-sale: the life of a flash sale; sale.lua says what it means to an order.
-- Twin: src/model/sales.ts. Answers: DONE sku sale | REPLAYED sku sale | REFUSED unknown-sale |
-- sale-conflict | sale-closed ms | too-many-sales | unknown-item sku | insufficient-stock sku@*=quantity:available |
-- ledger-backlog
-- The record of a sale is what was asked; its figures are in the hash of its SKU.

local function drop_old_sales(sku)
  local left = 0
  for id, sale in pairs(sales.by_sku[sku] or {}) do
    if sale.closes_at_ms + CONST.SALE_AFTERLIFE_MS <= now_ms then
      sales.dropped[sku] = sales.dropped[sku] or {}
      table.insert(sales.dropped[sku], "*" .. id)
      sales.by_sku[sku][id] = nil
    else
      left = left + 1
    end
  end
  return left
end

local function schedule_sale(command, key, sale_id, value)
  local sku = command.sku
  stock.warehouses_of(sku)
  if value then
    if is_newer(value) then
      return UNREADABLE
    elseif value ~= command.content then
      return "REFUSED sale-conflict"
    end
    local sale = sales.by_sku[sku] and sales.by_sku[sku][sale_id]
    -- Its figures may be gone while its record is still there, days after it closed.
    return sale and "REPLAYED " .. sku .. " " .. sales.write(sale) or "REFUSED unknown-sale"
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  elseif command.closes_at_ms <= now_ms then
    return "REFUSED sale-closed " .. digits(command.closes_at_ms)
  elseif not next(stock.warehouses_of(sku)) then
    return "REFUSED unknown-item " .. sku .. "@*"
  elseif drop_old_sales(sku) >= CONST.SALES_PER_SKU_MAX then
    return "REFUSED too-many-sales"
  end
  call("GET", key) -- MGET does not fail on a key of another type: this does, before the first write
  sales.by_sku[sku] = sales.by_sku[sku] or {}
  local units = sales.open_to(sku, nil)
  if units < command.quantity then
    return format("REFUSED insufficient-stock %s@*=%d:%d", sku, command.quantity, units)
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
  sales.by_sku[sku][sale_id] = sale
  sales.made = sales.made + 1
  sales.mark_changed(sale)
  emit("SaleScheduled " .. sale_id .. " " .. command.actor .. " " .. command.content)
  stage_set(key, command.content, digits(command.closes_at_ms + CONST.SALE_AFTERLIFE_MS + tombstone_ms))
  return "DONE " .. sku .. " " .. sales.write(sale)
end

parsers["schedule-sale"] = function(text)
  local content, actor = match(text, "^schedule%-sale (%S+ %d+ %d+ %d+ %d+) (%S+)$")
  if not content then
    return nil
  end
  local sku, opens_at, closes_at, quantity, limit = match(content, "^(%S+) (%d+) (%d+) (%d+) (%d+)$")
  if #opens_at > 15 or #closes_at > 15 or #quantity > 10 or #limit > 10 or tonumber(quantity) > CONST.QUANTITY_MAX then
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

-- The sale whose record this is; or nil and the refusal.
local function known_sale(sale_id, value)
  if value and is_newer(value) then
    return nil, UNREADABLE
  end
  local sku = value and match(value, "^%S+")
  if sku then
    stock.warehouses_of(sku)
  end
  local sale = sku and sales.by_sku[sku] and sales.by_sku[sku][sale_id]
  return sale or nil, "REFUSED unknown-sale"
end

local function close_sale(command, _, sale_id, value)
  local sale, refusal = known_sale(sale_id, value)
  if not sale then
    return refusal
  elseif sale.closes_at_ms <= now_ms then
    return "REPLAYED " .. sale.sku .. " " .. sales.write(sale)
  end
  sale.closes_at_ms = now_ms
  sales.mark_changed(sale)
  emit("SaleClosed " .. sale_id .. " " .. command.actor .. " " .. sale.sku)
  return "DONE " .. sale.sku .. " " .. sales.write(sale)
end

parsers["close-sale"] = function(text)
  local actor = match(text, "^close%-sale (%S+)$")
  return actor and { run = close_sale, actor = actor } or nil
end

local function look_sale(_, _, sale_id, value)
  local sale, refusal = known_sale(sale_id, value)
  return sale and "DONE " .. sale.sku .. " " .. sales.write(sale) or refusal
end

parsers["look-sale"] = function()
  return { run = look_sale }
end
