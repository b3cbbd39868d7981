-- look: which members are overdue. KEYS 1 baton:due, 2 baton:look hash {last_ms, quiet_until_ms} (no TTL), 3 baton:workers zset
-- worker -> ms of its last look, until FORGOTTEN_MS later (no TTL; reader: API).
-- ARGV: 1 limit, 2 longest gap_ms, 3 lease_ms, 4 the worker that looks or ''. After a gap in the looks nothing is overdue for one
-- lease: the holders were as cut off as the lookers and deserve their time to renew. Deadlines count all the same.
-- Answers a list of members.
local FORGOTTEN_MS = 3600000
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local state = redis.call('HMGET', KEYS[2], 'last_ms', 'quiet_until_ms')
local quiet = tonumber(state[2] or '0') or 0
if state[1] and now - (tonumber(state[1]) or 0) > tonumber(ARGV[2]) then
  quiet = now + tonumber(ARGV[3])
end
redis.call('HSET', KEYS[2], 'last_ms', now, 'quiet_until_ms', quiet)
if ARGV[4] ~= '' then
  redis.call('ZADD', KEYS[3], now, ARGV[4])
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - FORGOTTEN_MS)
end
local found = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])
if now >= quiet then return found end
local deadlines = {}
for _, member in ipairs(found) do
  if string.sub(member, -1) == '|' then deadlines[#deadlines + 1] = member end
end
return deadlines
