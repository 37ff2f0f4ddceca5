-- The loop: open the partition, return what is due, decide every command in order, commit once, answer.
-- KEYS: control, events, due, then one record key a command, then the SKU keys the caller can know.
-- ARGV: epoch, the highest sequence the caller has seen, the caller's clock as a witness (ms), events the ledger may
-- lag behind, due holds to look at, tombstone time (ms), number of commands, number of different texts, which text each
-- command has, the texts, then the customers of those commands whose text begins with "@", in their order.
-- Answers: { "OK epoch sequence now_ms backlog more_due clock", which answer each command gets, the different answers ... }
-- or { "NOT_READY reason epoch" }. Orders of a flash sale ask the same and hear the same: so it crosses once. "Which" is
-- two characters a command, from "#" on in base 64.

local command_count = tonumber(ARGV[7])

-- "epoch sequence clock_ms events trimmed_events state"; absent where Redis has forgotten the partition (D10).
local control = call("GET", control_key)
if not control then
  return { "NOT_READY forgotten 0" }
end
local epoch, sequence, clock_ms, events_total, trimmed_total, state =
  string.match(control, "^(%d+) (%d+) (%d+) (%d+) (%d+) (%l+)$")
assert(epoch, "the partition's control record cannot be read")
if state ~= "open" then
  return { "NOT_READY fenced " .. epoch }
elseif epoch ~= ARGV[1] then
  return { "NOT_READY stale-epoch " .. epoch }
end
sequence, clock_ms = tonumber(sequence), tonumber(clock_ms)
events_total, trimmed_total = tonumber(events_total), tonumber(trimmed_total)
-- A promoted replica or a restored file that lacks what this caller was told already would sell it again.
if sequence < tonumber(ARGV[2]) then
  return { "NOT_READY behind " .. epoch }
end

-- D4: time never goes back. A leap that the caller's clock does not bear out freezes time and expiry until it does.
local CLOCK_LEAP_MS_MAX = 10000
local server_ms = server_time_ms()
local clock_note = "steady"
local keys_live_by_ms = server_ms -- Redis lets keys vanish by its own clock, also where that is not believed
if server_ms < clock_ms then
  if clock_ms - server_ms > CLOCK_LEAP_MS_MAX then
    clock_note = "behind"
  end
  server_ms = clock_ms
elseif server_ms - clock_ms > CLOCK_LEAP_MS_MAX and math.abs(server_ms - tonumber(ARGV[3])) > CLOCK_LEAP_MS_MAX then
  clock_note = "frozen"
  server_ms = clock_ms
end
now_ms = server_ms
now_text = digits(now_ms)
tombstone_ms = tonumber(ARGV[6]) + math.max(0, keys_live_by_ms - now_ms)

local backlog = events_total - trimmed_total
backlog_is_full = backlog >= tonumber(ARGV[4])

found_records = command_count > 0 and call("MGET", unpack(all_keys, KEYS_BEFORE + 1, KEYS_BEFORE + command_count)) or {}

local more_due = false
if clock_note == "frozen" then
  call("ZCARD", due_key) -- a key of another type is met before the first write, also where nothing is looked up
else
  local entries = call("ZRANGEBYSCORE", due_key, "-inf", now_text, "WITHSCORES", "LIMIT", 0, ENTRIES_MAX)
  if #entries > 0 then
    need("record")
    more_due = return_due(entries, tonumber(ARGV[5]))
  end
end

-- The worker has committed up to a sequence: the stream may be cut below it, and the backlog shrinks (D7).
local trim_to
readers["trim"] = function(text)
  local to, count = string.match(text, "^trim (%d+) (%d+)$")
  return to and {
    run = function()
      if tonumber(to) > sequence or tonumber(count) > events_total then
        return "REFUSED invalid-command"
      end
      if tonumber(count) > trimmed_total then
        trim_to, trimmed_total = to, tonumber(count)
      end
      return "DONE"
    end,
  } or nil
end

