-- finish: record a step's output. Own ARGV: 4 step, 5 fence, 6 SUCCEEDED or DEGRADED, 7 output blob, 8 degradation (JSON or ''),
-- 9 grace_ms. KEYS 8, if given: baton:last-good:<agent>:<digest>, string, '<id>|<step>', expires with the workflow (writer: this
-- script; reader: state.store): where the newest good output for the same input is.
-- Answers {'accepted', step, round, send, queue, ...} with the steps it released, {'stale'} or {'gone'}. Atomic.
local step, outcome = ARGV[4], ARGV[6]
local w = get('status', step .. ':status', step .. ':fence', step .. ':attempt')
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
local reply = { 'accepted' }
if w[1] ~= 'PAUSED' then
  for _, follower in ipairs(names(redis.call('HGET', WF, step .. ':next'))) do
    release_if_ready(reply, follower, tonumber(ARGV[9]))
  end
end
if #reply == 1 then close_if_done(w[1]) end
return answer(step, reply)
