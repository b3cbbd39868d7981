-- fail: a step ends without an output; what depends on it is skipped, unless the step is optional.
-- Own ARGV: 4 step, 5 fence, 6 error (JSON), 7 message, 8 grace_ms, 9 '1' when who asked must put it right, else ''.
-- Answers {'accepted', then the sends it released}, {'stale'} or {'gone'}. Atomic.
local step = ARGV[4]
local w = get('status', step .. ':status', step .. ':fence', step .. ':attempt')
if not w[1] then return { 'gone' } end
local before = repeated(step)
if before then return before end
if FINAL[w[1]] or w[2] ~= 'RUNNING' or w[3] ~= ARGV[5] then return { 'stale' } end
local reply = { 'accepted' }
count_attempt(step, 'FAILED')
if ARGV[9] == '1' and not redis.call('HGET', WF, step .. ':optional') then excuse() end
end_without_output(reply, step, w[4], ARGV[6], ARGV[7], tonumber(ARGV[8]), w[1] == 'PAUSED')
if #reply == 1 then close_if_done(w[1]) end
return answer(step, reply)
