-- fail: a step ends without an output; what depends on it is skipped.
-- Own ARGV: 4 step, 5 fence, 6 error (JSON), 7 message.
-- Answers {'accepted'}, {'stale'} or {'gone'}. Atomic.
local step = ARGV[4]
local w = get('status', step .. ':status', step .. ':fence', step .. ':attempt')
if not w[1] then return { 'gone' } end
local before = repeated(step)
if before then return before end
if FINAL[w[1]] or w[2] ~= 'RUNNING' or w[3] ~= ARGV[5] then return { 'stale' } end
set(step .. ':status', 'FAILED', step .. ':finished_ms', now, step .. ':error', ARGV[6], step .. ':message', ARGV[7])
not_due(step)
event('failed', step, 'attempt', w[4], 'error', ARGV[6])
count_attempt(step, 'FAILED')
count_end(step, 'FAILED')
skip_dependents(step)
close_if_done(w[1])
return answer(step, { 'accepted' })
