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
      if next(warehouses_of(line.sku)) then
        unpinned[#unpinned + 1] = line
      else
        unknown[#unknown + 1] = line.sku .. "@*"
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
  if #unpinned > 0 then
    pinned = merge_lines(pinned)
  end
  return pinned
end

-- Holds the planned lines; the items are known and have enough.
local function hold_lines(command, key, order_id, lines)
  for _, line in ipairs(lines) do
    change(item_of(line), 0, -line.quantity, line.quantity, 0)
  end
  -- Where all warehouses are named, these texts are the same for every order with this content: made once a batch.
  local texts = command.texts
  if not texts or lines ~= command.lines then
    local lines_text = lines == command.lines and command.lines_text or write_lines(lines)
    local value = "ACTIVE " .. now_text .. " " .. command.hold_text .. " " .. lines_text
    local asked = "-"
    if lines_text ~= command.lines_text then
      asked = command.asked
      value = value .. " " .. asked .. " - -"
    end
    texts = {
      value = value,
      answer = "DONE " .. value,
      until_text = digits(now_ms + command.hold_ms + tombstone_ms),
      event_end = " " .. command.actor .. " " .. lines_text .. " " .. command.hold_text .. " " .. asked,
    }
    if lines == command.lines then
      command.texts = texts
    end
  end
  keep(key, texts.value, texts.until_text)
  watch_deadline(order_id, command.expires_at_ms)
  emit("InventoryReserved " .. order_id .. texts.event_end)
  for _, line in ipairs(lines) do
    watch_stock(item_of(line), command.actor)
  end
  return texts.answer
end

local function reserve(command, key, order_id)
  local value = values[key]
  if value then
    local reservation = read_reservation(value)
    if not reservation then
      return UNREADABLE
    elseif reservation.asked ~= command.asked then
      return "REFUSED order-conflict"
    end
    -- The first answer again, with the reservation as it stands: nobody takes a dead hold for a live one.
    expire_when_due(key, order_id, reservation)
    return "REPLAYED " .. values[key]
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  local lines = command.lines
  local item = command.only_item
  if not item or item.available < lines[1].quantity then
    local refusal
    lines, refusal = plan_lines(command)
    if not lines then
      return refusal
    end
    if not command.has_unpinned then
      lines = command.lines
      if #lines == 1 then
        command.only_item = item_of(lines[1])
      end
    end
  end
  return hold_lines(command, key, order_id, lines)
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
    expires_at_ms = now_ms + tonumber(hold_text),
    lines = lines,
    lines_text = lines_text,
    asked = hold_text .. ";" .. lines_text,
    has_unpinned = string.find(lines_text, "@*=", 1, true) ~= nil,
    actor = actor,
    candidates = candidates,
  }
end
