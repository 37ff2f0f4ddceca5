-- [@]reserve lines hold_ms actor candidates|- sale|- single|split: holds stock for an order, all lines or none (BR-001,
-- BR-002, BR-006). Twin: reserve in src/model/orders.ts. Checked in this order: repeat, ledger, sale, stock (plan.lua).
-- "@": the order has a customer, which is in ARGV. Answers: reservation[\nskipped] (without customer and sale, which the
-- caller knows) | REPLAYED reservation | REFUSED order-conflict | ledger-backlog | unknown-sale | sale-not-open ms |
-- sale-closed ms | customer-required | purchase-limit-exceeded limit held bought | unknown-item items | quarantined items |
-- stocktake-in-progress item=stocktake:until,... | insufficient-stock sku@warehouse=requested:available,...

local RESERVED = "InventoryReserved "

---@class Order: Command
---@field lines Line[] as asked
---@field lines_text string
---@field terms Terms
---@field run_plan OrderPlan|true|false how the last order with this text was served; true: as its lines say, if they can
---@field in_sale { sale: Sale|nil, units: integer, made: integer }|false the sale it takes part in

---@class OrderPlan What orders with the same text come to when they are served from the same items.
---@field items Item[]
---@field lines Line[] one for each of the items
---@field lines_text string
---@field value string the record without a customer
---@field answer string
---@field event_end string
---@field until_text string when such a record may vanish
---@field due_ids string[] of the deadline of such a hold
---@field served_at integer the last command of the batch that was served so
---@field is_lasting boolean served so whenever the items have enough, whatever other commands do
---@field items_made integer stock.items_made when it was made
---@field customer_parts table|false start, middle and tail of the record around a customer

-- The fingerprint of what this order asks for (BR-006).
local function fingerprint_of(command, customer)
  local terms = command.terms
  return terms.hold_text .. ";" .. command.lines_text .. codec.fingerprint_end(customer, terms.sale)
    .. (terms.splits and command.lines.has_unpinned and ";split" or "")
end

