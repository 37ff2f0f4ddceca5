-- [@]reserve lines hold_ms actor candidates|- sale|- single|split: holds stock for an order, all lines or none
-- (BR-001, BR-002, BR-006). Twin: reserve in src/domain/orders.ts. Checked in this order: repeat, sale, quota, stocktake, stock.
-- Behind "@" the order's customer stands among ARGV. Answers: reservation[\npassed by] (its customer and sale, which
-- the caller knows, left out) | REPLAYED reservation | REFUSED order-conflict | ledger-backlog | unknown-sale |
-- sale-not-open ms | sale-closed ms | customer-required | purchase-limit-exceeded limit held bought | unknown-item items |
-- quarantined items | stocktake-in-progress item=stocktake:until,... | insufficient-stock sku@warehouse=requested:available,...

local RESERVED = "InventoryReserved "

-- Which warehouses are tried for an order, and one that serves it whole; made when first needed: serve.lua.
local order_for, serve_again

-- What an order asked for, as its record tells it where it was not served just so.
local function asked_by(command, customer)
  local terms = command.terms
  return terms.hold_text .. ";" .. command.lines_text .. asked_end(customer, terms.sale)
    .. (terms.splits and command.lines.has_unpinned and ";split" or "")
end

-- The texts of a hold but for its customer. Where all warehouses are named they are the same for every order with this
-- content, so a batch makes them once: this and `command.items` are what keeps a reservation cheap (docs/performance.md).
local function texts_of(command, lines)
  local terms = command.terms
  local lines_text = lines == command.lines and command.lines_text or write_lines(lines)
  local is_as_asked = lines_text == command.lines_text
  local sale = terms.sale
  local value = "ACTIVE " .. now_text .. " " .. terms.hold_text .. " " .. lines_text
  -- The caller knows its customer and its sale, so answers are the same for all.
  local answer = value
  if not is_as_asked then
    answer = value .. " " .. terms.hold_text .. ";" .. command.lines_text .. " - -"
    value = value .. " " .. asked_by(command, nil) .. " - -" .. (sale and " - " .. sale or "")
  elseif sale then
    value = value .. " - - - - " .. sale
  end
  local splits = terms.splits and command.lines.has_unpinned
  terms.until_text = terms.until_text or digits(now_ms + terms.hold_ms + tombstone_ms)
  return {
    value = value,
    answer = answer,
    event_end = " " .. terms.actor .. " " .. lines_text .. " " .. terms.hold_text
      .. (is_as_asked and " - " or " " .. command.lines_text .. " ") .. (sale or "-") .. (splits and " split" or " -"),
    lines_text = lines_text,
    until_text = terms.until_text,
    due_ids = due_at(now_ms + terms.hold_ms),
    item = false, -- the only one of its lines, where another such order may take from it at once; see reserve_alike
    made = false,
  }
end

-- The text of a hold for this customer: start .. customer .. middle .. customer .. tail, or without the middle.
local function value_for(command, texts, customer)
  local parts = texts.for_customers
  if not parts then
    local terms = command.terms
    local value = "ACTIVE " .. now_text .. " " .. terms.hold_text .. " " .. texts.lines_text
    parts = { tail = " " .. (terms.sale or "-") }
    if texts.lines_text == command.lines_text then
      parts.start = value .. " - - - "
    else
      parts.start = value .. " " .. terms.hold_text .. ";" .. command.lines_text .. ";c="
      parts.middle = asked_end(nil, terms.sale) .. (terms.splits and ";split" or "") .. " - - "
    end
    texts.for_customers = parts
  end
  if parts.middle then
    return parts.start .. customer .. parts.middle .. customer .. parts.tail
  end
  return parts.start .. customer .. parts.tail
end

-- The items of some lines; nil where one of them is unknown.
local function items_at(lines)
  local items = {}
  for i = 1, #lines do
    local item = item_of(lines[i])
    if not item then
      return nil
    end
    items[i] = item
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
  local item = items[1]
  return #lines == 1 and not item.is_broken and not item.stocktake and sales_of[item.sku]
    and orders_beside_sales(item, lines[1].quantity, sale, units) >= 1
end

