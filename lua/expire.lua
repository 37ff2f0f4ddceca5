-- Returns what was not confirmed in time (BR-003) and ends locks whose lease ran out (BR-007).
-- Twin: InventoryState.returnDue in src/model. Stock returns for a record that is ACTIVE past its deadline, never for a key
-- that is gone.

-- BR-007: a hold that falls due while one of its items is locked, or right after, is extended: a few minutes at a time, and
-- past the end of the lock by the grace time. Locks whose deadline has passed end here.
local function outlive_locks(key, order_id, reservation, items)
  local lives_until_ms = 0
  for _, item in ipairs(items) do
    if item.stocktake then
      locks.lapse(item.name, now_ms)
    end
    local until_ms = item.locked_until_ms or 0
    if item.stocktake then
      until_ms = min(until_ms, now_ms + CONST.STOCKTAKE_EXTENSION_MS) + CONST.STOCKTAKE_GRACE_MS
    end
    lives_until_ms = math.max(lives_until_ms, until_ms)
  end
  if lives_until_ms <= now_ms then
    return false
  end
  reservation.expires_at_ms = lives_until_ms
  for _, item in ipairs(items) do
    stock.change(item, 0, 0, 0, 0)
  end
  watch_deadline(order_id, reservation.expires_at_ms)
  emit("ReservationExtended " .. order_id .. " clock " .. reservation.lines_text .. " " .. digits(reservation.expires_at_ms))
  reservations.stage(key, reservation)
  return true
end

-- Returns the hold if it is due. False only where it is due and its items are to be left alone.
function reservations.expire_when_due(key, order_id, reservation)
  if reservation.status ~= "ACTIVE" or reservation.expires_at_ms > due_ms then
    return true
  end
  local items = reservations.items_of(reservation.lines)
  if not items then
    return false
  end
  if outlive_locks(key, order_id, reservation, items) then
    return true
  end
  for i, line in ipairs(reservation.lines) do
    stock.change(items[i], 0, line.quantity, -line.quantity, 0)
  end
  reservations.count_in_sale(reservation, reservation.lines, "held", "expired")
  reservations.resolve(reservation, "EXPIRED")
  reservations.stage(key, reservation)
  emit("InventoryReleased " .. order_id .. " clock " .. reservation.lines_text .. " expired -")
  for _, item in ipairs(items) do
    stock.watch_stock(item, "clock")
  end
  return true
end

-- Looks at up to `ids_max` ids in these entries of the index. Returns whether more may be due.
function reservations.return_due(entries, ids_max)
  local ids, keys, left, scores = {}, {}, {}, {}
  for i = 1, #entries, 2 do
    if #ids >= ids_max then
      break
    end
    local entry, score_ms = entries[i], tonumber(entries[i + 1])
    reservations.returned[#reservations.returned + 1] = entry
    local is_name = true -- the first word only makes the entry unique
    for word in string.gmatch(entry, "%S+") do
      if is_name then
        is_name = false
      elseif #ids < ids_max then
        ids[#ids + 1] = word
        keys[#keys + 1] = reservation_prefix .. word -- an item's name has no such record
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
      locks.lapse(id, scores[i])
    end
    local value = values[key]
    if value == nil then
      value = texts[i]
    end
    local reservation = value and reservations.read(value)
    if value and not reservation then
      watch_deadline(id, now_ms + POSTPONE_MS)
    elseif value and reservation.expires_at_ms <= scores[i] then
      -- A hold that was extended is in a later entry too, and is due with that one.
      if not reservations.expire_when_due(key, id, reservation) then
        watch_deadline(id, now_ms + POSTPONE_MS)
      end
    end
  end
  for _, id in ipairs(left) do
    watch_deadline(id, now_ms)
  end
  return #left > 0 or #reservations.returned * 2 < #entries or #entries == 2 * ENTRIES_MAX
end