local function new_plan(command, lines, skipped)
  local terms, sale = command.terms, command.terms.sale
  local lines_text = lines == command.lines and command.lines_text or codec.write_lines(lines)
  local is_as_asked = lines_text == command.lines_text
  local value = terms.record_start .. lines_text
  local answer = value
  if not is_as_asked then
    answer = value .. " " .. terms.hold_text .. ";" .. command.lines_text .. " - -"
    value = value .. " " .. fingerprint_of(command, nil) .. " - -" .. (sale and " - " .. sale or "")
  elseif sale then
    value = value .. " - - - - " .. sale
  end
  local items = {}
  for i = 1, #lines do
    items[i] = stock.item_at(lines[i])
  end
  return {
    items = items,
    lines = lines,
    lines_text = lines_text,
    value = value,
    answer = #skipped > 0 and answer .. "\n" .. table.concat(skipped, ",") or answer,
    event_end = " " .. terms.actor .. " " .. lines_text .. " " .. terms.hold_text
      .. (is_as_asked and " - " or " " .. command.lines_text .. " ") .. (sale or "-")
      .. (terms.splits and command.lines.has_unpinned and " split" or " -"),
    until_text = plain.until_text(terms),
    due_ids = due_at(now_ms + terms.hold_ms),
    served_at = at,
    -- Without a warehouse named, only a single line that the first warehouse serves whole is sure to be served so again.
    is_lasting = not command.lines.has_unpinned or (#skipped == 0 and #command.lines == 1 and #lines == 1),
    items_made = stock.items_made,
    customer_parts = false,
  }
end

-- The record of a hold for this customer: start .. customer .. middle .. customer .. tail, or without the middle.
local function value_for(command, plan, customer)
  local parts = plan.customer_parts
  if not parts then
    local terms = command.terms
    local value = terms.record_start .. plan.lines_text
    parts = { tail = " " .. (terms.sale or "-") }
    if plan.lines_text == command.lines_text then
      parts.start = value .. " - - - "
    else
      parts.start = value .. " " .. terms.hold_text .. ";" .. command.lines_text .. ";c="
      parts.middle = codec.fingerprint_end(nil, terms.sale) .. (terms.splits and ";split" or "") .. " - - "
    end
    plan.customer_parts = parts
  end
  if parts.middle then
    return parts.start .. customer .. parts.middle .. customer .. parts.tail
  end
  return parts.start .. customer .. parts.tail
end

-- The plan of an order that names all warehouses; nil where an item is unknown.
local function named_plan(command)
  for i = 1, #command.lines do
    if not stock.item_at(command.lines[i]) then
      return nil
    end
  end
  return new_plan(command, command.lines, {})
end

-- The sale an order takes part in and the units it takes there. Found once, until another sale is made.
local function sale_of(command)
  local in_sale = command.in_sale
  if not in_sale or in_sale.made ~= sales.made then
    local sale, units = sales.find_in_lines(command.terms.sale, command.lines)
    in_sale = { sale = sale, units = units, made = sales.made }
    command.in_sale = in_sale
  end
  return in_sale.sale, in_sale.units
end

-- Takes the stock of so many orders from the items of their plan.
local function take(plan, count)
  for i = 1, #plan.items do
    local units = count * plan.lines[i].quantity
    stock.change(plan.items[i], 0, -units, units, 0, count)
  end
end

-- A reserve for an order that has a record: the first answer again, with the reservation as it is now, so that nobody takes
-- an ended hold for an open one; or a conflict where something else was asked.
local function repeat_reserve(command, key, order_id, value, customer)
  local reservation = reservations.read(value)
  if not reservation then
    return UNREADABLE
  elseif reservation.fingerprint ~= fingerprint_of(command, customer) then
    return "REFUSED order-conflict"
  end
  reservations.expire_when_due(key, order_id, reservation)
  return "REPLAYED " .. (values[key] or value)
end

local function reserve(command, key, order_id, value, customer)
  if value then
    return repeat_reserve(command, key, order_id, value, customer)
  elseif backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  local sale, units
  if command.terms.sale then
    sale, units = sale_of(command)
    local refusal = sales.refuse(sale, units, customer)
    if refusal then
      return refusal
    end
  end
  local lines, refusal, skipped = allocation.plan_lines(command, sale)
  if not lines then
    return refusal
  end
  local plan = new_plan(command, lines, skipped)
  command.run_plan = plan
  take(plan, 1)
  if sale then
    sales.count_held(sale, units, customer)
  end
  stage_set(key, customer and value_for(command, plan, customer) or plan.value, plan.until_text)
  plan.due_ids[#plan.due_ids + 1] = order_id
  emit_of_run(RESERVED, customer and order_id .. "@" .. customer or order_id, plan.event_end)
  for i = 1, #plan.items do
    stock.watch_stock(plan.items[i], command.terms.actor)
  end
  return plan.answer
end

-- How many more orders can be served as the plan says without anything else to decide: the items have enough, are neither
-- locked nor quarantined, leave what sales set aside, and do not fall below their safety stock (BR-005).
local function orders_within(plan, sale, units)
  local count = CONST.QUANTITY_MAX
  for i = 1, #plan.items do
    local item, quantity = plan.items[i], plan.lines[i].quantity
    if item.is_broken or item.stocktake then
      return 0
    end
    local room = item.available - (item.is_low and 0 or item.safety_stock)
    count = min(count, math.floor(room / quantity))
    if sales.by_sku[item.sku] then
      count = #plan.items == 1 and min(count, sales.orders_within(item, room, quantity, sale, units)) or 0
    end
  end
  return count
end

-- Fast path: orders with the text of one that was served, or that name all warehouses. Only what differs from order to order is
-- done for each. In a sale with a limit each is counted to its customer, bought units included, and the first that exceeds it is
-- left to `reserve`.
---@type RunHandler
local function reserve_run(command, first, last, customers_before)
  local plan = command.run_plan
  if plan == true then
    plan = not backlog_is_full and named_plan(command) or false
    command.run_plan = plan
  end
  if not plan or not (plan.is_lasting or plan.served_at == first - 1) or plan.items_made ~= stock.items_made then
    return 0
  end
  local sale, units
  if command.in_sale then
    sale, units = command.in_sale.sale, command.in_sale.units
  end
  local has_limit = sale and sale.limit > 0
  last = min(last, first - 1 + orders_within(plan, sale, units))
  local due_ids, ids, customers = plan.due_ids, run_ids, sales.customers
  local due_count, ids_count = #due_ids, 0
  local value = plan.value
  local n = first
  while n <= last do
    local key = all_keys[KEYS_BEFORE + n]
    local customer = customers_before and customers[customers_before + 1 + n - first]
    if found_records[n] or values[key] or (has_limit and not sales.hold_for(customer, sale, units)) then
      break
    elseif n == first then
      open_run(RESERVED, plan.event_end)
      ids_count = run_count
    end
    local order_id = sub(key, id_start)
    n = n + 1
    due_ids[due_count + n - first] = order_id
    if customer then
      value = value_for(command, plan, customer)
      order_id = order_id .. "@" .. customer
    end
    values[key] = value
    ids[ids_count + n - first] = order_id
  end
  local count = n - first
  if count == 0 then
    return 0
  end
  take(plan, count)
  plan.served_at = n - 1
  if sale then
    sale.held = sale.held + count * units
  end
  return count, plan.until_text, not customers_before and value, plan.answer
end

run_handlers[reserve] = reserve_run

parsers["reserve"] = function(text)
  local lines_text, terms_text = match(text, "^reserve (%S+) (.+)$")
  local lines = lines_text and codec.read_lines(lines_text)
  local terms = lines and plain.terms(terms_text)
  return terms and {
    run = reserve,
    lines = lines,
    lines_text = lines_text,
    terms = terms,
    run_plan = not terms.sale and not lines.has_unpinned,
    in_sale = false,
  } or nil
end
