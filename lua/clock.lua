-- The one source of time (D4): the server's clock, read once a batch. Tests replace this file.

local function server_time_ms()
  local time = call("TIME")
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
