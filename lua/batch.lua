-- The loop: open the partition, return what is due, decide every command in order, write once, answer.
-- KEYS: control, events, due, then one record key a command, then the SKU keys the caller can know.
-- ARGV: the caller's epoch ("number nonce"), the highest sequence it has seen in it, its clock as a witness (ms), events the
-- ledger may lag behind, due holds to look at, tombstone time (ms), a link for this batch, what else it asks for ("-"; "write":
-- write the control record in any case, so that WAIT covers what was read; "confirm": it was told of a leap of the clock before
-- it looked at its own), number of commands, number of different texts, which text each command has, the texts, then the
-- customers of those commands whose text begins with "@", in their order.
-- Returns { "OK epoch nonce sequence link now_ms events carried more_due clock", which answer each command has, the different
-- answers ... } or { "NOT_READY reason", "number nonce" }. Equal texts and equal answers cross once; "which" is two characters
-- a command, from "#" on in base 64, and numbers texts and answers in the order of their first use.

local ARGS_BEFORE = 11 -- the texts come after them
local command_count, text_count, which = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]

-- The control record (Twin: src/hotpath/codec/control-codec.ts): "v2 epoch nonce sequence link clock_ms events carried
-- incarnation pause state"; absent where Redis has forgotten the partition (D10).
local CONTROL = "v2 %s %.0f %s %s %.0f %.0f %s %s %s"
local control = call("GET", control_key)
if not control then
  return { "NOT_READY forgotten", "0 -" }
end
local epoch, sequence, link, clock_text, events_total, carried_total, incarnation, pause, state =
  match(control, "^v2 (%d+ %w+) (%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (%S+) (%l+)$")
if not epoch then
  assert(match(control, "^%d+ %d+ %d+ %d+ %d+ %l+$"), "the partition's control record cannot be read")
  return { "NOT_READY unverified", "0 -" } -- of the release before: this one's worker has not verified it yet
elseif state == "fenced" or state == "clock" then
  return { "NOT_READY " .. state, epoch }
end
-- H11: only the incarnation of a primary that a worker has verified decides. Its name is new after every restart and promotion.
local replication = call("INFO", "replication")
if not string.find(replication, "role:master", 1, true) then
  return { "NOT_READY read-only", epoch }
elseif not string.find(replication, "master_replid:" .. incarnation, 1, true) then
  return { "NOT_READY unverified", epoch }
elseif epoch ~= ARGV[1] then
  return { "NOT_READY stale-epoch", epoch }
end
sequence, events_total, carried_total = tonumber(sequence), tonumber(events_total), tonumber(carried_total)
local carried_before = carried_total
-- This Redis lacks what the caller was answered, in the same incarnation: it went back unseen, as a snapshot of a machine does.
-- It would sell that again, so it counts as unverified from now on.
if sequence < tonumber(ARGV[2]) then
  call("SET", control_key, format(CONTROL, epoch, sequence, link, clock_text, events_total, carried_total, "-", pause, state))
  return { "NOT_READY behind", epoch }
end

-- D4: time never goes back. A leap that the caller's clock does not confirm closes the partition, because Redis drops keys by
-- its own clock. A batch that was on its way for long looks the same, so the caller is asked again first.
local CLOCK_LEAP_MS_MAX = 10000
local clock_ms = tonumber(clock_text)
local server_ms = server_time_ms()
local clock_note = "steady"
if server_ms < clock_ms then
  if clock_ms - server_ms > CLOCK_LEAP_MS_MAX then
    clock_note = "behind"
  end
  server_ms = clock_ms
elseif server_ms - clock_ms > CLOCK_LEAP_MS_MAX and math.abs(server_ms - tonumber(ARGV[3])) > CLOCK_LEAP_MS_MAX then
  if ARGV[8] ~= "confirm" then
    return { "NOT_READY clock-doubted", epoch }
  end
  call("SET", control_key, format(CONTROL, epoch, sequence, link, clock_text, events_total, carried_total, incarnation, pause,
    "clock"))
  return { "NOT_READY clock", epoch }
