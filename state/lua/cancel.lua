-- cancel: end a workflow by an operator's wish. Own ARGV: 4 actor, 5 reason; and when the wish is about one send, 6 step, 7 round,
-- 8 send: an older send than the step's newest cancels nothing, or the revoke of an earlier round would end the next one.
-- Answers {'cancelled', task id, ...} with the sends that may be on their way, {'already', status}, {'newer', version, status} or {'gone'}. Atomic.
local w = get('status', 'steps', 'version')
if not w[1] then return { 'gone' } end
if FINAL[w[1]] then return { 'already', w[1] } end
local unread = newer(w[3], w[1])
if unread then return unread end
if ARGV[6] then
  local newest = get(ARGV[6] .. ':round', ARGV[6] .. ':send')
  if newest[1] ~= ARGV[7] or newest[2] ~= ARGV[8] then return { 'already', w[1] } end
end
local reply = { 'cancelled' }
for _, step in ipairs(names(w[2])) do
  local s = get(step .. ':status', step .. ':round', step .. ':send', step .. ':fence')
  if not STEP_FINAL[s[1]] then
    if s[1] ~= 'WAITING' then
      reply[#reply + 1] = id .. '.' .. step .. '.' .. s[2] .. '.' .. s[3]
      not_due(step)
    end
    set(step .. ':status', 'CANCELLED', step .. ':owner', '', step .. ':fence', tonumber(s[4]) + 1, step .. ':finished_ms', now)
    count_end(step, 'CANCELLED')
  end
end
count('control|cancel')
event('cancel_requested', '', 'actor', ARGV[4], 'reason', ARGV[5])
close(w[1], 'CANCELLED', ARGV[5])
changed()
redis.call('PUBLISH', 'baton:cancelled', id)
return reply