-- The record, the deadline and the event of a hold.
local function hold_stock(command, texts, key, order_id, customer)
  local due_ids = texts.due_ids
  due_ids[#due_ids + 1] = order_id
  if customer then
    keep(key, value_for(command, texts, customer), texts.until_text)
    emit_of_run(RESERVED, order_id .. "@" .. customer, texts.event_end)
  else
    keep(key, texts.value, texts.until_text)
    emit_of_run(RESERVED, order_id, texts.event_end)
  end
end

-- How many more orders are served as the last one with this content was, as far as stock and sales tell. None of them
-- crosses the line that the alert watches (BR-005).
local function orders_alike(command, texts, sale, units)
  local item, quantity = texts.item, command.lines[1].quantity
  if texts.made ~= items_made or item.is_broken or item.stocktake then
    return 0
  end
  local count = math.floor((item.available - (item.is_low and 0 or item.safety_stock)) / quantity)
  return sales_of[item.sku] and math.min(count, orders_beside_sales(item, quantity, sale, units)) or count
end

-- The most frequent orders of all: one line, and an order of this batch with the same content was served. Only what
-- differs from order to order is done for each. See `alike`.
local function reserve_alike(command, first, last, customers_before)
  local texts, in_sale = command.again, command.in_sale
  local sale, units
  if in_sale then
    sale, units = in_sale.sale, in_sale.units
  end
  local has_limit = sale and sale.limit > 0
  last = math.min(last, first - 1 + orders_alike(command, texts, sale, units))
  local due_ids, ids = texts.due_ids, run_ids
  local due_count, ids_count = #due_ids, run_count
  local value = texts.value
  local n = first
  while n <= last do
    local key = all_keys[KEYS_BEFORE + n]
    local customer = customers_before and customers[customers_before + 1 + n - first]
    if found_records[n] or values[key] or (has_limit and not hold_for(customer, sale, units)) then
      break
    elseif n == first and (run_end ~= texts.event_end or run_type ~= RESERVED) then
      open_run(RESERVED, texts.event_end)
      ids_count = 0
    end
    local order_id = sub(key, id_start)
    n = n + 1
    due_ids[due_count + n - first] = order_id
    if customer then
      value = value_for(command, texts, customer)
      order_id = order_id .. "@" .. customer
    end
    values[key] = value
    ids[ids_count + n - first] = order_id
  end
  local count = n - first
  local taken = count * command.lines[1].quantity
  local item = texts.item
  item.available = item.available - taken
  item.reserved = item.reserved + taken
  item.version = item.version + count
  if sale then
    sale.held = sale.held + count * units
  end
  return count, texts.until_text, not customers_before and value, texts.answer
end

-- Which items serve an order, and its texts and answer; or nil and the refusal.
local function serve(command, sale, units)
  local lines, items, texts = command.lines, command.items, command.texts
  if not items and not lines.has_unpinned then
    items = items_at(lines)
    command.items = items
  end
  if items and (has_enough(items, lines) or has_enough_beside_sales(items, lines, sale, units)) then
    texts = texts or texts_of(command, lines)
    command.texts = texts
    return lines, items, texts, texts.answer
  end
  if lines.is_unpinned and not sale then
    need("serve")
    local served, chain = serve_again(command)
    if served then
      texts = served.texts
      local answer = chain.length == 0 and texts.answer or chain[texts]
      if not answer then
        answer = texts.answer .. "\n" .. chain.text
        chain[texts] = answer
      end
      return served.lines, served.items, texts, answer
    end
  end
  local planned, refusal, passed = need("plan_lines")(command, sale)
  if not planned then
    return nil, refusal
  end
  if lines.has_unpinned then
    texts = texts_of(command, planned)
  else
    texts = texts or texts_of(command, planned)
    command.texts = texts
  end
  local answer = #passed > 0 and texts.answer .. "\n" .. table.concat(passed, ",") or texts.answer
  return planned, items_at(planned), texts, answer
end

local function reserve(command, key, order_id, value, customer)
  if value then
    need("record")
    local reservation = read_reservation(value)
    if not reservation then
      return UNREADABLE
    elseif reservation.asked ~= asked_by(command, customer) then
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
  if command.terms.sale then
    need("sale")
    local in_sale = command.in_sale
    if not in_sale or in_sale.made ~= sales_made then
      local found, its_units = sale_among(command.terms.sale, command.lines)
      in_sale = { sale = found, units = its_units, made = sales_made }
      command.in_sale = in_sale
    end
    sale, units = in_sale.sale, in_sale.units
    local refusal = refuse_by_sale(sale, units, customer)
    if refusal then
      return refusal
    end
  end
  local lines, items, texts, answer = serve(command, sale, units)
  if not lines then
    return items -- the refusal
  end
  -- `change` and `watch_stock` written out: this loop is hot, and two calls a line are 7 % of it.
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
  if #lines == 1 and #command.lines == 1 and answer == texts.answer then
    -- The item that is tried first serves, and does so again for as long as it has enough. Two lines of an order can come
    -- to one where both are served from the same warehouse: that takes more than its first line says.
    texts.item, texts.made = items[1], items_made
    command.again = texts
  end
  hold_stock(command, texts, key, order_id, customer)
  if is_near_line then
    for i = 1, #items do
      watch_stock(items[i], command.terms.actor)
    end
  end
  return answer
end

alike[reserve] = reserve_alike

local terms_read = {} -- text -> terms: what an order says beside its lines, which most orders of a batch have in common

local function read_terms(text)
  local hold_text, actor, candidates, sale, allocation = string.match(text, "^(%d+) (%S+) (%S+) (%S+) (%l+)$")
  local hold_ms = hold_text and #hold_text <= 10 and tonumber(hold_text) or 0
  if hold_ms < 1 or hold_ms > LIFETIME_MS_MAX then
    return nil
  end
  local terms = {
    hold_ms = hold_ms,
    hold_text = hold_text,
    actor = actor,
    candidates = candidates,
    sale = given(sale),
    splits = allocation == "split",
    until_text = false,
  }
  terms_read[text] = terms
  return terms
end

readers["reserve"] = function(text)
  local lines_text, terms_text = string.match(text, "^reserve (%S+) (.+)$")
  local lines = lines_text and read_lines(lines_text)
  local terms = lines and (terms_read[terms_text] or read_terms(terms_text))
  -- Eight fields, for a table of more takes twice the room; the last four are found out with the first such order.
  return terms and {
    run = reserve,
    lines = lines,
    lines_text = lines_text,
    terms = terms,
    items = false,
    texts = false,
    serving = false,
    again = false,
  } or nil
end