end
now_ms = server_ms
now_text = digits(now_ms)
tombstone_ms = tonumber(ARGV[6])
-- After a time in which the partition was closed, deadlines are late by its length ("length_ms:until_ms").
due_ms = now_ms
if pause ~= "0" then
  local length_ms, until_ms = match(pause, "^(%d+):(%d+)$")
  if now_ms < tonumber(until_ms) then
    due_ms = now_ms - tonumber(length_ms)
  else
    pause = "0"
  end
end

backlog_is_full = events_total - carried_total >= tonumber(ARGV[4])

found_records = command_count > 0 and call("MGET", unpack(all_keys, KEYS_BEFORE + 1, KEYS_BEFORE + command_count)) or {}

local more_due = false
local entries = call("ZRANGEBYSCORE", due_key, "-inf", digits(due_ms), "WITHSCORES", "LIMIT", 0, ENTRIES_MAX)
if #entries > 0 then
  more_due = reservations.return_due(entries, tonumber(ARGV[5]))
end

-- Decide ---------------------------------------------------------------------------------------------

-- The ledger has so many events of this history: the backlog shrinks, and entries below an id go (D7). The nonce says whose
-- ledger: a worker whose partition another ledger has taken over cuts nothing.
local trim_to
parsers["trim"] = function(text)
  local nonce, carried, to = match(text, "^trim (%w+) (%d+) (%d*%-%d*)$")
  return nonce and {
    run = function()
      if nonce ~= match(epoch, "%w+$") or tonumber(carried) > events_total then
        return "REFUSED invalid-command"
      end
      if tonumber(carried) >= carried_total then
        carried_total = tonumber(carried)
        trim_to = to ~= "-" and to or trim_to
      end
      return "DONE"
    end,
  } or nil
end

for i = ARGS_BEFORE + 1 + text_count, #ARGV do
  sales.customers[i - ARGS_BEFORE - text_count] = ARGV[i]
end

local answers, answer_count = { "", "" }, 0 -- the head is written last
local codes = {} -- answer -> its two characters
local which_answer, which_count = {}, 0 -- the characters of each command, or of a run with one answer

local function add_answer(answer, count)
  local code = codes[answer]
  if not code then
    local low = answer_count % 64
    code = string.char(35 + (answer_count - low) / 64, 35 + low)
    codes[answer] = code
    answer_count = answer_count + 1
    answers[2 + answer_count] = answer
  end
  which_count = which_count + 1
  which_answer[which_count] = count == 1 and code or string.rep(code, count)
end

-- Records of runs: the first command, the last, the text of all (false: as in `values`), when their keys may vanish. What this
-- batch did to one of them later is in `staged`; before the run it did nothing.
local runs, runs_count = {}, 0

-- The last of the commands from this one on that have the same text.
local run_last = 0
local function last_of_run(first)
  if text_count == 1 then
    return command_count
  elseif run_last < first then
    local code = sub(which, 2 * first - 1, 2 * first)
    run_last = first
    while sub(which, 2 * run_last + 1, 2 * run_last + 2) == code do
      run_last = run_last + 1
    end
  end
  return run_last
end