local byte = string.byte -- a local, for a global costs a look-up each time
local text_count, which = tonumber(ARGV[8]), ARGV[9]
for i = 10 + text_count, #ARGV do
  customers[#customers + 1] = ARGV[i]
end

local answers, answer_count = { "", "" }, 0 -- the head comes last
local codes = {} -- answer -> its two characters
local which_answer, which_count = {}, 0 -- those of each command, of several with one answer as one part
local commands, have_customers, customer_count = {}, {}, 0
local number = 1

-- Records of commands next to each other: the first command, the last, the text of all (false: as in `values`), when their
-- keys may vanish. What became of one of them later in the batch stands in `kept`; before, nothing did.
local kept_runs, kept_run_count = {}, 0
local function new_code(answer)
  local code = string.char(35 + math.floor(answer_count / 64), 35 + answer_count % 64)
  codes[answer] = code
  answer_count = answer_count + 1
  answers[2 + answer_count] = answer
  return code
end

local last_alike = 0 -- the last command of those next to each other that have the same text

local at = 1
while at <= command_count do
  if text_count > 1 then
    local high, low = byte(which, 2 * at - 1, 2 * at)
    number = (high - 35) * 64 + low - 34
  end
  local command = commands[number]
  if not command then
    local text = ARGV[9 + number]
    have_customers[number] = byte(text) == 64
    if have_customers[number] then
      text = sub(text, 2)
    end
    local verb = string.match(text, "^[%l-]*")
    -- @verbs
    local reader = readers[verb]
    command = reader and reader(text) or { run = function()
      return "REFUSED invalid-command"
    end }
    commands[number] = command
  end
  local has_customer = have_customers[number]
  local count = 0
  if command.again then
    if text_count == 1 then
      last_alike = command_count
    elseif last_alike < at then
      local high, low = byte(which, 2 * at - 1, 2 * at)
      local next_high, next_low
      last_alike = at - 1
      repeat
        last_alike = last_alike + 1
        next_high, next_low = byte(which, 2 * last_alike + 1, 2 * last_alike + 2)
      until next_low ~= low or next_high ~= high
    end
    local until_text, value, answer
    count, until_text, value, answer = alike[command.run](command, at, last_alike, has_customer and customer_count)
    if count > 0 then
      run_count = run_count + count
      event_count = event_count + count
      kept_runs[kept_run_count + 1] = at
      kept_runs[kept_run_count + 2] = at + count - 1
      kept_runs[kept_run_count + 3] = value
      kept_runs[kept_run_count + 4] = until_text
      kept_run_count = kept_run_count + 4
      if answer then
        which_count = which_count + 1
        which_answer[which_count] = string.rep(codes[answer], count) -- it was answered before, or there would be no `again`
      else
        for i = at, at + count - 1 do
          local record = values[all_keys[KEYS_BEFORE + i]]
          which_count = which_count + 1
          which_answer[which_count] = codes[record] or new_code(record)
        end
      end
    end
  end
  if count == 0 then
    count = 1
    local key = all_keys[KEYS_BEFORE + at]
    local value = values[key] -- an earlier command of the batch, or time, may have changed the record
    if value == nil then
      value = found_records[at]
    end
    local customer = has_customer and customers[customer_count + 1] or nil
    local answer = command.run(command, key, sub(key, id_start), value, customer)
    which_count = which_count + 1
    which_answer[which_count] = codes[answer] or new_code(answer)
  end
  at = at + count
  if has_customer then
    customer_count = customer_count + count
  end
end
answers[2] = table.concat(which_answer)

-- In slices, because unpack fails beyond some 8,000 values.
local FIELDS_MAX = 2000 -- an even number: names and texts
local function write_fields(key, fields)
  for from = 1, #fields, FIELDS_MAX do
    call("HSET", key, unpack(fields, from, math.min(from + FIELDS_MAX - 1, #fields)))
  end
end

-- From here on only calls that cannot fail on what was read. XADD could, on a stream that somebody else wrote to: it is
-- the first, so that a failure leaves nothing behind.
if event_count > 0 then
  close_run()
  sequence = sequence + 1
  events_total = events_total + event_count
  local checkpoints, count, item_texts = {}, 0, {}
  for i = 1, changed_count do
    local item = changed_items[i]
    local text = write_item(item)
    item_texts[i] = text
    checkpoints[count + 1], checkpoints[count + 2], checkpoints[count + 3] = item.name, " ", text
    checkpoints[count + 4] = "\n"
    count = count + 4
  end
  local entry_id = epoch .. "-" .. digits(sequence)
  call("XADD", stream_key, entry_id, "at", now_text, "count", digits(events_total),
    "events", table.concat(event_parts, "", 2, part_count), "items", table.concat(checkpoints, "", 1, count - 1))
  for i = 1, changed_count do
    local item = changed_items[i]
    call("HSET", sku_prefix .. item.sku, item.warehouse, item_texts[i])
  end
  for i = 1, changed_sale_count do
    local sale = changed_sales[i]
    call("HSET", sku_prefix .. sale.sku, "*" .. sale.id, write_sale(sale))
  end
  for sku, fields in pairs(dropped_sales) do
    call("HDEL", sku_prefix .. sku, unpack(fields))
  end
  for id, quota in pairs(quotas) do
    local fields = {}
    for i, customer in ipairs(quota.changed) do
      fields[2 * i - 1] = customer
      fields[2 * i] = quota.texts[customer] -- of one that changed twice, the last text twice
    end
    if #fields > 0 then
      write_fields(quota_prefix .. id, fields)
      call("PEXPIREAT", quota_prefix .. id, digits(quota.sale.closes_at_ms + SALE_AFTERLIFE_MS + tombstone_ms))
    end
  end
  for id, texts_by_name in pairs(sheets) do
    local fields = {}
    for name, text in pairs(texts_by_name) do
      fields[#fields + 1] = name
      fields[#fields + 1] = text
    end
    write_fields(stocktake_prefix .. id, fields)
    call("PEXPIREAT", stocktake_prefix .. id, digits(now_ms + LEASE_MS_MAX + tombstone_ms))
  end
  for run = 1, kept_run_count, 4 do
    local value, until_text = kept_runs[run + 2], kept_runs[run + 3]
    for i = kept_runs[run], kept_runs[run + 1] do
      local key = all_keys[KEYS_BEFORE + i]
      call("SET", key, value or values[key], "PXAT", until_text)
    end
  end
  for i = 1, kept_count, 3 do
    call("SET", kept[i], kept[i + 1], "PXAT", kept[i + 2])
  end
end
for i = 1, quarantined_count do
  local item = quarantined[i]
  call("HSET", sku_prefix .. item.sku, item.warehouse, "quarantined " .. write_item(item))
end
if #returned_entries > 0 then
  call("ZREM", due_key, unpack(returned_entries))
end
-- A name says deadline and sequence, both of a fixed width: entries of one deadline come back in the order they were
-- made, and two deadlines of the same ids are never one entry.
for expires_at_ms, ids in pairs(deadlines) do
  local name = string.format("%015.0f-%015.0f ", expires_at_ms, sequence)
  call("ZADD", due_key, digits(expires_at_ms), name .. table.concat(ids, " "))
end
if trim_to then
  call("XTRIM", stream_key, "MINID", epoch .. "-" .. digits(tonumber(trim_to) + 1))
end
-- A batch that changed nothing still moves the clock now and then, so that a leap is told from idleness.
if event_count > 0 or trim_to or now_ms - clock_ms >= 1000 then
  call("SET", control_key, string.format("%s %.0f %s %.0f %.0f open", epoch, sequence, now_text, events_total,
    trimmed_total))
end

answers[1] = string.format("OK %s %.0f %s %.0f %d %s", epoch, sequence, now_text, events_total - trimmed_total,
  more_due and 1 or 0, clock_note)
return answers
