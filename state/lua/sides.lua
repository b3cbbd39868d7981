-- What the questions of each path came to: the two sides that the rollout compares. In front of record.lua.
--
-- Keys (writer: the transitions; reader: state.sides; one primary only)
--   baton:rollout:asked:<slot>  hash  questions that began within five seconds from <slot> (s): '<path>|begun', '<path>|excused',
--                                     '<path>|FAILED', '<path>|<SUCCEEDED or DEGRADED>|<bucket>' -> how many           15 min
-- Questions that somebody waits for, in their first round. Not: background workflows and plans somebody wrote, which no path
-- but Celery's takes. Excused, and so on neither side: what was paused, cancelled, or must be corrected by who asked; in what both
-- paths had a hand (`begin`); what took the other path for lack of room (`start`).
--   baton:rollout:failing:<sha1>  string  a session one of whose questions failed: further ones are excused meanwhile 1 min
-- So a caller who sends the same bad question again and again, who is on one side only, does not speak for all.
-- A slot holds questions by when they began, so that those without an answer are seen while they are.

local SLOT_S, SLOTS_KEPT_S = 5, 900
-- Sixteen a doubling: 4.4 % wide, finer than what is told to people.
local SIDE_BUCKETS_A_DOUBLING, SIDE_LAST_BUCKET = 16, 352

local function side_count(created_ms, field)
  local began_s = math.floor(created_ms / 1000)
  if began_s < now / 1000 - SLOTS_KEPT_S then return end
  local key = 'baton:rollout:asked:' .. string.format('%.0f', began_s - began_s % SLOT_S)
  if redis.call('HINCRBY', key, field, 1) == 1 then redis.call('EXPIRE', key, SLOTS_KEPT_S + SLOT_S) end
end

-- `w`: mode, route, path, created_ms, round, excused.
local function on_a_side(w)
  return w[1] == 'interactive' and w[2] ~= 'plan' and tonumber(w[5] or '0') == 0 and not w[6]
end

local SIDE_FIELDS = { 'mode', 'route', 'path', 'created_ms', 'round', 'excused' }

local function side_began()
  local w = redis.call('HMGET', KEYS[1], unpack(SIDE_FIELDS))
  if on_a_side(w) then side_count(now, (w[3] or 'celery') .. '|begun') end
end

-- It says nothing about its path any more.
local function excuse()
  local w = redis.call('HMGET', KEYS[1], unpack(SIDE_FIELDS))
  if not on_a_side(w) then return end
  side_count(tonumber(w[4]), (w[3] or 'celery') .. '|excused')
  redis.call('HSET', KEYS[1], 'excused', 1)
end

local FAILING_S = 60
local function failed_just_now()
  -- What may be in a request is more than cjson reads (half a surrogate pair); nothing may break off in the middle of an end.
  local readable, request = pcall(cjson.decode, redis.call('HGET', KEYS[2], '') or '{}')
  if not readable then return true end
  local session = request.session_id
  if type(session) ~= 'string' or session == '' then return false end
  return not redis.call('SET', 'baton:rollout:failing:' .. redis.sha1hex(session), 1, 'NX', 'EX', FAILING_S)
end

local function side_ended(status)
  if status == 'CANCELLED' then return excuse() end
  local w = redis.call('HMGET', KEYS[1], unpack(SIDE_FIELDS))
  if not on_a_side(w) then return end
  local path, created_ms = w[3] or 'celery', tonumber(w[4])
  count('path|' .. path .. '|' .. status)
  if status == 'FAILED' and failed_just_now() then return excuse() end
  if status == 'FAILED' then return side_count(created_ms, path .. '|FAILED') end
  local ms = now - created_ms
  local bucket = ms <= 1 and 0 or math.ceil(math.log(ms) / math.log(2) * SIDE_BUCKETS_A_DOUBLING - 1e-9)
  side_count(created_ms, path .. '|' .. status .. '|' .. math.min(bucket, SIDE_LAST_BUCKET))
end
