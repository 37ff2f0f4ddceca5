-- set-safety-stock sku@warehouse quantity actor: moves the line under which BR-005 alerts.
-- Twin: setSafetyStock in src/domain/stock.ts. Answers: DONE item | REPLAYED item | REFUSED unknown-item item | quarantined item

local function set_safety_stock(command)
  local item = item_of(command)
  if not item then
    return "REFUSED unknown-item " .. command.sku .. "@" .. command.warehouse
  elseif item.is_broken then
    return "REFUSED quarantined " .. item.name
  elseif item.safety_stock == command.quantity then
    return "REPLAYED " .. write_item(item)
  end
  item.safety_stock = command.quantity
  change(item, 0, 0, 0, 0)
  emit(string.format("SafetyStockSet - %s %s=%d", command.actor, item.name, command.quantity))
  watch_stock(item, command.actor)
  return "DONE " .. write_item(item)
end

readers["set-safety-stock"] = function(text)
  local sku, warehouse, quantity, actor = string.match(text, "^set%-safety%-stock ([^@ ]+)@([^@ ]+) (%d+) (%S+)$")
  if not sku or #quantity > 10 or tonumber(quantity) > QUANTITY_MAX then
    return nil
  end
  return { run = set_safety_stock, sku = sku, warehouse = warehouse, quantity = tonumber(quantity), actor = actor }
end
