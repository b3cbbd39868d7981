-- rollout: change the switch, if it is still as it was seen, and write it down; both or neither.
-- KEYS 1 baton:rollout, hash, no TTL; 2 baton:rollout:events, stream, the last 1,000 or so, no TTL (writer: this script; readers:
-- state.rollout); 3 baton:audit, stream (see state.audit).
-- ARGV: 1 version that was seen ('0': none that can be read), 2 token, 3 move, 4 measure that made it ('none'), 5 entries of the
-- audit to keep, 6 how many of the following are the new entry's field, value ...; then field, value ... of the whole switch.
-- Answers {'changed', version} or {'otherwise', version}. Atomic; the same token gets the same answer.
local KEPT = 1000
local now = redis.call('HMGET', KEYS[1], 'version', 'token')
local version = tonumber(string.match(now[1] or '', '^%d+$')) or 0
if now[2] == ARGV[2] then return { 'changed', string.format('%.0f', version) } end
if version ~= tonumber(ARGV[1]) then return { 'otherwise', string.format('%.0f', version) } end
version = string.format('%.0f', version + 1)
local last = 6 + tonumber(ARGV[6])
local fields = { 'version', version, unpack(ARGV, last + 1) }
-- The switch last: a key that is of another type ends the script before.
redis.call('HINCRBY', 'baton:metrics', 'rollout|' .. ARGV[3] .. '|' .. ARGV[4], 1)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], '*', unpack(ARGV, 7, last))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', KEPT, '*', 'move', ARGV[3], unpack(fields))
redis.call('HSET', KEYS[1], 'token', ARGV[2], unpack(fields))
return { 'changed', version }
