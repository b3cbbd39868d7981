-- retry_later: give a running step back until a moment. Own ARGV: 4 step, 5 fence, 6 wait_ms, 7 error (JSON), 8 lease_ms, 9 '' when the agent was
-- not called, so that no attempt is spent.
-- Answers {'accepted'}, {'stale'} or {'gone'}. Due one lease after the moment: by then a live worker has begun or holds it.
local step, wait_ms = ARGV[4], tonumber(ARGV[6])
local w = get('status', step .. ':status', step .. ':fence', step .. ':attempt')
if not w[1] then return { 'gone' } end
local before = repeated(step)
if before then return before end
if FINAL[w[1]] or w[2] ~= 'RUNNING' or w[3] ~= ARGV[5] then return { 'stale' } end
if ARGV[9] == '' then
  redis.call('HINCRBY', WF, step .. ':attempt', -1)
  count('breaker_wait|' .. get(step .. ':agent')[1])
else
  count_attempt(step, 'RETRYING')
end
local paused = w[1] == 'PAUSED'  -- then resume sends it
set(step .. ':status', paused and 'WAITING' or 'RETRYING', step .. ':not_before_ms', now + wait_ms, step .. ':error', ARGV[7],
    step .. ':owner', '')
if paused then not_due(step) else due(step, now + wait_ms + tonumber(ARGV[8])) end
event('retrying', step, 'attempt', w[4], 'called', ARGV[9] == '' and 'no' or 'yes', 'wait_ms', ARGV[6], 'error', ARGV[7])
return answer(step, { 'accepted' })
