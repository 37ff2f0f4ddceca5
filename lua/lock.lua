-- Count sheets and the locks they put on items (BR-007). Twin: src/model/stocktakes.ts.
-- A sheet is a hash: sku@warehouse -> "status until_ms before counted". The lock is part of the item's text.

local stocktake_prefix = key_prefix .. CONST.STOCKTAKE_KEY

-- The text of an item's line on a sheet, or nil.
function locks.sheet_text(id, name)
  local sheet = locks.sheets[id]
  return sheet and sheet[name] or call("HGET", stocktake_prefix .. id, name) or nil
end

function locks.write_sheet(id, name, text)
  local sheet = locks.sheets[id]
  if not sheet then
    sheet = {}
    locks.sheets[id] = sheet
  end
  sheet[name] = text
  return text
end

function locks.lock(item, id, until_ms)
  item.stocktake, item.locked_until_ms = id, until_ms
end

-- Ends a lock and writes on the sheet how. No hold on the item expires during the grace time, so that a payment that was refused
-- under the lock can be repeated.
function locks.unlock(item, status, counted)
  local id, until_ms = item.stocktake, item.locked_until_ms
  item.stocktake, item.locked_until_ms = nil, min(until_ms, now_ms) + CONST.STOCKTAKE_GRACE_MS
  local text = format("%s %.0f %d %s", status, until_ms, item.total, counted or "-")
  return locks.write_sheet(id, item.name, text)
end

-- Ends a lock whose lease ran out. `ends_ms`: when it was to end; a lock set since then has a later entry.
function locks.lapse(name, ends_ms)
  local sku, warehouse = match(name, "^([^@]+)@([^@]+)$")
  local item = sku and stock.warehouses_of(sku)[warehouse]
  if item and item.is_broken then
    watch_deadline(name, now_ms + POSTPONE_MS)
  elseif item and item.stocktake and item.locked_until_ms <= ends_ms then
    local id = item.stocktake
    locks.sheet_text(id, name) -- a key of another type fails here, before the first write
    locks.unlock(item, "LAPSED")
    stock.change(item, 0, 0, 0, 0)
    emit(format("StocktakeLapsed %s clock %s=%d", id, name, item.total))
  end
end
