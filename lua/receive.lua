-- receive sku@warehouse=quantity reason actor: goods came in; the first receipt makes the item.
-- Twin: Inventory.receive. Answers: DONE item | REPLAYED item | REFUSED movement-conflict | ledger-backlog |
-- quarantined items | quantity-limit-exceeded total
-- The record of a movement is "content item": the item as it stood right after is the first answer (BR-006).

-- The item a movement is about, made where there is none yet; or nil and the refusal.
local function item_for_movement(line)
  local warehouses = warehouses_of(line.sku)
  local item = warehouses[line.warehouse]
  if not item then
    item = read_item(line.sku, line.warehouse, "0 0 0 0 0 0 0")
    warehouses[line.warehouse] = item
  end
  if item.is_broken then
    return nil, "REFUSED quarantined " .. item.name
  end
  return item
end

-- A movement done before: its first answer, or a conflict where the same id asks for something else.
local function repeat_movement(value, content)
  if not value then
    return nil
  end
  if string.sub(value, 1, #content + 1) == content .. " " then
    return "REPLAYED " .. string.sub(value, #content + 2)
  end
  return "REFUSED movement-conflict"
end

local function receive(command, key, movement_id, value)
  local answer = repeat_movement(value, command.content)
  if answer then
    return answer
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  local item, refusal = item_for_movement(command.line)
  if not item then
    return refusal
  end
  local quantity = command.line.quantity
  if item.total + quantity > QUANTITY_MAX then
    return string.format("REFUSED quantity-limit-exceeded %d", item.total)
  end
  change(item, quantity, quantity, 0, 0)
  emit("InventoryReceived " .. movement_id .. " " .. command.actor .. " " .. command.line_text .. " " .. command.reason)
  watch_stock(item, command.actor)
  local item_text = write_item(item)
  keep(key, command.content .. " " .. item_text, digits(now_ms + tombstone_ms))
  return "DONE " .. item_text
end

readers["receive"] = function(text)
  local line_text, reason, actor = string.match(text, "^receive (%S+) (%S+) (%S+)$")
  local lines = line_text and read_lines(line_text)
  if not lines or #lines ~= 1 or lines[1].warehouse == "*" then
    return nil
  end
  return {
    run = receive,
    line = lines[1],
    line_text = line_text,
    reason = reason,
    content = "receive " .. line_text .. " " .. reason,
    actor = actor,
  }
end
