-- Reservations: their texts, and what every command about one needs. Twin: src/domain/reservation.ts.

---@class Reservation
---@field status "ACTIVE"|"CONFIRMED"|"RELEASED"|"EXPIRED"
---@field reserved_at string milliseconds
---@field expires_at_ms integer
---@field lines_text string what it holds or held, as its record says
---@field lines Line[]
---@field fingerprint string what was asked for (BR-006)
---@field resolved_at string|nil milliseconds
---@field operations string done to it, joined by ";"
---@field customer string|nil
---@field sale string|nil

-- "status reserved_at_ms held_for_ms lines [fingerprint resolved_at_ms operations [customer sale]]". With held_for_ms in
-- place of the deadline the fingerprint follows from the rest in most records, which then are this short.
-- Nil for a text that this program did not write: that reservation is left alone, and all others go on.
function reservations.read(value)
  local status, reserved_at, held_for, lines_text, rest = match(value, "^(%u+) (%d+) (%d+) (%S+)(.*)$")
  local lines = CONST.RESERVATION_STATUSES[status] and codec.read_lines(lines_text)
  if not lines then
    return nil
  end
  local reservation = {
    status = status,
    reserved_at = reserved_at,
    expires_at_ms = tonumber(reserved_at) + tonumber(held_for),
    lines_text = lines_text,
    lines = lines,
    operations = "",
  }
  if rest ~= "" then
    local fingerprint, resolved_at, operations, buyer = match(rest, "^ (%S+) (%S+) (%S+)(.*)$")
    if not fingerprint then
      return nil
    end
    if buyer ~= "" then
      local customer, sale = match(buyer, "^ (%S+) (%S+)$")
      if not customer then
        return nil
      end
      reservation.customer, reservation.sale = given(customer), given(sale)
    end
    reservation.fingerprint, reservation.resolved_at = given(fingerprint), given(resolved_at)
    reservation.operations = given(operations) or ""
  end
  reservation.fingerprint = reservation.fingerprint
    or held_for .. ";" .. lines_text .. codec.fingerprint_end(reservation.customer, reservation.sale)
  return reservation
end

local function write_reservation(reservation)
  local held_for = digits(reservation.expires_at_ms - tonumber(reservation.reserved_at))
  local text = reservation.status .. " " .. reservation.reserved_at .. " " .. held_for .. " " .. reservation.lines_text
  local customer, sale = reservation.customer, reservation.sale
  local derived = held_for .. ";" .. reservation.lines_text .. codec.fingerprint_end(customer, sale)
  local fingerprint = reservation.fingerprint == derived and "-" or reservation.fingerprint
  local has_buyer = customer or sale
  if fingerprint == "-" and not reservation.resolved_at and reservation.operations == "" and not has_buyer then
    return text
  end
  local operations = reservation.operations == "" and "-" or reservation.operations
  text = text .. " " .. fingerprint .. " " .. (reservation.resolved_at or "-") .. " " .. operations
  return has_buyer and text .. " " .. (customer or "-") .. " " .. (sale or "-") or text
end

function reservations.remembers(reservation, operation)
  return string.find(";" .. reservation.operations .. ";", ";" .. operation .. ";", 1, true) ~= nil
end

function reservations.remember(reservation, operation)
  reservation.operations = reservation.operations == "" and operation or reservation.operations .. ";" .. operation
end

-- Writes a reservation back and returns its text. Its key lives until the tombstone time after it was resolved; of an open
-- one, after its deadline.
function reservations.stage(key, reservation)
  local last_ms = reservation.status == "ACTIVE" and reservation.expires_at_ms or now_ms
  local value = write_reservation(reservation)
  stage_set(key, value, digits(last_ms + tombstone_ms))
  return value
end

function reservations.resolve(reservation, status)
  reservation.status = status
  reservation.resolved_at = now_text
end

-- The items of some held lines; or nil and the refusal that names those which are to be left alone.
function reservations.items_of(lines)
  local items, broken = {}, {}
  for i, line in ipairs(lines) do
    local item = stock.item_at(line)
    if not item or item.is_broken or item.reserved < line.quantity then
      broken[#broken + 1] = line.sku .. "@" .. line.warehouse
    end
    items[i] = item
  end
  if #broken > 0 then
    return nil, "REFUSED quarantined " .. table.concat(broken, ",")
  end
  return items
end

-- The refusal where one of these lines is locked (BR-007); nil where none is.
function reservations.refuse_locked(lines)
  local locked = {}
  for _, line in ipairs(lines) do
    local item = stock.item_at(line)
    if item and item.stocktake then
      locked[#locked + 1] = stock.locked_text(item)
    end
  end
  return #locked > 0 and "REFUSED stocktake-in-progress " .. table.concat(locked, ",") or nil
end

-- Counts the units of these lines in the reservation's sale, if it has one: from one of its figures to another.
function reservations.count_in_sale(reservation, lines, from, to)
  if reservation.sale then
    local sale, units = sales.find_in_lines(reservation.sale, lines)
    if sale then
      sales.count_ended(sale, units, reservation.customer, from, to)
    end
  end
end
