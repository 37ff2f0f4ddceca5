#!lua
-- Replaces the control record by compare-and-set (D10, H11): writes only if the whole record, and the incarnation of this Redis,
-- are those that the caller compared. KEYS: control. ARGV: the record as it was ("": none), the record to write, the
-- incarnation ("": any), "raise" or "-".
-- "raise": the partition is selling meanwhile in this incarnation, so its record moves. Then only the epoch must be the one
-- compared; epoch and state are taken from the new record, everything else stays. Links show that nothing else came between.
-- Answers the record as it is now, and whether it was written.

local EPOCH_AND_REST = "^(v2 %d+ %w+)( .+ )(%l+)$"
local before, after, incarnation = ARGV[1], ARGV[2], ARGV[3]
local control = redis.call("GET", KEYS[1]) or ""
if incarnation ~= "" then
  local replication = redis.call("INFO", "replication")
  local is_here = string.find(replication, "role:master", 1, true)
    and string.find(replication, "master_replid:" .. incarnation, 1, true)
  if not is_here then
    return { control, "0" }
  end
end
if control ~= before then
  local epoch, rest, state = string.match(control, EPOCH_AND_REST)
  local may_raise = ARGV[4] == "raise" and epoch
    and epoch == string.match(before, EPOCH_AND_REST)
    and (state == "open" or state == "trusted")
    and string.find(rest, " " .. incarnation .. " ", 1, true)
  if not may_raise then
    return { control, "0" }
  end
  local new_epoch, _, new_state = string.match(after, EPOCH_AND_REST)
  after = new_epoch .. rest .. new_state
end
redis.call("SET", KEYS[1], after)
return { after, "1" }
