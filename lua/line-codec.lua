-- Texts of lines and of what an order asks. Twin: src/domain/lines.ts.

---@class Line
---@field sku string
---@field warehouse string "*" where any will do
---@field quantity integer units

local lines_read = {} -- text -> Line[] or false; texts repeat within a batch

local ids_read = {} -- text -> whether it is an id; warehouses and actors repeat within a batch

-- Whether a text can be an escaped id. What it means was checked in TypeScript.
local function is_id(text)
  local is_one = ids_read[text]
  if is_one == nil then
    is_one = #text <= CONST.ID_ESCAPED_BYTES_MAX and string.find(text, "^[%w%%][%w%%._:%-]*$") ~= nil
    ids_read[text] = is_one
  end
  return is_one
end

-- A number from 1 to the maximum, or nil.
local function read_number(text, number_max)
  local number = #text <= 10 and tonumber(text) or 0
  return number >= 1 and number <= number_max and number or nil
end

-- "sku@warehouse=quantity,..." as a list that also says whether some lines name no warehouse; nil for anything else.
local function read_lines(text)
  local lines = lines_read[text]
  if lines ~= nil then
    return lines or nil
  end
  lines_read[text] = false
  lines = { has_unpinned = false }
  local count, from = 0, 1
  repeat
    local sku, warehouse, quantity, to =
      match(text, "^([%w%%][%w%%._:%-]*)@([%w%%*][%w%%._:%-]*)=(%d+)()", from)
    local number = sku and count < CONST.LINES_MAX and read_number(quantity, CONST.QUANTITY_MAX)
    if not number or #sku > CONST.ID_ESCAPED_BYTES_MAX or #warehouse > CONST.ID_ESCAPED_BYTES_MAX then
      return nil
    elseif byte(warehouse) == 42 then -- "*"
      if warehouse ~= "*" then
        return nil
      end
      lines.has_unpinned = true
    end
    count = count + 1
    lines[count] = { sku = sku, warehouse = warehouse, quantity = number }
    from = to + 1
  until byte(text, to) ~= 44 -- ","
  if from ~= #text + 2 then
    return nil
  end
  lines_read[text] = lines
  return lines
end

local function write_lines(lines)
  local parts = {}
  for i, line in ipairs(lines) do
    parts[i] = format("%s@%s=%d", line.sku, line.warehouse, line.quantity)
  end
  return table.concat(parts, ",")
end

-- The end of a request's fingerprint, which begins with its hold and lines.
local function fingerprint_end(customer, sale)
  local text = customer and ";c=" .. customer or ""
  return sale and text .. ";s=" .. sale or text
end

codec.is_id, codec.read_number = is_id, read_number
codec.read_lines, codec.write_lines, codec.fingerprint_end = read_lines, write_lines, fingerprint_end
