-- overdue: decide about ONE overdue member, taken atomically. KEYS 8 baton:queue-marks (see begin).
-- Own ARGV: 4 step ('' = the workflow's deadline), 5 grace_ms, 6 max_takeovers, 7 broker key prefix.
-- Answers {'sent', why, then a send} (the caller publishes it), {'later'}, {'dropped'}, {'poisoned', then the sends that go on without an
-- optional step}, {'newer', version, status} (for a newer worker, who finds it due again) or {'deadline', task id, ...}.
local step, grace_ms, max_takeovers = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local member = id .. '|' .. step
local at = redis.call('ZSCORE', DUE, member)
if not at or tonumber(at) > now then return { 'later' } end
local w = get('status', 'steps', 'deadline_ms', 'version')
if not w[1] or FINAL[w[1]] then
  redis.call('ZREM', DUE, member)
  return { 'dropped' }
end
-- Out of the way of what is ours, for as long as a newer worker's looks are sure to come by.
local FOR_NEWER_MS = 2000
local unread = newer(w[4], w[1])
if unread then
  due(step, now + FOR_NEWER_MS)
  return unread
end

-- The end of the time a workflow has, or of the longest pause.
local function too_late()
  local reply = { 'deadline' }
  count('out_of_time|' .. (w[1] == 'PAUSED' and 'pause' or 'deadline'))
  local message = 'The question ran out of time before an answer was there.'
  if w[1] == 'PAUSED' then message = 'The question was paused for too long.' end
  for _, name in ipairs(names(w[2])) do
    local s = get(name .. ':status', name .. ':round', name .. ':send', name .. ':attempt')
    if s[1] ~= 'WAITING' and not STEP_FINAL[s[1]] then
      reply[#reply + 1] = id .. '.' .. name .. '.' .. s[2] .. '.' .. s[3]
      give_up(name, s[4], { error_type = 'agent_timeout', recovery_action = 'retry',
                            message = message,
                            suggestions = { 'Ask again, or narrow the question.' } })
    end
  end
  if w[1] == 'PAUSED' and not close_if_done(w[1]) then
    for _, name in ipairs(names(w[2])) do
      if redis.call('HGET', WF, name .. ':status') == 'WAITING' then
        set(name .. ':status', 'CANCELLED')
        count_end(name, 'CANCELLED')
      end
    end
    close(w[1], 'CANCELLED', message)
  elseif w[1] ~= 'PAUSED' then
    close_if_done(w[1])
  end
  changed()
  return reply
end

-- Count that the step is brought back, and note since when it was on its way, which its next send would hide.
local function bring_back(what, agent, queued_ms)
  count(what .. '|' .. agent)
  redis.call('HSETNX', WF, step .. ':lost_ms', queued_ms)
end

local function send_again(why, send)
  local reply = { 'sent', why }
  sent(reply, step, send)
  changed()
  return reply
end

-- Whether a message sent at queued_ms is in its queue no more, and so, since nobody holds it, lost. A queue is first in,
-- first out: it has left when the oldest message there was sent later, when one sent grace_ms later has begun, or when
-- there is none. The oldest is at the right end; a send that was sent again since says nothing about its own time.
local function left_queue(name, queued_ms)
  local mark = redis.call('HGET', KEYS[8], name)
  if mark and queued_ms + grace_ms < (tonumber(mark) or 0) then return true end
  local oldest = redis.call('LINDEX', ARGV[7] .. name, -1)
  if not oldest then return true end
  local readable, message = pcall(cjson.decode, oldest)
  local task = readable and type(message) == 'table' and type(message.headers) == 'table' and message.headers.id or ''
  local other, other_step, round, send = string.match(task, '^(.*)%.([^.]+)%.(%d+)%.(%d+)$')
  if not other then return false end
  local sent_as = redis.call('HMGET', 'baton:wf:' .. other, other_step .. ':queued_ms', other_step .. ':round', other_step .. ':send')
  return sent_as[2] == round and sent_as[3] == send and tonumber(sent_as[1]) > queued_ms
end

if step == '' then return too_late() end

local s = get(step .. ':status', step .. ':fence', step .. ':takeovers', step .. ':queued_ms', step .. ':queue',
              step .. ':owner', step .. ':attempt', step .. ':resends', step .. ':missed', step .. ':send',
              step .. ':agent')
if s[1] == 'QUEUED' then
  if not left_queue(s[5], tonumber(s[4])) then
    due(step, now + grace_ms)
    return { 'later' }
  end
  if s[9] ~= s[10] then
    set(step .. ':missed', s[10])
    due(step, now + CONFIRM_MS)
    return { 'later' }
  end
  local resends = math.min(tonumber(s[8] or '0'), 5)
  set(step .. ':resends', resends + 1)
  bring_back('resent', s[11], s[4])
  local send = queue(step, grace_ms * 2 ^ resends)
  event('resent', step, 'send', send)
  return send_again('lost', send)
elseif s[1] == 'RETRYING' then
  bring_back('resent', s[11], s[4])
  local send = queue(step, grace_ms)
  event('resent', step, 'send', send)
  return send_again('retry', send)
elseif s[1] == 'RUNNING' or s[1] == 'HELD' then
  local takeovers = tonumber(s[3]) + (s[1] == 'RUNNING' and 1 or 0)
  set(step .. ':takeovers', takeovers)
  event('taken_over', step, 'from', worker_of(s[6]), 'takeovers', takeovers)
  bring_back('taken_over', s[11], s[4])
  if takeovers > max_takeovers then
    count('poisoned|' .. s[11])
    local reply = { 'poisoned' }
    local message = 'The step was given up: ' .. takeovers .. ' workers in a row died or hung while they worked on it.'
    local text = cjson.encode({ error_type = 'agent_error', recovery_action = 'contact_support', message = message,
                                suggestions = { 'Look at the workers\' logs before you retry it.' } })
    redis.call('HINCRBY', WF, step .. ':fence', 1)
    set(step .. ':owner', '')
    end_without_output(reply, step, s[7], text, message, grace_ms, w[1] == 'PAUSED')
    if #reply == 1 then close_if_done(w[1]) end
    changed()
    return reply
  end
  set(step .. ':fence', tonumber(s[2]) + 1)
  if w[1] == 'PAUSED' then  -- resume sends it
    set(step .. ':status', 'WAITING', step .. ':owner', '')
    not_due(step)
    changed()
    return { 'dropped' }
  end
  local send = queue(step, grace_ms)
  return send_again('takeover', send)
end
redis.call('ZREM', DUE, member)
return { 'dropped' }
