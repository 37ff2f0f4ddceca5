-- Count sheets and the locks they put on items (BR-007). Twin: src/domain/stocktakes.ts.
-- A sheet is a hash of its own: sku@warehouse -> "status until_ms before counted"; the lock itself stands in the item.

-- The text of an item's line on a sheet, or nil.
function sheet_text(id, name)
  local sheet = sheets[id]
  return sheet and sheet[name] or call("HGET", stocktake_prefix .. id, name) or nil
end

function write_sheet(id, name, text)
  local sheet = sheets[id]
  if not sheet then
    sheet = {}
    sheets[id] = sheet
  end
  sheet[name] = text
  return text
end

function lock_item(item, id, until_ms)
  item.stocktake, item.locked_until_ms = id, until_ms
  note_care(item)
end

-- Takes the lock off and says on the sheet how it ended. Holds on the item live a while longer, so that a payment that was
-- refused under the lock can be repeated.
function unlock_item(item, status, counted)
  local id, until_ms = item.stocktake, item.locked_until_ms
  item.stocktake, item.locked_until_ms = nil, math.min(until_ms, now_ms) + STOCKTAKE_GRACE_MS
  note_care(item)
  local text = string.format("%s %.0f %d %s", status, until_ms, item.total, counted or "-")
  return write_sheet(id, item.name, text)
end

-- A lease that ran out ends by itself. `due_ms` is when it was to end: a lock set since then stands in a later entry.
function lapse_lock(name, due_ms)
  local sku, warehouse = string.match(name, "^([^@]+)@([^@]+)$")
  local item = sku and warehouses_of(sku)[warehouse]
  if item and item.is_broken then
    watch_deadline(name, now_ms + POSTPONE_MS)
  elseif item and item.stocktake and item.locked_until_ms <= due_ms then
    local id = item.stocktake
    sheet_text(id, name) -- a key of another type is met here, before the first write
    unlock_item(item, "LAPSED")
    change(item, 0, 0, 0, 0)
    emit(string.format("StocktakeLapsed %s clock %s=%d", id, name, item.total))
  end
end

late.lock = true
