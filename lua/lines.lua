-- Lines of orders and of holds, and what an order asks beside them: their texts. Twin: src/domain/reservation.ts.

local lines_read = {} -- text -> lines; texts repeat within a batch, so each is read and checked once

-- Notes of lines that name no warehouse ("*"): whether some do not, and whether none does.
local function note_unpinned(lines)
  local unpinned = 0
  for i = 1, #lines do
    if lines[i].warehouse == "*" then
      unpinned = unpinned + 1
    end
  end
  if unpinned > 0 then
    lines.has_unpinned, lines.is_unpinned = true, unpinned == #lines
  end
end

local function read_quantity(text)
  local number = #text <= 10 and tonumber(text) or 0
  return number >= 1 and number <= QUANTITY_MAX and number or nil
end

-- "sku@warehouse=quantity,..." as a list, or nil where the text is anything else.
local function read_lines(text)
  local lines = lines_read[text]
  if lines ~= nil then
    return lines or nil
  end
  lines_read[text] = false
  local sku, warehouse, quantity = string.match(text, "^([^@,=]+)@([^@,=]+)=(%d+)$")
  if sku then -- a single line, as most orders have
    quantity = read_quantity(quantity)
    lines = quantity and { { sku = sku, warehouse = warehouse, quantity = quantity } }
  else
    local parts = {}
    lines = {}
    for a_sku, a_warehouse, digits_of in string.gmatch(text, "([^@,=]+)@([^@,=]+)=(%d+)") do
      local number = read_quantity(digits_of)
      if not number then
        return nil
      end
      lines[#lines + 1] = { sku = a_sku, warehouse = a_warehouse, quantity = number }
      parts[#parts + 1] = a_sku .. "@" .. a_warehouse .. "=" .. digits_of
    end
    if #lines == 0 or #lines > LINES_MAX or table.concat(parts, ",") ~= text then
      return nil
    end
  end
  if lines then
    note_unpinned(lines)
    lines_read[text] = lines
  end
  return lines
end

local function write_lines(lines)
  local parts = {}
  for i, line in ipairs(lines) do
    parts[i] = string.format("%s@%s=%d", line.sku, line.warehouse, line.quantity)
  end
  return table.concat(parts, ",")
end

-- What belongs to a request beside its hold and lines, in the words of `asked`.
local function asked_end(customer, sale)
  local text = customer and ";c=" .. customer or ""
  return sale and text .. ";s=" .. sale or text
end

local function given(word)
  return word ~= "-" and word or nil
end

local UNREADABLE = "REFUSED quarantined -"

-- What is made when a batch first needs it, `need("record")`: reservation.lua, expire.lua.
local read_reservation, write_reservation, keep_reservation, settle, remembers, remember, items_of, refuse_locked, tally
local expire_when_due, return_due
-- As above, `need("lock")`: lock.lua.
local sheet_text, write_sheet, lock_item, unlock_item, lapse_lock
