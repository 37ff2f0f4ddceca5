-- quarantine sku@warehouse: the ledger could not follow this item (D8), so nothing more is decided about it until a
-- person has looked. Its figures stay readable behind the word. Answers: DONE | REFUSED unknown-item item

local function quarantine(command)
  local item = item_of(command)
  if not item then
    return "REFUSED unknown-item " .. command.sku .. "@" .. command.warehouse
  end
  if not item.is_broken then
    item.is_broken = true
    note_care(item)
    quarantined_count = quarantined_count + 1
    quarantined[quarantined_count] = item
  end
  return "DONE"
end

readers["quarantine"] = function(text)
  local sku, warehouse = string.match(text, "^quarantine ([^@ ]+)@([^@ ]+)$")
  return sku and { run = quarantine, sku = sku, warehouse = warehouse } or nil
end
