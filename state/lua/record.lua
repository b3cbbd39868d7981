-- The record and what every transition shares. This text, after metrics.lua, stands in front of each transition's own script.
--
-- KEYS of every transition (all on one primary; writer: these scripts, readers: named)
--   1 baton:wf:<id>          hash    the record: workflow fields and '<step>:<field>' fields   API, workers
--   2 baton:wf:<id>:out      hash    step -> output blob (see state.blobs), '' -> the request,   workers, API
--                                    '?' -> the question
--   3 baton:wf:<id>:events   stream  history, one entry an event                               API (SSE, pages)
--   4 baton:due              zset    '<id>|<step>' or '<id>|' (deadline) -> ms when overdue    workers
--   5 baton:by-time          zset    id -> ms of creation                                      API lists
--   6 baton:by-status        prefix of one zset a status: id -> ms of creation                 API lists
--   7 celery-task-meta-<id>  string  Celery's own result of the workflow, written at its end   AsyncResult, Flower
-- TTL: none while the workflow is unfinished; ARGV ttl_s on 1, 2, 3 and 7 once it has ended.
-- A message on channel baton:changed (payload: id) follows every transition; one on baton:cancelled follows a cancel.
--
-- ARGV of every transition: 1 id, 2 token, 3 ttl_s, then the transition's own.
-- A transition that is repeated with the token of the last one on the same step gets the same answer and does nothing.

local id, token, ttl_s = ARGV[1], ARGV[2], tonumber(ARGV[3])
local WF, OUT, EVENTS, DUE, BY_TIME, BY_STATUS, META = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]

local FINAL = { SUCCEEDED = true, DEGRADED = true, FAILED = true, CANCELLED = true }
local STEP_DONE = { SUCCEEDED = true, DEGRADED = true }
local STEP_FINAL = { SUCCEEDED = true, DEGRADED = true, FAILED = true, CANCELLED = true, SKIPPED = true }

local function get(...)
  return redis.call('HMGET', WF, ...)
end

-- {'newer', its version, its status} when a record (its 'version', nil before there was one) is newer than this script, else
-- nil. A script leaves such a record alone: what its fields mean is known to newer workers only.
local function newer(version, status)
  if tonumber(version or '1') > VERSION then return { 'newer', version, status } end
end

local function set(...)
  redis.call('HSET', WF, ...)
end

