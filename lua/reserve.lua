-- [@customer ]reserve hold_ms lines actor candidates sale|- single|split: holds stock for an order, all lines or none
-- (BR-001, BR-002, BR-006). Twin: Inventory.reserve. Checked in this order: repeat, sale, quota, stocktake, stock.
-- Answers: DONE reservation[\npassed by] | REPLAYED reservation | REFUSED order-conflict | ledger-backlog | unknown-sale |
-- sale-not-open ms | sale-closed ms | customer-required | purchase-limit-exceeded limit held bought | unknown-item items |
-- quarantined items | stocktake-in-progress item=stocktake:until,... | insufficient-stock sku@warehouse=requested:available,...

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

-- The lines an order would hold, each with a warehouse, and what was passed by; or nil and the refusal. Every unknown,
-- broken, locked or short line is named. `sale` is the one it takes part in, where that is open to it.
local function plan_lines(command, sale)
  local unknown, broken, locked, short, pinned, unpinned, taken, asked = {}, {}, {}, {}, {}, {}, {}, {}
  for _, line in ipairs(command.lines) do
    asked[line.sku] = (asked[line.sku] or 0) + line.quantity
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
      elseif item.stocktake then
        locked[#locked + 1] = locked_text(item)
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
  local passed = {}
  if #unpinned > 0 then
    local served, unserved, in_the_way
    served, unserved, in_the_way, passed = allocate(unpinned, order_for(command, unpinned), taken, command.is_split)
    for _, line in ipairs(served) do
      pinned[#pinned + 1] = line
    end
    for _, text in ipairs(unserved) do
      short[#short + 1] = text
    end
    for _, text in ipairs(in_the_way) do
      locked[#locked + 1] = text
    end
  end
  if #locked > 0 then
    return nil, "REFUSED stocktake-in-progress " .. table.concat(locked, ",")
  end
  for _, line in ipairs(command.lines) do
    local units = asked[line.sku]
    if units and sales_of[line.sku] and #short == 0 then
      local left = open_to(line.sku, sale and sale.sku == line.sku and sale or nil)
      if left < units then
        short[#short + 1] = string.format("%s@*=%d:%d", line.sku, units, left)
      end
      asked[line.sku] = nil
    end
  end
  if #short > 0 then
    return nil, "REFUSED insufficient-stock " .. table.concat(short, ",")
  end
  return #unpinned > 0 and merge_lines(pinned) or command.lines, nil, passed
end

-- The texts of a hold but for its customer. Where all warehouses are named they are the same for every order with this
-- content, so a batch makes them once: this and `command.items` are what keeps a reservation cheap (docs/performance.md).
local function texts_of(command, lines)
  local lines_text = lines == command.lines and command.lines_text or write_lines(lines)
  local is_as_asked = lines_text == command.lines_text
  local value = "ACTIVE " .. now_text .. " " .. command.hold_text .. " " .. lines_text
  return {
    value = value,
    -- Behind the value comes what was asked, with the customer in it, unless both lines and customer leave it derivable.
    asked_start = not is_as_asked and " " .. command.hold_text .. ";" .. command.lines_text or nil,
    until_text = digits(now_ms + command.hold_ms + tombstone_ms),
    event_end = " " .. command.actor .. " " .. lines_text .. " " .. command.hold_text .. " "
      .. (is_as_asked and "-" or command.lines_text) .. " " .. (command.sale or "-") .. " "
      .. (command.is_split and "split" or "-"),
    due_ids = due_at(now_ms + command.hold_ms),
  }
end

-- The text of a hold for this customer.
local function value_of(command, texts, customer)
  if not texts.asked_start and not customer and not command.sale then
    return texts.value
  end
  local asked = " -"
  if texts.asked_start then
    asked = texts.asked_start .. asked_end(customer, command.sale) .. (command.is_split and ";split" or "")
  end
  if not customer and not command.sale then
    return texts.value .. asked .. " - -"
  end
  return texts.value .. asked .. " - - " .. (customer or "-") .. " " .. (command.sale or "-")
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

-- What an order without a warehouse named comes to in one warehouse, remembered for all orders with this content; false
-- where the warehouse carries none of its lines, nil where it carries some.
local function served_at(command, warehouse)
  local served = command.served[warehouse]
  if served ~= nil then
    return served
  end
  local lines, items, carried = {}, {}, 0
  for i, line in ipairs(command.lines) do
    lines[i] = { sku = line.sku, warehouse = warehouse, quantity = line.quantity }
    items[i] = item_of(lines[i])
    carried = carried + (items[i] and 1 or 0)
  end
  if carried > 0 and carried < #lines then
    return nil
  end
  served = carried > 0 and { lines = lines, items = items, short = {} } or false
  command.served[warehouse] = served
  return served
end

-- One warehouse that serves an order without a warehouse named, found without making anything anew, and the warehouses
-- passed by on the way; nil where more has to be looked at. Comes to what `allocate` comes to.
local function serve_again(command)
  local order = order_for(command, command.lines)
  if command.served_until ~= items_made then
    command.served, command.served_until = {}, items_made
  end
  local passed
  for k = 1, #order do
    local served = served_at(command, order[k])
    if served == nil then
      return nil
    elseif served then
      local lines, items = served.lines, served.items
      if has_enough(items, lines) then
        served.texts = served.texts or texts_of(command, lines)
        return served, passed
      elseif command.is_split then
        return nil
      end
      passed = passed or {}
      for i = 1, #items do
        if items[i].needs_care then
          return nil
        elseif items[i].available < lines[i].quantity then
          if #passed < PASSED_BY_MAX then
            local short = served.short
            short[i] = short[i] or items[i].name .. "=short"
            passed[#passed + 1] = short[i]
          end
          break
        end
      end
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
    sale, units = sale_among(command.sale, command.lines)
    local refusal = refuse_by_sale(sale, units, customer)
    if refusal then
      return refusal
    end
  end
  local lines, items, texts = command.lines, command.items, command.texts
  local passed
  if not items or not has_enough(items, lines) then
    local served
    if command.is_unpinned and not sale then
      served, passed = serve_again(command)
    end
    if served then
      lines, items, texts = served.lines, served.items, served.texts
    else
      local refusal
      lines, refusal, passed = plan_lines(command, sale)
      if not lines then
        return refusal
      end
      items = items_at(lines)
      if command.has_unpinned then
        local text = write_lines(lines)
        texts = command.texts_at[text] or texts_of(command, lines)
        command.texts_at[text] = texts
      else
        texts = command.texts or texts_of(command, lines)
        command.items, command.texts = items, texts
      end
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
    count_in(sale, units, customer, nil, "held")
  end
  local text = value_of(command, texts, customer)
  keep(key, text, texts.until_text)
  local due_ids = texts.due_ids
  due_ids[#due_ids + 1] = order_id
  emit_reserved(customer and order_id .. "@" .. customer or order_id, texts.event_end)
  if is_near_line then
    for i = 1, #items do
      watch_stock(items[i], command.actor)
    end
  end
  if passed and #passed > 0 then
    return "DONE " .. text .. "\n" .. table.concat(passed, ",")
  end
  return "DONE " .. text
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
    texts_at = {},
    actor = actor,
    candidates = candidates,
    sale = given(sale),
  }
end
