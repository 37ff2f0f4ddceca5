-- Runs the program in plain Lua 5.1 and counts its VM instructions by function. Promises: the same program and batches give the same
-- counts on every machine, because no clock is read.
-- Usage: lua5.1 count.lua PROGRAM BATCHES. BATCHES is Lua text: a list of scenarios { name, clock_ms, store, batches }; a
-- batch is { keys, argv }, and only the last batch of a scenario is counted. Prints, separated by tabs:
--   answer SCENARIO TEXT                    each answer of the counted batch
--   function SCENARIO BEGINS INSTRUCTIONS   by the function's first line; 0 is the program itself
--   call SCENARIO NAME CALLS                C functions
-- What happens inside redis.call is not counted.

local program_path, batches_path = ...
local program = assert(loadfile(program_path))
local scenarios = assert(loadfile(batches_path))()

-- Redis, as far as the program needs it. Replies as Redis makes them: nil comes as false.
local store, clock_ms
local function hash_at(key)
  store[key] = store[key] or {}
  return store[key]
end

local commands = {}
function commands.TIME()
  return { string.format("%d", math.floor(clock_ms / 1000)), string.format("%d", clock_ms % 1000 * 1000) }
end
-- Of a primary without replicas.
function commands.INFO()
  return "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\nmaster_replid:"
    .. string.rep("a", 40) .. "\r\n"
end

function commands.GET(key)
  return store[key] or false
end
function commands.SET(key, value)
  store[key] = value
  return { ok = "OK" }
end
function commands.MGET(...)
  local values = { ... }
  for i, key in ipairs(values) do
    values[i] = store[key] or false
  end
  return values
end
function commands.HGET(key, field)
  return hash_at(key)[field] or false
end
function commands.HMGET(key, ...)
  local values = { ... }
  for i, field in ipairs(values) do
    values[i] = commands.HGET(key, field)
  end
  return values
end
function commands.HGETALL(key)
  local flat = {}
  for field, value in pairs(hash_at(key)) do
    flat[#flat + 1] = field
    flat[#flat + 1] = value
  end
  return flat
end
function commands.HSET(key, ...)
  local hash, fields = hash_at(key), { ... }
  for i = 1, #fields, 2 do
    hash[fields[i]] = fields[i + 1]
  end
  return 1
end
function commands.HDEL(key, ...)
  for _, field in ipairs({ ... }) do
    hash_at(key)[field] = nil
  end
  return 1
end
commands.ZREM = commands.HDEL
-- Nothing is due at the instant of the scenarios, so the deadline index need not be kept.
local function answer_of(value)
  return function()
    return value
  end
end
for _, name in ipairs({ "DEL", "ZADD", "XADD", "XTRIM", "PEXPIREAT" }) do
  commands[name] = answer_of(1)
end
commands.ZCARD = answer_of(0)
function commands.ZRANGEBYSCORE()
  return {}
end

local function redis_call(name, ...)
  local command = commands[string.upper(name)]
  if not command then
    error("redis.call in loadtest/profile/count.lua does not know " .. name)
  end
  return command(...)
end
redis = { call = redis_call, pcall = redis_call }

-- C functions by their names, and the stub among them.
local names = { [redis_call] = "redis.call" }
for name, value in pairs(_G) do
  if type(value) == "function" then
    names[value] = name
  end
end
for _, library in ipairs({ "string", "table", "math" }) do
  for name, value in pairs(_G[library]) do
    names[value] = library .. "." .. name
  end
end

local function count(batch)
  KEYS, ARGV = batch.keys, batch.argv
  local instructions, calls = {}, {} -- by a function's first line, by a C function's name
  local outer, depth, begins = {}, 0, nil -- first line of the function that runs; nil before the program
  local skipped_from -- depth of the redis.call that runs
  local getinfo = debug.getinfo

  local function hook(event)
    if event == "count" then
      if not skipped_from and begins then
        instructions[begins] = (instructions[begins] or 0) + 1
      end
    elseif event == "call" then
      local info = getinfo(2, "Sf")
      depth = depth + 1
      outer[depth] = begins or false
      local name = names[info.func]
      if skipped_from then
        return
      elseif name then
        if info.func == redis_call then
          skipped_from = depth
          local _, command = debug.getlocal(2, 1)
          name = name .. " " .. command
        end
        calls[name] = (calls[name] or 0) + 1
      elseif begins or info.func == program then
        begins = info.what == "main" and 0 or info.linedefined
      end
    elseif depth > 0 then -- return, or the return of one that gave its place to the function it called last
      if skipped_from == depth then
        skipped_from = nil
      end
      begins = outer[depth] or nil
      depth = depth - 1
    end
  end

  debug.sethook(hook, "cr", 1)
  local answers = program()
  debug.sethook()
  return instructions, calls, answers
end

for _, scenario in ipairs(scenarios) do
  store, clock_ms = scenario.store, scenario.clock_ms
  local last = #scenario.batches
  for i = 1, last - 1 do
    KEYS, ARGV = scenario.batches[i].keys, scenario.batches[i].argv
    program()
  end
  local instructions, calls, answers = count(scenario.batches[last])
  for _, answer in ipairs(answers) do
    print(string.format("answer\t%s\t%s", scenario.name, (string.gsub(answer, "%c", " "))))
  end
  for begins, times in pairs(instructions) do
    print(string.format("function\t%s\t%d\t%d", scenario.name, begins, times))
  end
  for name, times in pairs(calls) do
    print(string.format("call\t%s\t%s\t%d", scenario.name, name, times))
  end
end
