-- Redis 7.0 runs Lua 5.1 with these globals and no others; assigning a global is an error at run time.
std = "lua51"
read_globals = { "redis", "KEYS", "ARGV" }
max_line_length = 130
