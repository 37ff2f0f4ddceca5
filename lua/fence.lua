#!lua
-- Closes a partition (D10): after this no batch of any process is decided until it is opened under a new epoch.
-- A script of its own, because batches refuse to run where there is no control record. KEYS: control. ARGV: the epoch to
-- write where there is none. Answers the control record as it was, or "".

local control = redis.call("GET", KEYS[1])
if control then
  redis.call("SET", KEYS[1], (string.gsub(control, "%l+$", "fenced")))
else
  redis.call("SET", KEYS[1], ARGV[1] .. " 0 0 0 0 fenced")
end
return control or ""
