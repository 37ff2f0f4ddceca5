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
