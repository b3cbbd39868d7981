-- finish: record a step's output. Own ARGV: 4 step, 5 fence, 6 SUCCEEDED or DEGRADED, 7 output blob, 8 degradation (JSON or ''),
-- 9 grace_ms; and to extend the plan: 10 all its steps from now on (csv), then field, value ... of the new ones. KEYS 8, if given: baton:last-good:<agent>:<digest>, string, '<id>|<step>', expires with the workflow (writer: this
-- script; reader: state.store): where the newest good output for the same input is.
-- Answers {'accepted', then the sends it released}, {'stale'} or {'gone'}. Atomic.
local step, outcome = ARGV[4], ARGV[6]
local w = get('status', step .. ':status', step .. ':fence', step .. ':attempt', step .. ':round')
if not w[1] then return { 'gone' } end
local before = repeated(step)
if before then return before end
if FINAL[w[1]] or w[2] ~= 'RUNNING' or w[3] ~= ARGV[5] then return { 'stale' } end
redis.call('HSET', OUT, step, ARGV[7])
if KEYS[8] then redis.call('SET', KEYS[8], id .. '|' .. step, 'EX', ttl_s) end
set(step .. ':status', outcome, step .. ':finished_ms', now)
local degradation = ARGV[8] ~= '' and { 'degradation', ARGV[8] } or {}
if degradation[1] then set(step .. ':degradation', ARGV[8]) end
not_due(step)
event('succeeded', step, 'status', outcome, 'attempt', w[4], unpack(degradation))
count_attempt(step, outcome)
count_end(step, outcome)

-- The steps that waited for this one are replaced. A name that comes back keeps its fence: no older report may fit it.
local PLANNED = { 'agent', 'queue', 'limit_ms', 'after', 'needs', 'wants', 'next', 'tail', 'optional', 'spec', 'waits_on' }
local function extend(round)
  for _, name in ipairs(names(redis.call('HGET', WF, 'steps'))) do
    if redis.call('HGET', WF, name .. ':status') == 'WAITING' then
      for _, field in ipairs(PLANNED) do redis.call('HDEL', WF, name .. ':' .. field) end
      redis.call('HDEL', WF, name .. ':status')
    end
  end
  for i = 11, #ARGV, 2 do set(ARGV[i], ARGV[i + 1]) end
  for _, name in ipairs(names(ARGV[10])) do
    if not redis.call('HGET', WF, name .. ':status') then
      set(name .. ':status', 'WAITING', name .. ':attempt', 0, name .. ':takeovers', 0, name .. ':round', round, name .. ':send', 0)
      redis.call('HSETNX', WF, name .. ':fence', 0)
    end
  end
  set('steps', ARGV[10])
  redis.call('HDEL', WF, 'open')
  event('extended', step, 'steps', ARGV[10])
end

if ARGV[10] then extend(w[5]) end
local reply = { 'accepted' }
if w[1] ~= 'PAUSED' then
  for _, follower in ipairs(names(redis.call('HGET', WF, step .. ':next'))) do
    release_if_ready(reply, follower, tonumber(ARGV[9]))
  end
end
if #reply == 1 then close_if_done(w[1]) end
return answer(step, reply)
