-- renew: one worker node renews everything it holds. KEYS 1 baton:due, 2 baton:look (see look). The records' keys are
-- derived: one primary only.
-- ARGV: 1 node, 2 lease_ms, 3 longest gap_ms, then triples: workflow id, step, task id, prefixed with '!' when its call is
-- active. After a gap in the looks nobody is too old for a while: who could not report deserves the time to do it.
-- A step that becomes HELD is no event; the record's field 'held' counts those, so that its version (state.store) changes.
-- A record newer than this script is not held: it waits for a newer worker.
-- Answers the task ids whose calls must stop: cancelled, fenced off, or older than they may get. Atomic.
local ENDED_BY_ITS_OWNER = { SUCCEEDED = true, DEGRADED = true, FAILED = true, SKIPPED = true }
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local node, lease_ms, refused = ARGV[1], tonumber(ARGV[2]), {}
local looks = redis.call('HMGET', KEYS[2], 'last_ms', 'quiet_until_ms')
local after_gap = now < tonumber(looks[2] or '0') or (looks[1] and now - tonumber(looks[1]) > tonumber(ARGV[3]))
for i = 4, #ARGV, 3 do
  local id, step, task = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local active = string.sub(task, 1, 1) == '!'
  if active then task = string.sub(task, 2) end
  local wf = 'baton:wf:' .. id
  local s = redis.call('HMGET', wf, step .. ':status', step .. ':owner', step .. ':round', step .. ':send', step .. ':until_ms', 'version')
  local current = s[1] and task == id .. '.' .. step .. '.' .. s[3] .. '.' .. s[4]
  local owner = node .. '/' .. string.match(task, '%d+%.%d+$')
  local mine = s[2] == owner
  if s[1] == 'RUNNING' and mine and after_gap and now + lease_ms > tonumber(s[5]) then
    s[5] = now + 2 * lease_ms
    redis.call('HSET', wf, step .. ':until_ms', s[5])
  end
  if s[1] == 'RUNNING' and mine and now < tonumber(s[5]) then
    redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', now + lease_ms), id .. '|' .. step)
  elseif s[1] == 'RETRYING' and current then
    redis.call('ZADD', KEYS[1], 'XX', 'GT', string.format('%.0f', now + lease_ms), id .. '|' .. step)
  elseif (s[1] == 'QUEUED' or s[1] == 'HELD') and current and tonumber(s[6] or '1') <= VERSION then
    -- From here on its lease counts, not the time its message had to arrive: a dead holder's step is back as soon as a running one.
    redis.call('HSET', wf, step .. ':status', 'HELD', step .. ':owner', owner)
    if s[1] == 'QUEUED' then redis.call('HINCRBY', wf, 'held', 1) end
    redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', now + lease_ms), id .. '|' .. step)
  elseif active and not (mine and ENDED_BY_ITS_OWNER[s[1]]) then
    refused[#refused + 1] = task
  end
end
return refused
