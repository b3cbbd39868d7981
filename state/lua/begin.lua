-- begin: claim a step. KEYS 8 baton:queue-marks, hash: queue -> ms of the newest send seen to begin (no TTL; overdue).
-- Own ARGV: 4 step, 5 owner, 6 lease_ms, 7 the path that claims it, unless a worker does. A lease is never renewed beyond the step's own limit_ms.
-- Answers {'go', fence, attempt, takeovers, round, time_left_ms, agent, inputs, mode, spec, request, output, ...}, or one of {'done'}, {'gone'},
-- {'waiting'}, {'owned'}, {'paused'}, {'final', status}, {'not_before', ms left}, {'newer', version, status}. Atomic.
-- A history that has grown to MAX_EVENTS ends the workflow instead: events are never trimmed while it runs.
local MAX_EVENTS = 5000
local step, owner, lease_ms = ARGV[4], ARGV[5], tonumber(ARGV[6])
local w = get('status', 'deadline_ms', 'created_ms', 'mode', 'version', 'path')
if not w[1] then return { 'gone' } end
local unread = not FINAL[w[1]] and newer(w[5], w[1])
if unread then return unread end
local s = get(step .. ':status', step .. ':fence', step .. ':attempt', step .. ':takeovers', step .. ':round', step .. ':token',
              step .. ':not_before_ms', step .. ':needs', step .. ':queued_ms', step .. ':queue',
              step .. ':agent', step .. ':limit_ms', step .. ':send', step .. ':wants', step .. ':spec')
if not s[1] then return { 'gone' } end

local function go()
  local inputs = (s[8] or '') .. ',' .. (s[14] or '')
  local reply = { 'go', s[2], s[3], s[4], s[5], string.format('%.0f', tonumber(w[2]) - now), s[11], inputs, w[4], s[15] or '' }
  for _, blob in ipairs(redis.call('HMGET', OUT, '', unpack(names(inputs)))) do reply[#reply + 1] = blob or '' end
  return reply
end

if s[1] == 'RUNNING' and s[6] == token then return go() end
if FINAL[w[1]] then return { 'final', w[1] } end
if w[1] == 'PAUSED' then return { 'paused' } end
if STEP_FINAL[s[1]] then return { 'done' } end
if s[1] == 'WAITING' then return { 'waiting' } end
if s[1] == 'RUNNING' then return { 'owned' } end
if s[1] == 'RETRYING' and now < tonumber(s[7]) then
  return { 'not_before', string.format('%.0f', tonumber(s[7]) - now) }
end

if redis.call('XLEN', EVENTS) >= MAX_EVENTS then
  give_up(step, s[3], { error_type = 'too_many_events', recovery_action = 'contact_support',
                        message = 'The workflow was given up: its history has ' .. MAX_EVENTS .. ' events.',
                        suggestions = { 'Look in its history for what happens again and again.' } })
  close_if_done(w[1])
  changed()
  return { 'final', 'FAILED' }
end

-- A question in which both paths have a hand says nothing about either.
if (w[6] or 'celery') ~= (ARGV[7] or 'celery') then excuse() end

s[2], s[3] = tostring(tonumber(s[2]) + 1), tostring(tonumber(s[3]) + 1)
set(step .. ':status', 'RUNNING', step .. ':fence', s[2], step .. ':attempt', s[3], step .. ':owner', owner,
    step .. ':started_ms', now, step .. ':until_ms', now + tonumber(s[12]), step .. ':token', token)
redis.call('HSETNX', WF, step .. ':first_started_ms', now)
due(step, now + lease_ms)
event('begun', step, 'attempt', s[3], 'fence', s[2], 'worker', worker_of(owner))
if w[1] == 'QUEUED' then
  set('status', 'RUNNING', 'started_ms', now)
  move('QUEUED', 'RUNNING', w[3])
end
-- Only the message of the newest send says something about the time of that send: an older one, or an earlier round's, is older;
-- who claims it without a message says nothing about the queue.
if not ARGV[7] and string.match(owner, '%d+%.%d+$') == s[5] .. '.' .. s[13] then
  local mark = redis.call('HGET', KEYS[8], s[10])
  if (tonumber(mark or '') or 0) < tonumber(s[9]) then redis.call('HSET', KEYS[8], s[10], s[9]) end
end
changed()
return go()
