-- reserve hold_ms lines actor candidates: holds stock for an order, all lines or none (BR-001, BR-002, BR-006).
-- Twin: Inventory.reserve. Answers: DONE reservation | REPLAYED reservation | REFUSED order-conflict |
-- ledger-backlog | unknown-item items | quarantined items | insufficient-stock sku@warehouse=requested:available,...

-- Puts lines of the same item together after allocation, in item order, so that an item is touched once.
local function merge_lines(lines)
  local by_name, names = {}, {}
  for _, line in ipairs(lines) do
    local name = line.sku .. "@" .. line.warehouse
    if by_name[name] then
      by_name[name].quantity = by_name[name].quantity + line.quantity
    else
      by_name[name] = { sku = line.sku, warehouse = line.warehouse, quantity = line.quantity }
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b)
    local left, right = by_name[a], by_name[b]
    if left.sku ~= right.sku then
      return left.sku < right.sku
    end
    return left.warehouse < right.warehouse
  end)
  local merged = {}
  for i, name in ipairs(names) do
    merged[i] = by_name[name]
  end
  return merged
end

-- The lines this order would hold, each with a warehouse; or the refusal. Every unknown, broken or short line is named.
local function plan_lines(command)
  local unknown, broken, short, pinned, unpinned, taken = {}, {}, {}, {}, {}, {}
  for _, line in ipairs(command.lines) do
    if line.warehouse == "*" then
      local is_known, is_sound = false, false
      for _, item in pairs(warehouses_of(line.sku)) do
        is_known = true
        is_sound = is_sound or not item.is_broken
      end
      if is_sound then
        unpinned[#unpinned + 1] = line
      else
        local named = is_known and broken or unknown
        named[#named + 1] = line.sku .. "@*"
      end
    else
      local item = item_of(line)
      if not item then
        unknown[#unknown + 1] = line.sku .. "@" .. line.warehouse
      elseif item.is_broken then
        broken[#broken + 1] = item.name
      else
        pinned[#pinned + 1] = line
        taken[item.name] = line.quantity
        if item.available < line.quantity then
          short[#short + 1] = string.format("%s=%d:%d", item.name, line.quantity, item.available)
        end
      end
    end
  end
  if #unknown > 0 then
    return nil, "REFUSED unknown-item " .. table.concat(unknown, ",")
  end
  if #broken > 0 then
    return nil, "REFUSED quarantined " .. table.concat(broken, ",")
  end
  if #unpinned > 0 then
    local served, unserved = allocate(unpinned, command.candidates, taken)
    for _, line in ipairs(served) do
      pinned[#pinned + 1] = line
    end
    for _, text in ipairs(unserved) do
      short[#short + 1] = text
    end
  end
  if #short > 0 then
    return nil, "REFUSED insufficient-stock " .. table.concat(short, ",")
  end
  return #unpinned > 0 and merge_lines(pinned) or command.lines
end

-- The texts of a hold. Where all warehouses are named they are the same for every order with this content, so a batch
-- makes them once: this and `command.items` are what keeps a reservation cheap (docs/performance.md).
local function texts_of(command, lines)
  local is_as_asked = lines == command.lines
  local lines_text = is_as_asked and command.lines_text or write_lines(lines)
  local asked = lines_text == command.lines_text and "-" or command.asked
  local value = "ACTIVE " .. now_text .. " " .. command.hold_text .. " " .. lines_text
  if asked ~= "-" then
    value = value .. " " .. asked .. " - -"
  end
  return {
    value = value,
    answer = "DONE " .. value,
    until_text = digits(now_ms + command.hold_ms + tombstone_ms),
    event_end = " " .. command.actor .. " " .. lines_text .. " " .. command.hold_text .. " " .. asked,
    due_ids = due_at(now_ms + command.hold_ms),
  }
end

local function items_at(lines)
  local items = {}
  for i = 1, #lines do
    items[i] = item_of(lines[i])
  end
  return items
end

-- Whether all items that an earlier command of this batch with the same content found have enough once more.
local function has_enough(items, lines)
  for i = 1, #lines do
    if items[i].available < lines[i].quantity or items[i].is_broken then
      return false
    end
  end
  return true
end

local function reserve(command, key, order_id, value)
  if value then
    local reservation = read_reservation(value)
    if not reservation then
      return UNREADABLE
    elseif reservation.asked ~= command.asked then
      return "REFUSED order-conflict"
    end
    -- The first answer again, with the reservation as it stands: nobody takes a dead hold for a live one.
    expire_when_due(key, order_id, reservation)
    return "REPLAYED " .. (values[key] or value)
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  local lines, items, texts = command.lines, command.items, command.texts
  if not items or not has_enough(items, lines) then
    local refusal
    lines, refusal = plan_lines(command)
    if not lines then
      return refusal
    end
    items, texts = items_at(lines), texts_of(command, lines)
    if not command.has_unpinned then
      command.items, command.texts = items, texts
    end
  end
  -- `change` and `watch_stock` written out: this loop is the hottest of all, and two calls a line are 7 % of it.
  local is_near_line = false
  for i = 1, #lines do
    local item, quantity = items[i], lines[i].quantity
    local available = item.available - quantity
    item.available = available
    item.reserved = item.reserved + quantity
    item.version = item.version + 1
    if not item.is_changed then
      mark_changed(item)
    end
    if available < item.safety_stock or item.is_low then
      is_near_line = true
    end
  end
  keep(key, texts.value, texts.until_text)
  local due_ids = texts.due_ids
  due_ids[#due_ids + 1] = order_id
  emit_reserved(order_id, texts.event_end)
  if is_near_line then
    for i = 1, #items do
      watch_stock(items[i], command.actor)
    end
  end
  return texts.answer
end

readers["reserve"] = function(text)
  local hold_text, lines_text, actor, candidates = string.match(text, "^reserve (%d+) (%S+) (%S+) (%S+)$")
  local lines = lines_text and #hold_text <= 10 and read_lines(lines_text)
  if not lines or tonumber(hold_text) < 1 or tonumber(hold_text) > LIFETIME_MS_MAX then
    return nil
  end
  return {
    run = reserve,
    hold_ms = tonumber(hold_text),
    hold_text = hold_text,
    lines = lines,
    lines_text = lines_text,
    asked = hold_text .. ";" .. lines_text,
    has_unpinned = string.find(lines_text, "@*=", 1, true) ~= nil,
    actor = actor,
    candidates = candidates,
  }
end