local function names(csv)
  local list = {}
  for name in string.gmatch(csv or '', '[^,]+') do list[#list + 1] = name end
  return list
end

local function event(kind, step, ...)
  redis.call('XADD', EVENTS, '*', 'kind', kind, 'step', step, ...)
end

-- The worker in an owner, which is <worker>/<round>.<send>.
local function worker_of(owner)
  return string.match(owner, '^(.*)/') or ''
end

local function due(step, at_ms)
  redis.call('ZADD', DUE, string.format('%.0f', at_ms), id .. '|' .. step)
end

local function not_due(step)
  redis.call('ZREM', DUE, id .. '|' .. step)
end

local function changed()
  redis.call('PUBLISH', 'baton:changed', id)
end

local function move(from, to, created_ms)
  if from == to then return end
  redis.call('ZREM', BY_STATUS .. ':' .. from, id)
  redis.call('ZADD', BY_STATUS .. ':' .. to, created_ms, id)
end

-- A step whose message is in no queue may be with a worker that has not claimed it yet (it does so four times a second): it is
-- lost when it is still so CONFIRM_MS later (`overdue`).
local CONFIRM_MS = 750

-- A fresh send of `step`: the caller publishes task id <id>.<step>.<round>.<send> after us, or it is found to be lost after
-- grace_ms, of which the second look is a part.
local function queue(step, grace_ms)
  local send = redis.call('HINCRBY', WF, step .. ':send', 1)
  set(step .. ':status', 'QUEUED', step .. ':queued_ms', now, step .. ':owner', '')
  due(step, now + math.max(0, grace_ms - CONFIRM_MS))
  return send
end

-- Count an attempt that was reported, and its time: `status` is where it brought its step.
local function count_attempt(step, status)
  local s = get(step .. ':agent', step .. ':started_ms')
  measure('attempt|' .. s[1] .. '|' .. status, now - tonumber(s[2]))
end

-- Count the end of a step: how, after how many tries, and, unless nobody wanted it any more, how long after it was first sent.
-- A try is an attempt that its worker lived to report.
local MOST_TRIES = 10
local function count_end(step, status)
  local s = get(step .. ':agent', step .. ':attempt', step .. ':takeovers', step .. ':queued_ms', step .. ':lost_ms')
  local tries = math.max(0, math.min(tonumber(s[2]) - tonumber(s[3]), MOST_TRIES))
  count('step|' .. s[1] .. '|' .. status .. '|' .. tries)
  if s[5] then count('brought_back|' .. s[1] .. '|' .. status) end
  if s[4] and status ~= 'CANCELLED' and status ~= 'SKIPPED' then measure('step_time|' .. s[1], now - tonumber(s[5] or s[4])) end
end

-- Append what a caller needs to publish a send: step, round, send, queue, and the steps that may follow it in one chain.
local function sent(list, step, send)
  local s = get(step .. ':round', step .. ':queue', step .. ':tail')
  for _, item in ipairs({ step, s[1], tostring(send), s[2], s[3] or '' }) do list[#list + 1] = item end
end

-- `now` as ISO 8601, by the civil calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
local function iso()
  local z = math.floor(now / 86400000) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local ms = now % 86400000
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03d+00:00', yoe + era * 400 + (month <= 2 and 1 or 0), month, day,
                       math.floor(ms / 3600000), math.floor(ms / 60000) % 60, math.floor(ms / 1000) % 60, ms % 1000)
end

local META_BY_STATUS = { SUCCEEDED = 'SUCCESS', DEGRADED = 'SUCCESS', FAILED = 'FAILURE', CANCELLED = 'REVOKED' }

local function write_meta(status, message)
  local result = { workflow_id = id, status = status }
  if status == 'FAILED' then
    result = { exc_type = 'WorkflowFailed', exc_message = { message }, exc_module = 'state.errors' }
  elseif status == 'CANCELLED' then
    result = { exc_type = 'TaskRevokedError', exc_message = { message }, exc_module = 'celery.exceptions' }
  end
  local meta = cjson.encode({ task_id = id, status = META_BY_STATUS[status], result = result,
                              date_done = iso() })
  redis.call('SET', META, meta, 'EX', ttl_s)
  redis.call('PUBLISH', META, meta)
end

-- A stream keeps 4 KB for what may come, and a hash that once had a long value keeps its large form: what is kept for long
-- is written anew, unless it is small as it is.
local function keep(key)
  if redis.call('OBJECT', 'ENCODING', key) == 'listpack' then
    redis.call('EXPIRE', key, ttl_s)
  else
    redis.call('RESTORE', key, ttl_s * 1000, redis.call('DUMP', key), 'REPLACE')
  end
end

-- The open workflows of an API key: baton:open:<key>, set of ids, no TTL (writer and reader: the scripts).
local function open_of(caller)
  return 'baton:open:' .. caller
end

-- {'full', setting, what, count} when there is no room to begin a workflow of `caller` in `queues`, else nil. 0 bounds nothing.
local function full(caller, max_open, queues, queue_max)
  for _, queue in ipairs(queue_max > 0 and queues or {}) do
    local waiting = redis.call('LLEN', queue)
    if waiting >= queue_max then return { 'full', 'QUEUE_MAX', queue, tostring(waiting) } end
  end
  if caller == '' or max_open == 0 then return nil end
  local open = redis.call('SCARD', open_of(caller))
  if open >= max_open then return { 'full', 'MAX_OPEN_PER_KEY', caller, tostring(open) } end
end

-- Close the workflow: one status, one event, indexes, expiry, and Celery's own result.
local function close(from, status, message)
  local w = get('created_ms', 'mode', 'deadline_ms', 'deadline_s', 'caller', 'route')
  set('status', status, 'finished_ms', now, 'message', message)
  not_due('')
  if w[5] then redis.call('SREM', open_of(w[5]), id) end
  move(from, status, w[1])
  count('ended|' .. w[2] .. '|' .. status)
  count('routed|' .. (w[6] or 'simple'))
  side_ended(status)
  -- The deadline moves with every pause and every new round, so it tells when this round began, less its pauses.
  if status ~= 'CANCELLED' then measure('workflow_time|' .. w[2], now - (tonumber(w[3]) - tonumber(w[4]) * 1000)) end
  event('ended', '', 'status', status, 'message', message)
  redis.call('HDEL', WF, 'answer')  -- its sends are over, and it is long enough to keep the whole record in its large form
  keep(WF)
  keep(EVENTS)
  redis.call('EXPIRE', OUT, ttl_s)
  write_meta(status, message)
end

-- End the workflow when no step is open any more. The outcome is computed from the statuses, never counted: `open` only
-- says where a step was open when somebody looked, so that a long plan is not read again and again.
local function close_if_done(from)
  local seen = redis.call('HGET', WF, 'open')
  if seen and not STEP_FINAL[redis.call('HGET', WF, seen .. ':status')] then return false end
  local steps = names(redis.call('HGET', WF, 'steps'))
  local status, message = 'SUCCEEDED', ''
  for i = #steps, 1, -1 do
    local s = get(steps[i] .. ':status', steps[i] .. ':message')
    if not STEP_FINAL[s[1]] then
      set('open', steps[i])
      return false
    end
    if s[1] == 'FAILED' then
      status, message = 'FAILED', s[2] or ''
    elseif s[1] ~= 'SUCCEEDED' and status == 'SUCCEEDED' then
      status = 'DEGRADED'  -- with a stand-in, or without an optional step
    end
  end
  redis.call('HDEL', WF, 'open')
  close(from, status, message)
  return true
end

-- Whether `step` has ended in a way that lets on what waits for it: well, or skipped, being optional.
local function lets_on(step)
  local s = get(step .. ':status', step .. ':optional')
  return STEP_DONE[s[1]] or (s[1] == 'SKIPPED' and s[2])
end

-- Queue `step` if it waits for nothing any more, and append its send to `list`. `waits_on` is the last of those before it that
-- was not done when somebody looked, so that a wide join is not looked at as a whole with each of them: who is done stays so
-- until a reset, which forgets it.
local function release_if_ready(list, step, grace_ms)
  local s = get(step .. ':status', step .. ':after', step .. ':waits_on')
  if s[1] ~= 'WAITING' or (s[3] and not lets_on(s[3])) then return end
  local before, unknown = names(s[2]), not s[3]
  for i = #before, 1, -1 do
    unknown = unknown or before[i] == s[3]
    if unknown and not lets_on(before[i]) then
      if #before > 1 then set(step .. ':waits_on', before[i]) end
      return
    end
  end
  sent(list, step, queue(step, grace_ms))
end

local function skip(step, because)
  set(step .. ':status', 'SKIPPED')
  event('skipped', step, 'because', because)
  count_end(step, 'SKIPPED')
end

-- Everything that waits for `step`, directly or not, can never run.
local function skip_dependents(step)
  local open = names(redis.call('HGET', WF, step .. ':next'))
  while #open > 0 do
    local name = table.remove(open)
    if redis.call('HGET', WF, name .. ':status') == 'WAITING' then
      skip(name, step)
      for _, further in ipairs(names(redis.call('HGET', WF, name .. ':next'))) do open[#open + 1] = further end
    end
  end
end

-- Go on without `step`, which is optional and was skipped: what needs its output is skipped with it, the rest need not wait
-- for it any more. Appends to `list` the sends this releases; none while `paused`.
local function go_on_without(list, step, grace_ms, paused)
  local open, released = { step }, {}
  while #open > 0 do
    local gone = table.remove(open)
    for _, name in ipairs(names(redis.call('HGET', WF, gone .. ':next'))) do
      local s = get(name .. ':status', name .. ':needs')
      if s[1] == 'WAITING' and string.find(',' .. (s[2] or '') .. ',', ',' .. gone .. ',', 1, true) then
        skip(name, gone)
        open[#open + 1] = name
      else
        released[#released + 1] = name
      end
    end
  end
  for _, name in ipairs(paused and {} or released) do release_if_ready(list, name, grace_ms) end
end

-- End an open step without an output by a decision of ours, and all that waits for it. `err`: see agents.errors.
local function give_up(step, attempt, err)
  local text = cjson.encode(err)
  set(step .. ':status', 'FAILED', step .. ':owner', '', step .. ':finished_ms', now, step .. ':error', text,
      step .. ':message', err.message)
  redis.call('HINCRBY', WF, step .. ':fence', 1)
  not_due(step)
  event('failed', step, 'attempt', attempt, 'error', text)
  count_end(step, 'FAILED')
  skip_dependents(step)
end

-- End an open step without an output: optional ones are skipped and others go on, any other fails and takes along what waits
-- for it. `text` is the error as JSON. Appends to `list` the sends this releases.
local function end_without_output(list, step, attempt, text, message, grace_ms, paused)
  local optional = redis.call('HGET', WF, step .. ':optional')
  local status = optional and 'SKIPPED' or 'FAILED'
  set(step .. ':status', status, step .. ':finished_ms', now, step .. ':error', text, step .. ':message', message)
  not_due(step)
  event(optional and 'skipped' or 'failed', step, 'attempt', attempt, 'error', text)
  count_end(step, status)
  if optional then go_on_without(list, step, grace_ms, paused) else skip_dependents(step) end
end

-- The last answer given for this step, when the same call is asked again.
local function repeated(step)
  local last = get(step .. ':token', step .. ':answer')
  if last[1] == token then return cjson.decode(last[2]) end
  return nil
end

local function answer(step, reply)
  set(step .. ':token', token, step .. ':answer', cjson.encode(reply))
  changed()
  return reply
end
