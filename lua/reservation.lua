-- Reservations: their texts, and what every command about one needs. Made when a batch first needs it; the orders of a
-- flash sale do not. Twin: src/domain/reservation.ts.

-- "status reserved_at_ms held_for_ms lines [asked resolved_at_ms operations [customer sale]]": the text of a reservation.
-- held_for_ms rather than the deadline, because it makes what was asked derivable: most records need no more.
local STATUSES = { ACTIVE = true, CONFIRMED = true, RELEASED = true, EXPIRED = true }

-- Nil for a text that this program did not write: such a reservation is left alone and named, the rest goes on.
function read_reservation(value)
  local status, reserved_at, held_for, lines_text, rest = string.match(value, "^(%u+) (%d+) (%d+) (%S+)(.*)$")
  local lines = STATUSES[status] and read_lines(lines_text)
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
    local asked, resolved_at, operations, beside = string.match(rest, "^ (%S+) (%S+) (%S+)(.*)$")
    if not asked then
      return nil
    end
    if beside ~= "" then
      local customer, sale = string.match(beside, "^ (%S+) (%S+)$")
      if not customer then
        return nil
      end
      reservation.customer, reservation.sale = given(customer), given(sale)
    end
    reservation.asked, reservation.resolved_at = given(asked), given(resolved_at)
    reservation.operations = given(operations) or ""
  end
  reservation.asked = reservation.asked
    or held_for .. ";" .. lines_text .. asked_end(reservation.customer, reservation.sale)
  return reservation
end

function write_reservation(reservation)
  local held_for = digits(reservation.expires_at_ms - tonumber(reservation.reserved_at))
  local text = reservation.status .. " " .. reservation.reserved_at .. " " .. held_for .. " " .. reservation.lines_text
  local customer, sale = reservation.customer, reservation.sale
  local derived = held_for .. ";" .. reservation.lines_text .. asked_end(customer, sale)
  local asked = reservation.asked == derived and "-" or reservation.asked
  local has_beside = customer or sale
  if asked == "-" and not reservation.resolved_at and reservation.operations == "" and not has_beside then
    return text
  end
  local operations = reservation.operations == "" and "-" or reservation.operations
  text = text .. " " .. asked .. " " .. (reservation.resolved_at or "-") .. " " .. operations
  return has_beside and text .. " " .. (customer or "-") .. " " .. (sale or "-") or text
end

function remembers(reservation, operation)
  return string.find(";" .. reservation.operations .. ";", ";" .. operation .. ";", 1, true) ~= nil
end

function remember(reservation, operation)
  reservation.operations = reservation.operations == "" and operation or reservation.operations .. ";" .. operation
end

-- Writes a reservation back; a settled one lives on as a tombstone, an open one until its hold and tombstone end.
function keep_reservation(key, reservation)
  local last_ms = reservation.status == "ACTIVE" and reservation.expires_at_ms or now_ms
  local value = write_reservation(reservation)
  keep(key, value, digits(last_ms + tombstone_ms))
  return value
end

function settle(reservation, status)
  reservation.status = status
  reservation.resolved_at = now_text
end

-- The items of a reservation's lines, or the refusal that names those which cannot be touched.
function items_of(lines)
  local items, broken = {}, {}
  for i, line in ipairs(lines) do
    local item = item_of(line)
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

-- What BR-007 forbids about these lines now, as the text of a refusal; nil where nothing is locked.
function refuse_locked(lines)
  local locked = {}
  for _, line in ipairs(lines) do
    local item = item_of(line)
    if item and item.stocktake then
      locked[#locked + 1] = locked_text(item)
    end
  end
  return #locked > 0 and "REFUSED stocktake-in-progress " .. table.concat(locked, ",") or nil
end

-- Units that a reservation held move from where they counted in its sale to where they count now; most have no sale.
function tally(reservation, lines, from, to)
  if reservation.sale then
    need("sale")
    local sale, units = sale_among(reservation.sale, lines)
    if sale then
      count_ended(sale, units, reservation.customer, from, to)
    end
  end
end
