-- Where time comes from (D4): the store's own clock, read once a batch. Tests put another file in this place.

local function server_time_ms()
  local time = redis.call("TIME")
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
