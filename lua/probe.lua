#!lua flags=allow-oom
-- Runs every command of the program once, on keys of its own, when an engine opens. Redis checks rights call by call, so a
-- user that lacks one would fail in the middle of a batch that is half written. KEYS: string, hash, index, stream.

local text_key, hash_key, index_key, stream_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
redis.call("DEL", text_key, hash_key, index_key, stream_key)
redis.call("TIME")
redis.call("INFO", "replication")
redis.call("SET", text_key, "probe", "PXAT", ARGV[1])
redis.call("GET", text_key)
redis.call("MGET", text_key)
redis.call("HSET", hash_key, "probe", "1")
redis.call("HGETALL", hash_key)
redis.call("HGET", hash_key, "probe")
redis.call("HMGET", hash_key, "probe")
redis.call("HLEN", hash_key)
redis.call("PEXPIREAT", hash_key, ARGV[1])
redis.call("HDEL", hash_key, "probe")
redis.call("ZADD", index_key, "1", "probe")
redis.call("ZCARD", index_key)
redis.call("ZRANGEBYSCORE", index_key, "-inf", "1", "WITHSCORES", "LIMIT", 0, 1)
redis.call("ZREM", index_key, "probe")
redis.call("XADD", stream_key, "1-1", "probe", "1")
redis.call("XTRIM", stream_key, "MINID", "1-1")
redis.call("DEL", text_key, hash_key, index_key, stream_key)
return "OK"
