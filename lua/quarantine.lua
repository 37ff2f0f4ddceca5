-- quarantine sku@warehouse: the ledger could not follow this item (D8), so nothing more is decided about it until a person has
-- looked. Its figures stay readable after the word. Answers: DONE | REFUSED unknown-item item

local function quarantine(command)
  local item = stock.item_at(command)
  if not item then
    return "REFUSED unknown-item " .. command.sku .. "@" .. command.warehouse
  end
  if not item.is_broken then
    item.is_broken = true
    stock.quarantined[#stock.quarantined + 1] = item
  end
  return "DONE"
end

parsers["quarantine"] = function(text)
  local sku, warehouse = match(text, "^quarantine ([^@ ]+)@([^@ ]+)$")
  return sku and { run = quarantine, sku = sku, warehouse = warehouse } or nil
end

-- lift sku@warehouse item: a person has put the item right in the ledger, and it goes on from this text there and here. Only an
-- item that is left alone, or missing, takes it; of one that is open it answers what it is.
-- Answers: DONE item | REPLAYED item

local function lift(command)
  local items = stock.warehouses_of(command.sku)
  local item = items[command.warehouse]
  if item and not item.is_broken then
    return "REPLAYED " .. stock.write_item(item)
  end
  item = stock.read_item(command.sku, command.warehouse, command.text)
  items[command.warehouse] = item
  stock.items_made = stock.items_made + 1
  for i = #stock.quarantined, 1, -1 do
    if stock.quarantined[i].name == item.name then
      table.remove(stock.quarantined, i)
    end
  end
  stock.lifted[#stock.lifted + 1] = item
  if item.stocktake then
    watch_deadline(item.name, item.locked_until_ms)
  end
  return "DONE " .. stock.write_item(item)
end

parsers["lift"] = function(text)
  local sku, warehouse, item_text = match(text, "^lift ([^@ ]+)@([^@ ]+) (.+)$")
  if not sku or stock.read_item(sku, warehouse, item_text).is_broken then
    return nil
  end
  return { run = lift, sku = sku, warehouse = warehouse, text = item_text }
end
