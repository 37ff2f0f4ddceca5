-- set-safety-stock sku@warehouse quantity actor: moves the line under which BR-005 alerts.
-- Twin: setSafetyStock in src/model/stock.ts. Answers: DONE item | REPLAYED item | REFUSED unknown-item item | quarantined item

local function set_safety_stock(command)
  local item = stock.item_at(command)
  if not item then
    return "REFUSED unknown-item " .. command.sku .. "@" .. command.warehouse
  elseif item.is_broken then
    return "REFUSED quarantined " .. item.name
  elseif item.safety_stock == command.quantity then
    return "REPLAYED " .. stock.write_item(item)
  end
  item.safety_stock = command.quantity
  stock.change(item, 0, 0, 0, 0)
  emit(format("SafetyStockSet - %s %s=%d", command.actor, item.name, command.quantity))
  stock.watch_stock(item, command.actor)
  return "DONE " .. stock.write_item(item)
end

parsers["set-safety-stock"] = function(text)
  local sku, warehouse, quantity, actor = match(text, "^set%-safety%-stock ([^@ ]+)@([^@ ]+) (%d+) (%S+)$")
  if not sku or #quantity > 10 or tonumber(quantity) > CONST.QUANTITY_MAX or not codec.is_id(actor) then
    return nil
  end
  return { run = set_safety_stock, sku = sku, warehouse = warehouse, quantity = tonumber(quantity), actor = actor }
end
