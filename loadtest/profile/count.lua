-- Runs the program in plain Lua 5.1 and counts its VM instructions. Promises: the same program and batches give the same
-- counts on every machine, because no clock is read.
-- Usage: lua5.1 count.lua PROGRAM BATCHES. BATCHES is Lua text: a list of scenarios { name, clock_ms, store, batches }; a
-- batch is { keys, argv }, and only the last batch of a scenario is counted. Prints, separated by tabs:
--   answer SCENARIO TEXT                            each answer of the counted batch
--   line SCENARIO BEGINS LINE INSTRUCTIONS BYTES    BEGINS is the first line of the function, 0 for the program itself
--   call SCENARIO BEGINS NAME CALLS                 C functions, by the function that calls them
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

-- Counts by function, which is known by its first line.
local function new_node(begins)
  return { begins = begins, instructions = {}, bytes = {}, calls = {} }
end

local function count(batch)
  KEYS, ARGV = batch.keys, batch.argv
  local root, functions = new_node(nil), {}
  local nodes, depth, node = {}, 0, root
  local line, skipped_from -- depth of the redis.call that is under way
  local memory
  local getinfo, collect = debug.getinfo, collectgarbage

  local function hook(event)
    local now = collect("count")
    if not skipped_from and line then
      node.bytes[line] = (node.bytes[line] or 0) + (now - memory)
    end
    if event == "count" then
      if not skipped_from and node ~= root then
        line = getinfo(2, "l").currentline
        node.instructions[line] = (node.instructions[line] or 0) + 1
      end
    elseif event == "call" then
      local info = getinfo(2, "Sf")
      depth = depth + 1
      nodes[depth] = node
      local name = names[info.func]
      if name and not skipped_from then
        if info.func == redis_call then
          skipped_from = depth
          local _, command = debug.getlocal(2, 1)
          name = name .. " " .. command
        end
        node.calls[name] = (node.calls[name] or 0) + 1
      elseif not name and not skipped_from and (node ~= root or info.func == program) then
        local begins = info.what == "main" and 0 or info.linedefined
        functions[begins] = functions[begins] or new_node(begins)
        node, line = functions[begins], nil
      end
    elseif depth > 0 then -- return, or the return of one that gave its place to the function it called last
      if skipped_from == depth then
        skipped_from = nil
      end
      if node ~= nodes[depth] then
        node, line = nodes[depth], nil
      end
      depth = depth - 1
    end
    memory = collect("count")
  end

  collectgarbage("collect")
  collectgarbage("stop")
  memory = collectgarbage("count")
  debug.sethook(hook, "cr", 1)
  local answers = program()
  debug.sethook()
  collectgarbage("restart")
  return functions, answers
end

local function print_node(name, node)
  for line, instructions in pairs(node.instructions) do
    local bytes = (node.bytes[line] or 0) * 1024
    print(string.format("line\t%s\t%d\t%d\t%d\t%.0f", name, node.begins, line, instructions, bytes))
  end
  for call, times in pairs(node.calls) do
    print(string.format("call\t%s\t%d\t%s\t%d", name, node.begins, call, times))
  end
end

for _, scenario in ipairs(scenarios) do
  store, clock_ms = scenario.store, scenario.clock_ms
  local last = #scenario.batches
  for i = 1, last - 1 do
    KEYS, ARGV = scenario.batches[i].keys, scenario.batches[i].argv
    program()
  end
  local functions, answers = count(scenario.batches[last])
  for _, answer in ipairs(answers) do
    print(string.format("answer\t%s\t%s", scenario.name, (string.gsub(answer, "%c", " "))))
  end
  for _, node in pairs(functions) do
    print_node(scenario.name, node)
  end
end
