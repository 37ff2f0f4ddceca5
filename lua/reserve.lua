-- [@]reserve hold_ms lines actor candidates sale|- single|split: holds stock for an order, all lines or none
-- (BR-001, BR-002, BR-006). Twin: reserve in src/domain/orders.ts. Checked in this order: repeat, sale, quota, stocktake, stock.
-- Behind "@" the order's customer stands among ARGV. Answers: DONE reservation[\npassed by] (its customer and sale, which
-- the caller knows, left out) | REPLAYED reservation | REFUSED order-conflict | ledger-backlog | unknown-sale |
-- sale-not-open ms | sale-closed ms | customer-required | purchase-limit-exceeded limit held bought | unknown-item items |
-- quarantined items | stocktake-in-progress item=stocktake:until,... | insufficient-stock sku@warehouse=requested:available,...

local orders = {} -- what asks and which items -> warehouses in order, until an item is made
local orders_at = 0 -- items made when `orders` was begun

-- Warehouses to try for these lines: the caller's candidates first, then all others that carry one of the lines.
local function warehouses_in_order(candidates, lines)
  local order, seen = {}, {}
  for warehouse in string.gmatch(candidates, "[^,]+") do
    if warehouse ~= "-" and not seen[warehouse] then
      seen[warehouse] = true
      order[#order + 1] = warehouse
    end
  end
  local others = {}
  for _, line in ipairs(lines) do
    for warehouse in pairs(warehouses_of(line.sku)) do
      if not seen[warehouse] then
        seen[warehouse] = true
        others[#others + 1] = warehouse
      end
    end
  end
  table.sort(others)
  for _, warehouse in ipairs(others) do
    order[#order + 1] = warehouse
  end
  return order
end

-- The same, remembered for the batch.
local function order_for(command, lines)
  if orders_at ~= items_made then
    orders, orders_at = {}, items_made
  end
  local order = orders[command]
  if not order then
    order = warehouses_in_order(command.candidates, lines)
    orders[command] = order
  end
  return order
end

-- The texts of a hold but for its customer. Where all warehouses are named they are the same for every order with this
-- content, so a batch makes them once: this and `command.items` are what keeps a reservation cheap (docs/performance.md).
local function texts_of(command, lines)
  local lines_text = lines == command.lines and command.lines_text or write_lines(lines)
  local is_as_asked = lines_text == command.lines_text
  local hold, sale, split = command.hold_text, command.sale, command.is_split
  local value = "ACTIVE " .. now_text .. " " .. hold .. " " .. lines_text
  local asked = is_as_asked and " -" or " " .. hold .. ";" .. command.lines_text
  local split_end = split and ";split" or ""
  return {
    value = is_as_asked and not sale and value
      or value .. (is_as_asked and asked or asked .. asked_end(nil, sale) .. split_end) .. " - -"
        .. (sale and " - " .. sale or ""),
    -- With a customer the text of the hold is start .. customer .. middle .. customer .. tail, or without the middle.
    start = value .. asked .. (is_as_asked and " - - " or ";c="),
    middle = not is_as_asked and asked_end(nil, sale) .. split_end .. " - - " or nil,
    tail = " " .. (sale or "-"),
    -- The caller knows its customer and its sale, so answers are the same for all.
    answer = "DONE " .. value .. (is_as_asked and "" or asked .. " - -"),
    until_text = digits(now_ms + command.hold_ms + tombstone_ms),
    event_end = " " .. command.actor .. " " .. lines_text .. " " .. hold .. " "
      .. (is_as_asked and "-" or command.lines_text) .. " " .. (sale or "-") .. " " .. (split and "split" or "-"),
    due_ids = due_at(now_ms + command.hold_ms),
  }
end

-- The text of a hold for this customer.
local function value_of(texts, customer)
  if not customer then
    return texts.value
  elseif texts.middle then
    return texts.start .. customer .. texts.middle .. customer .. texts.tail
  end
  return texts.start .. customer .. texts.tail
end

local function items_at(lines)
  local items = {}
  for i = 1, #lines do
    items[i] = item_of(lines[i])
  end
  return items
end

-- Whether these items have enough of every line and nothing more is to be looked at.
local function has_enough(items, lines)
  for i = 1, #lines do
    if items[i].needs_care or items[i].available < lines[i].quantity then
      return false
    end
  end
  return true
end

-- The same where all that needs care is a sale beside the one item of an order: what it set aside for others is left.
local function has_enough_beside_sales(items, lines, sale, units)
  local item, line = items[1], lines[1]
  if #lines ~= 1 or item.is_broken or item.stocktake or item.available < line.quantity then
    return false
  end
  local others = 0
  for _, other in pairs(sales_of[line.sku]) do
    if other ~= sale then
      others = others + left_in(other)
    end
  end
  return item.available - others >= line.quantity and (not sale or left_in(sale) >= units)
end

-- The warehouses that an order without a warehouse named may be served from, in order, with its lines and items there;
-- false where one of them carries a part of the lines. Remembered for all orders of the batch with this content.
local function stops_of(command)
  if command.stops_until == items_made then
    return command.stops
  end
  command.stops_until, command.stops = items_made, {}
  for _, warehouse in ipairs(order_for(command, command.lines)) do
    local lines, items, carried = {}, {}, 0
    for i, line in ipairs(command.lines) do
      lines[i] = { sku = line.sku, warehouse = warehouse, quantity = line.quantity }
      items[i] = item_of(lines[i])
      carried = carried + (items[i] and 1 or 0)
    end
    if carried == #lines then
      table.insert(command.stops, { lines = lines, items = items, passed = {} })
    elseif carried > 0 then
      command.stops = false
      break
    end
  end
  return command.stops
end

-- One warehouse that serves the whole order, found without making anything anew: nil where more has to be looked at.
-- Comes to what `allocate` comes to. The second value stands for what was passed by: a chain that is the same table for
-- the same warehouses, so that its text is made once.
local function serve_again(command)
  local stops = stops_of(command)
  if not stops then
    return nil
  end
  local chain, is_split = command.chain, command.is_split
  for k = 1, #stops do
    local stop = stops[k]
    local lines, items, failing = stop.lines, stop.items, nil
    for i = 1, #items do
      local item = items[i]
      if item.needs_care then
        return nil
      elseif not failing and item.available < lines[i].quantity then
        failing = i
      end
    end
    if not failing then
      stop.texts = stop.texts or texts_of(command, lines)
      return stop, chain
    elseif is_split and (#items > 1 or items[1].available > 0) then
      return nil
    elseif chain.length < PASSED_BY_MAX then
      local name = items[failing].name
      local longer = chain[name]
      if not longer then
        local text = name .. "=short"
        longer = { length = chain.length + 1, text = chain.text and chain.text .. "," .. text or text }
        chain[name] = longer
      end
      chain = longer
    end
  end
  return nil
end

local function reserve(command, key, order_id, value, customer)
  if value then
    local reservation = read_reservation(value)
    if not reservation then
      return UNREADABLE
    elseif reservation.asked ~= command.asked_start .. asked_end(customer, command.sale) .. command.asked_split then
      return "REFUSED order-conflict"
    end
    -- The first answer again, with the reservation as it stands: nobody takes a dead hold for a live one.
    expire_when_due(key, order_id, reservation)
    return "REPLAYED " .. (values[key] or value)
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  local sale, units
  if command.sale then
    sale, units = command.sale_found, command.sale_units
    if not sale then
      sale, units = sale_among(command.sale, command.lines)
      command.sale_found, command.sale_units = sale, units
    end
    local refusal = refuse_by_sale(sale, units, customer)
    if refusal then
      return refusal
    end
  end
  local lines, items, texts = command.lines, command.items, command.texts
  local answer
  if items and (has_enough(items, lines) or has_enough_beside_sales(items, lines, sale, units)) then
    answer = texts.answer
  else
    local served, chain
    if command.is_unpinned and not sale then
      served, chain = serve_again(command)
    end
    if served then
      lines, items, texts = served.lines, served.items, served.texts
      answer = chain.length == 0 and texts.answer or chain[texts]
      if not answer then
        answer = texts.answer .. "\n" .. chain.text
        chain[texts] = answer
      end
    else
      local refusal, passed
      lines, refusal, passed = need("plan_lines")(command, sale)
      if not lines then
        return refusal
      end
      items = items_at(lines)
      if command.has_unpinned then
        texts = texts_of(command, lines)
      else
        texts = command.texts or texts_of(command, lines)
        command.items, command.texts = items, texts
      end
      answer = #passed > 0 and texts.answer .. "\n" .. table.concat(passed, ",") or texts.answer
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
  if sale then
    count_held(sale, units, customer)
  end
  keep(key, value_of(texts, customer), texts.until_text)
  local due_ids = texts.due_ids
  due_ids[#due_ids + 1] = order_id
  emit_of_run("InventoryReserved ", customer and order_id .. "@" .. customer or order_id, texts.event_end)
  if is_near_line then
    for i = 1, #items do
      watch_stock(items[i], command.actor)
    end
  end
  return answer
end

readers["reserve"] = function(text)
  local hold_text, lines_text, actor, candidates, sale, allocation =
    string.match(text, "^reserve (%d+) (%S+) (%S+) (%S+) (%S+) (%l+)$")
  local lines = lines_text and #hold_text <= 10 and read_lines(lines_text)
  if not lines or tonumber(hold_text) < 1 or tonumber(hold_text) > LIFETIME_MS_MAX then
    return nil
  end
  local has_unpinned, is_unpinned = false, true
  for _, line in ipairs(lines) do
    has_unpinned = has_unpinned or line.warehouse == "*"
    is_unpinned = is_unpinned and line.warehouse == "*"
  end
  local is_split = has_unpinned and allocation == "split"
  return {
    run = reserve,
    hold_ms = tonumber(hold_text),
    hold_text = hold_text,
    lines = lines,
    lines_text = lines_text,
    asked_start = hold_text .. ";" .. lines_text,
    asked_split = is_split and ";split" or "",
    has_unpinned = has_unpinned,
    is_unpinned = is_unpinned,
    is_split = is_split,
    chain = { length = 0 },
    actor = actor,
    candidates = candidates,
    sale = given(sale),
  }
end
