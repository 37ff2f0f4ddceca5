#!lua flags=no-writes
-- Reads the links of stream entries without their events, which are too many to send. KEYS: stream. ARGV: id to begin with, how
-- many entries. Answers for each entry "id link before"; "-" for the links of an entry of the release before, "?" for those of
-- an entry that this program did not write.

local links = {}
for i, entry in ipairs(redis.call("XRANGE", KEYS[1], ARGV[1], "+", "COUNT", ARGV[2])) do
  local id, fields = entry[1], entry[2]
  local link, before = "?", "?"
  if fields[5] == "link" then
    link, before = string.match(fields[6], "^(%S+) (%S+)$")
  elseif #fields == 8 and fields[5] == "events" then
    link, before = "-", "-"
  end
  links[i] = id .. " " .. (link or "?") .. " " .. (before or "?")
end
return links
