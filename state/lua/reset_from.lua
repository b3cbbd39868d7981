-- reset_from: run an ended workflow again as a new round, keeping what succeeded. Own ARGV: 4 actor, 5 reason, 6 grace_ms,
-- 7 first step to run again ('': every step without a good output), 8 max_open, 9 queue_max.
-- What is run again loses its output, error and counts; round and fence go on, so no report of an earlier round fits.
-- Answers {'reset', round, step, round, send, queue, ...} with the sends to publish, {'open', status}, {'nothing'} when every step has
-- a good output, {'unknown', status} for a step that is not in the plan, {'newer', version, status}, {'gone'}, or
-- {'full', setting, what, count, status}. Atomic; the same token gets the same answer.
local w = get('status', 'steps', 'created_ms', 'deadline_s', 'round', 'token', 'answer', 'caller', 'version')
if not w[1] then return { 'gone' } end
local unread = newer(w[9], w[1])
if unread then return unread end
if w[6] == token then return w[7] and cjson.decode(w[7]) or { 'reset', w[5] } end
if not FINAL[w[1]] then return { 'open', w[1] } end

local again, order = {}, names(w[2])
-- With a step goes all that depends on it, and all it waits for that has no good output.
local function add(step)
  if again[step] then return end
  again[step] = true
  local s = get(step .. ':next', step .. ':after')
  for _, follower in ipairs(names(s[1])) do add(follower) end
  for _, before in ipairs(names(s[2])) do
    if not STEP_DONE[redis.call('HGET', WF, before .. ':status')] then add(before) end
  end
end
local known = false
for _, step in ipairs(order) do
  known = known or step == ARGV[7]
  if step == ARGV[7] or (ARGV[7] == '' and redis.call('HGET', WF, step .. ':status') ~= 'SUCCEEDED') then add(step) end
end
if ARGV[7] ~= '' and not known then return { 'unknown', w[1] } end
if not next(again) then return { 'nothing' } end

local queues = {}
for step in pairs(again) do
  local s = get(step .. ':after', step .. ':queue')
  local waits = false
  for _, before in ipairs(names(s[1])) do waits = waits or again[before] end
  if not waits then queues[#queues + 1] = s[2] end
end
local no_room = full(w[8] or '', tonumber(ARGV[8]), queues, tonumber(ARGV[9]))
if no_room then
  no_room[5] = w[1]
  return no_room
end
if w[8] then redis.call('SADD', open_of(w[8]), id) end

local round = tonumber(w[5]) + 1
for _, key in ipairs({ WF, OUT, EVENTS }) do redis.call('PERSIST', key) end
redis.call('DEL', META)
redis.call('HDEL', WF, 'finished_ms', 'started_ms', 'paused_ms')
set('status', 'QUEUED', 'message', '', 'round', round)
move(w[1], 'QUEUED', w[3])
count('control|retry')
event('reset', '', 'status', 'QUEUED', 'round', round, 'from', ARGV[7], 'actor', ARGV[4], 'reason', ARGV[5])
for _, step in ipairs(order) do
  if again[step] then
    local fence = redis.call('HGET', WF, step .. ':fence')
    for _, field in ipairs({ 'error', 'message', 'degradation', 'token', 'answer', 'started_ms', 'first_started_ms', 'finished_ms',
                             'not_before_ms', 'until_ms', 'resends', 'missed', 'lost_ms', 'waits_on' }) do
      redis.call('HDEL', WF, step .. ':' .. field)
    end
    redis.call('HDEL', OUT, step)
    set(step .. ':status', 'WAITING', step .. ':owner', '', step .. ':fence', tonumber(fence) + 1, step .. ':attempt', 0,
        step .. ':takeovers', 0, step .. ':round', round, step .. ':send', 0)
  end
end
local deadline_ms = now + tonumber(w[4]) * 1000
set('deadline_ms', string.format('%.0f', deadline_ms))
due('', deadline_ms)
local reply = { 'reset', tostring(round) }
for _, step in ipairs(order) do release_if_ready(reply, step, tonumber(ARGV[6])) end
set('token', token, 'answer', cjson.encode(reply))
changed()
return reply
