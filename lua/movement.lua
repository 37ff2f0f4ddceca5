-- receive, issue, ship, return, write-off, correct: sku@warehouse=quantity reason actor [order|- or expected version].
-- Twin: src/model/stock.ts. Answers: DONE item | REPLAYED item | REFUSED movement-conflict | ledger-backlog |
-- unknown-item item | quarantined item | stocktake-in-progress item | quantity-limit-exceeded total |
-- insufficient-stock item=requested:available | exceeds-sold sold | version-conflict version |
-- count-below-committed counted reserved sold
-- The record of a movement is "content item": the item right after it is the first answer (BR-006).

---@class Movement: Command
---@field verb string
---@field line Line
---@field line_text string
---@field reason string
---@field content string what was asked, by which a repeat is recognized
---@field order string|nil
---@field expected_version integer|nil of a correction
---@field actor string

-- Verb -> what it does to an item: its event and the changes of total, available and sold; or nil and the refusal.
local movements = {}

function movements.receive(item, quantity)
  if item.total + quantity > CONST.QUANTITY_MAX then
    return nil, format("REFUSED quantity-limit-exceeded %d", item.total)
  end
  return "InventoryReceived ", quantity, quantity, 0
end

movements["return"] = function(item, quantity)
  if item.total + quantity > CONST.QUANTITY_MAX then
    return nil, format("REFUSED quantity-limit-exceeded %d", item.total)
  end
  return "InventoryReturned ", quantity, quantity, 0
end

function movements.issue(item, quantity)
  if item.available < quantity then
    return nil, format("REFUSED insufficient-stock %s=%d:%d", item.name, quantity, item.available)
  end
  return "InventoryIssued ", -quantity, -quantity, 0
end

function movements.ship(item, quantity)
  if item.sold < quantity then
    return nil, format("REFUSED exceeds-sold %d", item.sold)
  end
  return "InventoryShipped ", -quantity, 0, -quantity
end

movements["write-off"] = function()
  return "ReturnWrittenOff ", 0, 0, 0
end

function movements.correct(item, quantity, expected_version)
  if item.version ~= expected_version then
    return nil, "REFUSED version-conflict " .. digits(item.version)
  elseif quantity < item.reserved + item.sold then
    return nil, format("REFUSED count-below-committed %d %d %d", quantity, item.reserved, item.sold)
  end
  return "InventoryCorrected ", quantity - item.total, quantity - item.total, 0
end

-- The item that goods go into, made where there is none yet; or nil and the refusal.
local function item_for_goods(line)
  local item = stock.item_to_fill(line)
  if item.is_broken then
    return nil, "REFUSED quarantined " .. item.name
  elseif item.stocktake then
    return nil, "REFUSED stocktake-in-progress " .. stock.locked_text(item)
  end
  return item
end

-- The item that goods come out of; or nil and the refusal.
local function item_with_goods(line)
  local item = stock.item_alone(line)
  if not item then
    return nil, "REFUSED unknown-item " .. line.sku .. "@" .. line.warehouse
  end
  return item_for_goods(line)
end

-- The first answer of a movement done before, or a conflict where its id asks for something else; nil for a new one.
local function repeat_movement(value, content)
  if not value then
    return nil
  end
  if is_newer(value) then
    return UNREADABLE
  elseif sub(value, 1, #content + 1) == content .. " " then
    return "REPLAYED " .. sub(value, #content + 2)
  end
  return "REFUSED movement-conflict"
end

local function move(command, key, movement_id, value)
  local answer = repeat_movement(value, command.content)
  if answer then
    return answer
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  local item, refusal = (command.verb == "receive" and item_for_goods or item_with_goods)(command.line)
  if not item then
    return refusal
  end
  local event, total, available, sold = movements[command.verb](item, command.line.quantity, command.expected_version)
  if not event then
    return total
  end
  stock.change(item, total, available, 0, sold)
  emit(event .. movement_id .. " " .. command.actor .. " " .. command.line_text .. " " .. command.reason .. " "
    .. (command.order or "-"))
  stock.watch_stock(item, command.actor)
  local item_text = stock.write_item(item)
  stage_set(key, command.content .. " " .. item_text, digits(now_ms + tombstone_ms))
  return "DONE " .. item_text
end

local function read_movement(verb, text, extra_pattern)
  local sku, warehouse, quantity_text, reason, actor, extra =
    match(text, "^%l[%l-]+ ([%w%%][%w%%._:%-]*)@([%w%%][%w%%._:%-]*)=(%d+) (%S+) (%S+)" .. extra_pattern .. "$")
  local quantity = sku and #quantity_text <= 10 and tonumber(quantity_text)
  if not quantity or quantity > CONST.QUANTITY_MAX or (quantity == 0 and verb ~= "correct")
    or #sku > CONST.ID_ESCAPED_BYTES_MAX or #warehouse > CONST.ID_ESCAPED_BYTES_MAX or not codec.is_id(actor) then
    return nil
  end
  local line_text = sku .. "@" .. warehouse .. "=" .. quantity_text
  local content = verb .. " " .. line_text .. " " .. reason
  return {
    run = move,
    verb = verb,
    line = { sku = sku, warehouse = warehouse, quantity = quantity },
    line_text = line_text,
    reason = reason,
    content = extra and content .. " " .. extra or content,
    order = verb ~= "correct" and extra or nil,
    expected_version = verb == "correct" and tonumber(extra) or nil,
    actor = actor,
  }
end

parsers["receive"] = function(text)
  return read_movement("receive", text, "")
end
parsers["issue"] = function(text)
  return read_movement("issue", text, "")
end
parsers["ship"] = function(text)
  return read_movement("ship", text, " (%S+)")
end
parsers["return"] = function(text)
  return read_movement("return", text, " (%S+)")
end
parsers["write-off"] = function(text)
  return read_movement("write-off", text, " (%S+)")
end
parsers["correct"] = function(text)
  return read_movement("correct", text, " (%d+)")
end
