-- Returns what is not confirmed in time (BR-003) and ends locks whose lease ran out (BR-007). Twin: Books.returnDue.
-- Stock returns on evidence only: a reservation that stands ACTIVE past its deadline, never a key that is gone.

-- BR-007: a hold that falls due while one of its items is counted, or right after, lives on: some minutes at a time while
-- the lock is on, and a while longer than the lock. Locks whose deadline has passed end here.
local function outlive_locks(key, order_id, reservation, items)
  local lives_until_ms = 0
  for _, item in ipairs(items) do
    if item.stocktake then
      need("lock")
      lapse_lock(item.name, now_ms)
    end
    local until_ms = item.locked_until_ms or 0
    if item.stocktake then
      until_ms = math.min(until_ms, now_ms + STOCKTAKE_EXTENSION_MS) + STOCKTAKE_GRACE_MS
    end
    lives_until_ms = math.max(lives_until_ms, until_ms)
  end
  if lives_until_ms <= now_ms then
    return false
  end
  reservation.expires_at_ms = lives_until_ms
  for _, item in ipairs(items) do
    change(item, 0, 0, 0, 0)
  end
  watch_deadline(order_id, reservation.expires_at_ms)
  emit("ReservationExtended " .. order_id .. " clock " .. reservation.lines_text .. " " .. digits(reservation.expires_at_ms))
  keep_reservation(key, reservation)
  return true
end

-- Returns the hold if it is due. Answers false only where it is due but its items cannot be touched.
function expire_when_due(key, order_id, reservation)
  if reservation.status ~= "ACTIVE" or reservation.expires_at_ms > now_ms then
    return true
  end
  local items = items_of(reservation.lines)
  if not items then
    return false
  end
  if outlive_locks(key, order_id, reservation, items) then
    return true
  end
  for i, line in ipairs(reservation.lines) do
    change(items[i], 0, line.quantity, -line.quantity, 0)
  end
  tally(reservation, reservation.lines, "held", "expired")
  settle(reservation, "EXPIRED")
  keep_reservation(key, reservation)
  emit("InventoryReleased " .. order_id .. " clock " .. reservation.lines_text .. " expired -")
  for _, item in ipairs(items) do
    watch_stock(item, "clock")
  end
  return true
end

-- Looks at no more than `ids_max` ids of holds in these entries of the index. Answers whether more may be waiting.
function return_due(entries, ids_max)
  local ids, keys, left, scores = {}, {}, {}, {}
  for i = 1, #entries, 2 do
    if #ids >= ids_max then
      break
    end
    local entry, score_ms = entries[i], tonumber(entries[i + 1])
    returned_entries[#returned_entries + 1] = entry
    local is_name = true -- the first word only makes the entry unique
    for word in string.gmatch(entry, "%S+") do
      if is_name then
        is_name = false
      elseif #ids < ids_max then
        ids[#ids + 1] = word
        keys[#keys + 1] = reservation_prefix .. word -- of an item's name there is none
        scores[#scores + 1] = score_ms
      else
        left[#left + 1] = word
      end
    end
  end
  if #ids == 0 then
    return #entries > 0
  end
  local texts = call("MGET", unpack(keys))
  for i, id in ipairs(ids) do
    local key = keys[i]
    if string.find(id, "@", 1, true) then
      need("lock")
      lapse_lock(id, scores[i])
    end
    local value = values[key]
    if value == nil then
      value = texts[i]
    end
    local reservation = value and read_reservation(value)
    if value and not reservation then
      watch_deadline(id, now_ms + POSTPONE_MS)
    elseif value and reservation.expires_at_ms <= scores[i] then
      -- A hold that was extended stands in a later entry too, and returns in the order of that one.
      if not expire_when_due(key, id, reservation) then
        watch_deadline(id, now_ms + POSTPONE_MS)
      end
    end
  end
  for _, id in ipairs(left) do
    watch_deadline(id, now_ms)
  end
  return #left > 0 or #returned_entries * 2 < #entries or #entries == 2 * ENTRIES_MAX
end

late.record = true
