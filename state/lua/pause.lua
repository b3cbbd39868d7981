-- pause: begin nothing more until resume. Own ARGV: 4 actor, 5 reason, 6 at_most_s.
-- Running calls end normally and are recorded; what is queued, held or waits to be tried again goes back to WAITING, so that
-- nothing is due but the end of the pause. The deadline stands still.
-- Answers {'paused', task id, ...} with the sends that are void, {'already', status} when it is paused or has ended,
-- {'newer', version, status}, {'gone'}. Atomic.
local w = get('status', 'steps', 'created_ms', 'version')
if not w[1] then return { 'gone' } end
if FINAL[w[1]] or w[1] == 'PAUSED' then return { 'already', w[1] } end
local unread = newer(w[4], w[1])
if unread then return unread end
local reply = { 'paused' }
for _, step in ipairs(names(w[2])) do
  local s = get(step .. ':status', step .. ':round', step .. ':send')
  if s[1] == 'QUEUED' or s[1] == 'HELD' or s[1] == 'RETRYING' then
    reply[#reply + 1] = id .. '.' .. step .. '.' .. s[2] .. '.' .. s[3]
    set(step .. ':status', 'WAITING', step .. ':owner', '')
    not_due(step)
  end
end
set('status', 'PAUSED', 'paused_ms', now)
move(w[1], 'PAUSED', w[3])
due('', now + tonumber(ARGV[6]) * 1000)
count('control|pause')
excuse()
event('paused', '', 'status', 'PAUSED', 'actor', ARGV[4], 'reason', ARGV[5])
changed()
return reply