local commands, have_customers, customer_count = {}, {}, 0
-- Where most texts belong to a single command, reserves are tried as plain ones first.
local tries_plain = CONST.FAST_PATHS and text_count * 2 > command_count
local number = 1
at = 1
while at <= command_count do
  if text_count == command_count then
    number = at
  elseif text_count > 1 then
    local high, low = byte(which, 2 * at - 1, 2 * at)
    number = (high - 35) * 64 + low - 34
  end
  local key, value = all_keys[KEYS_BEFORE + at], found_records[at]
  local command, count = commands[number], 0
  if not command then
    local text = ARGV[ARGS_BEFORE + number]
    local has_customer = byte(text) == 64 -- "@"
    have_customers[number] = has_customer
    if tries_plain and not value and values[key] == nil then
      local answer = plain.reserve(text, key, has_customer and sales.customers[customer_count + 1])
      if answer then
        add_answer(answer, 1)
        count = 1
      end
    end
    if count == 0 then
      text = has_customer and sub(text, 2) or text
      local verb = match(text, "^[%l-]*")
      if not parsers[verb] then
        load_group(verb)
      end
      command = parsers[verb] and parsers[verb](text) or { run = function()
        return "REFUSED invalid-command"
      end }
      commands[number] = command
    end
  end
  local has_customer = have_customers[number]
  if count == 0 and CONST.FAST_PATHS and command.run_plan then
    local until_text, record, answer
    count, until_text, record, answer =
      run_handlers[command.run](command, at, last_of_run(at), has_customer and customer_count)
    if count > 0 then
      run_count = run_count + count
      event_count = event_count + count
      runs[runs_count + 1] = at
      runs[runs_count + 2] = at + count - 1
      runs[runs_count + 3] = record
      runs[runs_count + 4] = until_text
      runs_count = runs_count + 4
      if answer then
        add_answer(answer, count)
      else
        for i = at, at + count - 1 do
          add_answer(values[all_keys[KEYS_BEFORE + i]], 1)
        end
      end
    end
  end
  if count == 0 then
    count = 1
    if values[key] ~= nil then -- an earlier command of the batch, or time, has changed the record
      value = values[key]
    end
    local customer = has_customer and sales.customers[customer_count + 1] or nil
    add_answer(command.run(command, key, sub(key, id_start), value, customer), 1)
  end
  at = at + count
  if has_customer then
    customer_count = customer_count + count
  end
end
answers[2] = table.concat(which_answer)

-- Write ----------------------------------------------------------------------------------------------

