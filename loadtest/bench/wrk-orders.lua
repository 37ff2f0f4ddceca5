-- Orders of one unit for wrk, each under an id of its own: begins with the mark given behind "--", 36 bytes in all.
-- With a rate behind SKU and warehouse, order n is due n / rate seconds after the first, and goes when it is due over the
-- connection that asked for the next one; else each connection asks again when it was answered.
-- What it found it says in one line: answers, those that were not 201, waits in microseconds, its own processor time.
local sku, warehouse, mark, count = "", "", "", 0
local head = "POST /v1/reservations HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n"
  .. "Content-Type: application/json\r\nContent-Length: "

local function pace(per_second)
  local ffi = require("ffi")
  ffi.cdef("typedef struct { long s, ns; } moment; int clock_gettime(int, moment *);")
  local moment = ffi.new("moment")
  local started_ms, due = nil, 0
  -- In whole milliseconds, for wrk knows no others: rounded up or down at random, so that they are right on the average.
  function delay()
    ffi.C.clock_gettime(1, moment)
    local now_ms = tonumber(moment.s) * 1e3 + tonumber(moment.ns) / 1e6
    started_ms = started_ms or now_ms
    due = due + 1
    return math.floor(math.max(0, started_ms + due * 1e3 / per_second - now_ms) + math.random())
  end
end

function init(args)
  mark, sku, warehouse = args[1], args[2], args[3]
  if args[4] then
    pace(tonumber(args[4]))
  end
end

function request()
  count = count + 1
  local body = string.format('{"orderId":"%s%0' .. 36 - #mark .. 'd","lines":[{"sku":"%s","warehouse":"%s","quantity":1}]}',
    mark, count, sku, warehouse)
  return head .. #body .. "\r\n\r\n" .. body
end

local threads = {}
function setup(thread)
  threads[#threads + 1] = thread
end

others = 0 -- a global, for the end to read it from each thread
function response(status)
  if status ~= 201 then
    others = others + 1
  end
end

function done(summary, latency)
  local not_created = 0
  for _, thread in ipairs(threads) do
    not_created = not_created + thread:get("others")
  end
  local errors = summary.errors
  print(string.format('found {"answers":%d,"notCreated":%d,"errors":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"cpuUs":%d}',
    summary.requests, not_created, errors.connect + errors.read + errors.write + errors.timeout, summary.duration,
    latency:percentile(50), latency:percentile(99), os.clock() * 1e6))
end
