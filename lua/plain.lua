-- Fast path: a plain reserve goes from text to text, without tables for its command, lines and items. Plain is an order without
-- a sale whose SKUs no command of the batch has touched, have no sale, and serve it from the one item there is or that is
-- named, readable, not locked, and not falling below its safety stock. All others are left to reserve.lua, which comes to the
-- same for plain orders too. This file also reads what orders say besides their lines.

---@class Terms What most orders of a batch have in common.
---@field hold_ms integer
---@field hold_text string the same in digits
---@field actor string
---@field candidates string warehouses to try first, "-" for none
---@field sale string|nil
---@field splits boolean a line may be served by several warehouses
---@field record_start string of the record of an order: status and times
---@field until_text string|false when such a record may vanish

local terms_read = {} -- text -> Terms or false

function plain.terms(text)
  local terms = terms_read[text]
  if terms == nil then
    local hold_text, actor, candidates, sale, mode = match(text, "^(%d+) (%S+) (%S+) (%S+) (%l+)$")
    local hold_ms = hold_text and codec.read_number(hold_text, CONST.LIFETIME_MS_MAX)
    terms = hold_ms and codec.is_id(actor) and {
      hold_ms = hold_ms,
      hold_text = hold_text,
      actor = actor,
      candidates = candidates,
      sale = given(sale),
      splits = mode == "split",
      record_start = "ACTIVE " .. now_text .. " " .. hold_text .. " ",
      until_text = false,
    } or false
    terms_read[text] = terms
  end
  return terms
end

-- When the record of an order with these terms may vanish, in digits.
function plain.until_text(terms)
  terms.until_text = terms.until_text or digits(now_ms + terms.hold_ms + tombstone_ms)
  return terms.until_text
end

-- The warehouse that serves a line, and the text of its item afterwards; nil where the line is not plain.
local function serve_line(sku, warehouse, quantity)
  if plain.numbers[sku] or stock.by_sku[sku] or stock.alone[sku] or #quantity > 10 then
    return nil
  end
  local fields = call("HGETALL", sku_prefix .. sku)
  local served_from, value
  for i = 1, #fields, 2 do
    local field = fields[i]
    if byte(field) == 42 then -- "*" begins the name of a sale
      value = nil
      break
    elseif field == warehouse or (warehouse == "*" and #fields == 2) then
      served_from, value = field, fields[i + 1]
    end
  end
  -- Not alerted, not locked, not quarantined. Lua makes numbers of digits where it calculates with them.
  local total, available, reserved, sold, version, safety_stock =
    match(value or "", "^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) 0$")
  local left = total and available - quantity or -1
  if left < 0 or left - safety_stock < 0 or quantity - 1 < 0
    or total - available - reserved - sold ~= 0 or total - CONST.QUANTITY_MAX > 0 then
    stock.fields_read[sku] = fields
    return nil
  end
  return served_from, format("%d %d %d %d %.0f %d 0", total, left, reserved + quantity, sold, version + 1, safety_stock)
end

-- Of the lines of one order; used again for the next.
local skus, warehouses, texts, served = {}, {}, {}, {}

-- Serves several lines: how many, and their text with the warehouses that serve them; nil where they are not plain.
local function serve_lines(lines_text)
  local count, from, before = 0, 1, ""
  repeat
    local sku, warehouse, quantity, to =
      match(lines_text, "^([%w%%][%w%%._:%-]*)@([%w%%*][%w%%._:%-]*)=(%d+)()", from)
    -- The lines of an order are sorted, so a SKU that comes twice comes next to itself.
    if not sku or count == CONST.LINES_MAX or not is_before(before, sku) then
      return nil
    end
    count = count + 1
    skus[count], before, from = sku, sku, to + 1
    warehouses[count], texts[count] = serve_line(sku, warehouse, quantity)
    if not warehouses[count] then
      return nil
    end
    served[count] = sku .. "@" .. warehouses[count] .. "=" .. (warehouse == "*" and digits(quantity) or quantity)
  until byte(lines_text, to) ~= 44 -- ","
  return from == #lines_text + 2 and count or nil, table.concat(served, ",", 1, count)
end

-- Decides the order with this text and record key, which has no record yet. Returns the answer; nil, and nothing changed,
-- where it is not plain.
function plain.reserve(text, key, customer)
  if not customer and byte(text, 3) ~= 115 then -- an "s", as in "reserve" alone
    return nil
  end
  -- Most orders have one line.
  local lines_text, sku, warehouse, quantity, terms_text =
    match(text, "^@?reserve (([%w%%][%w%%._:%-]*)@([%w%%*][%w%%._:%-]*)=(%d+)) (.+)$")
  if not sku then
    lines_text, terms_text = match(text, "^@?reserve (%S+) (.+)$")
  end
  local terms = lines_text and plain.terms(terms_text)
  if not terms or terms.sale or backlog_is_full then
    return nil
  end
  local count, served_text = 1, lines_text
  if sku then
    skus[1] = sku
    warehouses[1], texts[1] = serve_line(sku, warehouse, quantity)
    if warehouse == "*" and warehouses[1] then
      served_text = format("%s@%s=%d", sku, warehouses[1], quantity)
    end
  else
    count, served_text = serve_lines(lines_text)
  end
  local is_as_asked = served_text == lines_text
  if not count or not warehouses[1] or (terms.splits and not is_as_asked) then
    return nil
  end
  for i = 1, count do
    changed_count = changed_count + 1
    changed_items[changed_count], plain.warehouses[changed_count] = skus[i], warehouses[i]
    plain.texts[changed_count], plain.numbers[skus[i]] = texts[i], changed_count
  end
  local answer = terms.record_start .. served_text
  local record, asked = answer, "-"
  if is_as_asked then
    record = customer and record .. " - - - " .. customer .. " -" or record
  else
    record = record .. " " .. terms.hold_text .. ";" .. lines_text
    answer, asked = record .. " - -", lines_text
    record = customer and record .. ";c=" .. customer .. " - - " .. customer .. " -" or answer
  end
  local order_id = sub(key, id_start)
  stage_set(key, record, plain.until_text(terms))
  watch_deadline(order_id, now_ms + terms.hold_ms)
  emit_of_run("InventoryReserved ", customer and order_id .. "@" .. customer or order_id,
    " " .. terms.actor .. " " .. served_text .. " " .. terms.hold_text .. " " .. asked .. " - -")
  return answer
end