-- In slices, because unpack fails beyond some 8,000 values.
local SLICE_MAX = 2000 -- an even number: names and texts
local function write_fields(key, fields)
  for from = 1, #fields, SLICE_MAX do
    call("HSET", key, unpack(fields, from, min(from + SLICE_MAX - 1, #fields)))
  end
end

-- Writes the records of this batch with one MSETEX for those of one expiry, each key once: the last to stage it counts.
local function set_together()
  local groups, counts, seen = {}, {}, {} -- by expiry: keys and texts in turn, and how many
  local function add(key, text, until_text)
    local group, count = groups[until_text], counts[until_text]
    if not group then
      group, count = {}, 0
      groups[until_text] = group
    end
    group[count + 1], group[count + 2] = key, text
    counts[until_text] = count + 2
  end
  for i = staged_count - 2, 1, -3 do
    local key = staged[i]
    if not seen[key] then
      seen[key] = true
      add(key, staged[i + 1], staged[i + 2])
    end
  end
  for run = 1, runs_count, 4 do
    local record, until_text = runs[run + 2], runs[run + 3]
    for i = runs[run], runs[run + 1] do
      local key = all_keys[KEYS_BEFORE + i]
      if not seen[key] then
        add(key, record or values[key], until_text)
      end
    end
  end
  for until_text, group in pairs(groups) do
    local count = counts[until_text]
    for from = 1, count, SLICE_MAX do
      local to = min(from + SLICE_MAX - 1, count)
      -- The expiry comes last, and only what comes last may be unpacked: it takes the place of the next slice for the call.
      local next_key, next_text = group[to + 1], group[to + 2]
      group[to + 1], group[to + 2] = "PXAT", until_text
      call("MSETEX", digits((to - from + 1) / 2), unpack(group, from, to + 2))
      group[to + 1], group[to + 2] = next_key, next_text
    end
  end
end

if CONST.HAS_MSETEX and event_count > 0 then
  -- An error where this server does not have it: a connection may have moved to another server since the engine looked.
  assert(redis.acl_check_cmd("MSETEX", "1", control_key, ""), "MSETEX is not allowed")
end
-- From here on only calls that cannot fail on what was read. XADD could, on a stream that somebody else wrote to: it is the
-- first, so that a failure changes nothing.
if event_count > 0 then
  close_run()
  sequence = sequence + 1
  events_total = events_total + event_count
  local checkpoints, count, item_texts = {}, 0, {}
  for i = 1, changed_count do
    local item, text = changed_items[i], plain.texts[i]
    if text then
      checkpoints[count + 1], checkpoints[count + 2], checkpoints[count + 3] = item, "@", plain.warehouses[i]
      count = count + 3
    else
      text = stock.write_item(item)
      checkpoints[count + 1] = item.name
      count = count + 1
    end
    item_texts[i] = text
    checkpoints[count + 1], checkpoints[count + 2], checkpoints[count + 3] = " ", text, "\n"
    count = count + 3
  end
  local entry_id = match(epoch, "^%d+") .. "-" .. digits(sequence)
  local new_link = ARGV[7]
  call("XADD", stream_key, entry_id, "at", now_text, "count", digits(events_total), "link", new_link .. " " .. link,
    "events", table.concat(event_parts, "", 2, part_count), "items", table.concat(checkpoints, "", 1, count - 1))
  link = new_link
  for i = 1, changed_count do
    local item = changed_items[i]
    if plain.texts[i] then
      call("HSET", sku_prefix .. item, plain.warehouses[i], item_texts[i])
    else
      call("HSET", sku_prefix .. item.sku, item.warehouse, item_texts[i])
    end
  end
  for _, sale in ipairs(sales.changed) do
    call("HSET", sku_prefix .. sale.sku, "*" .. sale.id, sales.write(sale))
  end
  for sku, fields in pairs(sales.dropped) do
    call("HDEL", sku_prefix .. sku, unpack(fields))
  end
  for id, quota in pairs(sales.quotas) do
    local fields = {}
    for i, customer in ipairs(quota.changed) do
      fields[2 * i - 1] = customer
      fields[2 * i] = quota.texts[customer] -- of one that changed twice, the last text twice
    end
    if #fields > 0 then
      local quota_key = key_prefix .. CONST.QUOTA_KEY .. id
      write_fields(quota_key, fields)
      call("PEXPIREAT", quota_key, digits(quota.sale.closes_at_ms + CONST.SALE_AFTERLIFE_MS + tombstone_ms))
    end
  end
  for id, texts_by_name in pairs(locks.sheets) do
    local fields = {}
    for name, text in pairs(texts_by_name) do
      fields[#fields + 1] = name
      fields[#fields + 1] = text
    end
    local sheet_key = key_prefix .. CONST.STOCKTAKE_KEY .. id
    write_fields(sheet_key, fields)
    -- No lock lasts longer, so the sheet outlives its locks by the tombstone time.
    call("PEXPIREAT", sheet_key, digits(now_ms + CONST.LEASE_MS_MAX + tombstone_ms))
  end
  if CONST.HAS_MSETEX then
    set_together()
  else
    for run = 1, runs_count, 4 do
      local record, until_text = runs[run + 2], runs[run + 3]
      for i = runs[run], runs[run + 1] do
        local key = all_keys[KEYS_BEFORE + i]
        call("SET", key, record or values[key], "PXAT", until_text)
      end
    end
    for i = 1, staged_count, 3 do
      call("SET", staged[i], staged[i + 1], "PXAT", staged[i + 2])
    end
  end
end
for _, item in ipairs(stock.lifted) do
  call("HSET", sku_prefix .. item.sku, item.warehouse, stock.write_item(item))
end
for _, item in ipairs(stock.quarantined) do
  call("HSET", sku_prefix .. item.sku, item.warehouse, "quarantined " .. stock.write_item(item))
end
if #reservations.returned > 0 then
  call("ZREM", due_key, unpack(reservations.returned))
end
-- An entry begins with its deadline and the sequence, both of a fixed width: entries of one deadline come back in the order they
-- were made, and no two entries are the same.
for expires_at_ms, ids in pairs(deadlines) do
  if #ids > 0 then
    local name = format("%015.0f-%015.0f ", expires_at_ms, sequence)
    call("ZADD", due_key, digits(expires_at_ms), name .. table.concat(ids, " "))
  end
end
if trim_to then
  call("XTRIM", stream_key, "MINID", trim_to)
end
-- A batch that changed nothing still moves the clock now and then, so that a leap differs from idleness.
if event_count > 0 or carried_total > carried_before or ARGV[8] == "write" or now_ms - clock_ms >= 1000 then
  call("SET", control_key, format(CONTROL, epoch, sequence, link, now_text, events_total, carried_total, incarnation, pause,
    state))
end

answers[1] = format("OK %s %.0f %s %s %.0f %.0f %d %s", epoch, sequence, link, now_text, events_total, carried_total,
  more_due and 1 or 0, clock_note)
return answers
