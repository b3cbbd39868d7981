-- start: accept a workflow. Own ARGV: 4 deadline_s, 5 grace_ms, 6 steps (csv), 7 first steps (csv), 8 request (JSON),
-- then field, value ...
-- Answers {'started', created_ms, step, round, send, queue, ...} or {'exists'}. Atomic; the same token gets the same answer.
if redis.call('EXISTS', WF) == 1 then
  if redis.call('HGET', WF, 'token') ~= token then return { 'exists' } end
  return cjson.decode(redis.call('HGET', WF, 'answer'))
end
for i = 9, #ARGV, 2 do set(ARGV[i], ARGV[i + 1]) end
redis.call('HSET', OUT, '', ARGV[8])
set('status', 'QUEUED', 'created_ms', now, 'deadline_ms', now + tonumber(ARGV[4]) * 1000, 'steps', ARGV[6],
    'deadline_s', ARGV[4], 'token', token, 'round', 0)
event('accepted', '')
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
