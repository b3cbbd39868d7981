-- rollout: change the switch, if it is still as it was seen.
-- KEYS 1 baton:rollout, hash, no TTL; 2 baton:rollout:events, stream, the last 1,000 or so, no TTL (writer: this script; readers:
-- state.rollout). ARGV: 1 version that was seen ('0': none), 2 token, 3 move, 4 measure that made it ('none'),
-- then field, value ... of the whole.
-- Answers {'changed', version} or {'otherwise', version}. Atomic; the same token gets the same answer.
local KEPT = 1000
local now = redis.call('HMGET', KEYS[1], 'version', 'token')
local version = now[1] or '0'
if now[2] == ARGV[2] then return { 'changed', version } end
if version ~= ARGV[1] then return { 'otherwise', version } end
version = string.format('%.0f', tonumber(version) + 1)
local fields = { 'version', version }
for i = 5, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], 'token', ARGV[2], unpack(fields))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', KEPT, '*', 'move', ARGV[3], unpack(fields))
redis.call('HINCRBY', 'baton:metrics', 'rollout|' .. ARGV[3] .. '|' .. ARGV[4], 1)
return { 'changed', version }
