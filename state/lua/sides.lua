-- What the questions of each path came to: the two sides that the rollout compares. In front of record.lua.
--
-- Keys (writer: the transitions; reader: state.sides; one primary only)
--   baton:rollout:asked:<slot>      hash  questions that began within five seconds from <slot> (s): '<path>|begun|<group>',
--                                         '<path>|excused|<group>', '<path>|FAILED|<group>',
--                                         '<path>|<SUCCEEDED or DEGRADED>|<bucket>|<group>' -> how many           15 min
--   baton:rollout:since:<ms>:<day>  hash  the same of all questions since <ms>, when the share last changed (baton:rollout),
--                                         that began on the so-manieth day after it                               2 days
-- Questions that somebody waits for, in their first round. Not: background workflows and plans somebody wrote, which no path
-- but Celery's takes. Excused, and so on neither side: what was paused, cancelled, or must be corrected by who asked; in what both
-- paths had a hand (`begin`); what took the other path for lack of room (`start`).
-- A slot holds questions by when they began, so that those without an answer are seen while they are. A session always falls
-- into the same one of sixteen groups: what holds without the worst group is no one session's doing.

local SLOT_S, SLOTS_KEPT_S = 5, 900
local SETTLES_MS, DAY_S = 1000, 86400
-- Sixteen a doubling: 4.4 % wide, finer than what is told to people.
local SIDE_BUCKETS_A_DOUBLING, SIDE_LAST_BUCKET = 16, 352

local function one_more(key, field, kept_s)
  if redis.call('HINCRBY', key, field, 1) == 1 then redis.call('EXPIRE', key, kept_s) end
end

local SIDE_FIELDS = { 'mode', 'route', 'path', 'round', 'excused', 'group', 'created_ms' }

local function side_fields()
  return redis.call('HMGET', KEYS[1], unpack(SIDE_FIELDS))
end

-- `w`: the values of SIDE_FIELDS.
local function on_a_side(w)
  return w[1] == 'interactive' and w[2] ~= 'plan' and tonumber(w[4] or '0') == 0 and not w[5]
end

local function side_count(w, what)
  local field = (w[3] or 'celery') .. '|' .. what .. '|' .. (w[6] or '0')
  local began_s = math.floor(tonumber(w[7]) / 1000)
  local slot_s = began_s - began_s % SLOT_S
  if began_s >= now / 1000 - SLOTS_KEPT_S then
    one_more(string.format('baton:rollout:asked:%.0f', slot_s), field, SLOTS_KEPT_S + SLOT_S)
  end
  -- Whatever is found there, no question may break off because of it.
  local since_ms = tonumber(redis.pcall('HGET', 'baton:rollout', 'since_ms') or '0') or 0
  local age_ms = slot_s * 1000 - since_ms
  -- Only what began when every API process had had the share.
  if since_ms > 0 and age_ms >= SETTLES_MS then
    local day = math.floor(age_ms / (DAY_S * 1000))
    one_more(string.format('baton:rollout:since:%.0f:%.0f', since_ms, day), field, 2 * DAY_S)
  end
end

local function side_began()
  local w = side_fields()
  if on_a_side(w) then side_count(w, 'begun') end
end

-- It says nothing about its path any more.
local function excuse()
  local w = side_fields()
  if not on_a_side(w) then return end
  side_count(w, 'excused')
  redis.call('HSET', KEYS[1], 'excused', 1)
end

local function side_ended(status)
  if status == 'CANCELLED' then return excuse() end
  local w = side_fields()
  if not on_a_side(w) then return end
  count('path|' .. (w[3] or 'celery') .. '|' .. status)
  if status == 'FAILED' then return side_count(w, 'FAILED') end
  local ms = now - tonumber(w[7])
  local bucket = ms <= 1 and 0 or math.ceil(math.log(ms) / math.log(2) * SIDE_BUCKETS_A_DOUBLING - 1e-9)
  side_count(w, status .. '|' .. math.min(bucket, SIDE_LAST_BUCKET))
end
