-- resume: go on after a pause. Own ARGV: 4 actor, 5 reason, 6 grace_ms. The time of the pause is added to the deadline.
-- Answers {'resumed', step, round, send, queue, ...} with the sends to publish, {'already', status} when it is not paused,
-- {'newer', version, status}, {'gone'}. Atomic.
local w = get('status', 'steps', 'created_ms', 'paused_ms', 'deadline_ms', 'started_ms', 'version')
if not w[1] then return { 'gone' } end
if w[1] ~= 'PAUSED' then return { 'already', w[1] } end
local unread = newer(w[7], w[1])
if unread then return unread end
local deadline_ms = tonumber(w[5]) + now - tonumber(w[4])
local status = w[6] and 'RUNNING' or 'QUEUED'
set('status', status, 'deadline_ms', string.format('%.0f', deadline_ms), 'paused_ms', '')
move('PAUSED', status, w[3])
due('', deadline_ms)
count('control|resume')
event('resumed', '', 'status', status, 'actor', ARGV[4], 'reason', ARGV[5])
local reply = { 'resumed' }
for _, step in ipairs(names(w[2])) do release_if_ready(reply, step, tonumber(ARGV[6])) end
changed()
return reply
