-- start: accept a workflow. Own ARGV: 4 deadline_s, 5 grace_ms, 6 steps (csv), 7 first steps (csv), 8 request (JSON),
-- 9 question, 10 digest of what was asked, 11 API key that asks, 12 queues of the first steps (csv), 13 max_open, 14 queue_max,
-- then field, value ...
-- KEYS 8, if given: baton:asked:<scope>:<digest>, hash {workflow, asked, again}, expires after ttl_s (writer and reader: this
-- script): which workflow an idempotency key began, and with what. It is written with the workflow or not at all.
-- Answers {'started', created_ms, step, round, send, queue, ...}, {'exists'}, {'asked', id of the workflow the key began},
-- {'asked_otherwise'}, or {'full', setting, what, count} with nothing recorded. Atomic; the same token gets the same answer.
if redis.call('EXISTS', WF) == 1 then
  if redis.call('HGET', WF, 'token') ~= token then return { 'exists' } end
  local before = redis.call('HGET', WF, 'answer')
  return before and cjson.decode(before) or { 'exists' }
end
if KEYS[8] then
  local asked = redis.call('HMGET', KEYS[8], 'workflow', 'asked')
  if asked[1] and asked[2] ~= ARGV[10] then return { 'asked_otherwise' } end
  if asked[1] then
    -- Also so that this call, too, has written: it may wait until what the first one wrote is on disk.
    redis.call('HINCRBY', KEYS[8], 'again', 1)
    return { 'asked', asked[1] }
  end
end
local no_room = full(ARGV[11], tonumber(ARGV[13]), names(ARGV[12]), tonumber(ARGV[14]))
if no_room then return no_room end
if KEYS[8] then
  redis.call('HSET', KEYS[8], 'workflow', id, 'asked', ARGV[10])
  redis.call('EXPIRE', KEYS[8], ttl_s)
end
for i = 15, #ARGV, 2 do set(ARGV[i], ARGV[i + 1]) end
if ARGV[11] ~= '' then
  set('caller', ARGV[11])
  redis.call('SADD', open_of(ARGV[11]), id)
end
redis.call('HSET', OUT, '', ARGV[8], '?', ARGV[9])
set('status', 'QUEUED', 'created_ms', now, 'deadline_ms', now + tonumber(ARGV[4]) * 1000, 'steps', ARGV[6],
    'deadline_s', ARGV[4], 'token', token, 'round', 0)
event('accepted', '')
local w = get('mode', 'overflow')
count('accepted|' .. w[1])
if w[2] then count('overflow|' .. w[2]) end
side_began()
redis.call('ZADD', BY_TIME, now, id)
redis.call('ZADD', BY_STATUS .. ':QUEUED', now, id)
due('', now + tonumber(ARGV[4]) * 1000)
local reply = { 'started', string.format('%.0f', now) }
for _, step in ipairs(names(ARGV[7])) do
  sent(reply, step, queue(step, tonumber(ARGV[5])))
end
set('answer', cjson.encode(reply))
changed()
return reply
