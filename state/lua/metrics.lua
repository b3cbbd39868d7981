-- Counts and times: part of the transition that makes them, so they are as exact as the record. In front of record.lua.
--
-- Keys (writer: the transitions; reader: state.metrics; one primary only)
--   baton:metrics          hash    '<what>|<label>|...' -> how often since the first time; of a time '...|<bucket>' -> how often,
--                                  '...|ms' -> their sum; 'minute_ms': of the last snapshot; 'about'            no TTL
--   baton:metrics:minutes  stream  the hash as it was before the first count of a minute, JSON; id: that minute  2 h
--   baton:metrics:hours    stream  the same of an hour                                                          8 days
-- A window's figures are the hash less the first snapshot in the window: nothing was counted between the two.

local METRICS = 'baton:metrics'
local MINUTE_MS, MINUTES_KEPT_MS = 60000, 2 * 3600000
local HOUR_MS, HOURS_KEPT_MS = 3600000, 8 * 24 * 3600000
-- A value this long makes the hash a table; else it would be a list, in which each count searches its field from the start.
local ABOUT = "What the transitions counted since the first one; a field is '<what>|<label>|...'. See docs/metrics.md."
local BUCKETS_A_DOUBLING, LAST_BUCKET = 4, 89

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function snapshot(stream, counts, every_ms, kept_ms)
  local at = now - now % every_ms
  redis.call('XADD', stream, 'MINID', '=', string.format('%.0f', at - kept_ms), string.format('%.0f', at), 'counts', counts)
  redis.call('PEXPIRE', stream, kept_ms + every_ms)
end

local looked = false
local function snapshot_if_due()
  looked = true
  local last = tonumber(redis.call('HGET', METRICS, 'minute_ms') or '-1')
  local minute_ms = now - now % MINUTE_MS
  if last >= minute_ms then return end
  if last == -1 then redis.call('DEL', METRICS .. ':minutes', METRICS .. ':hours') end  -- of a hash that somebody removed
  local counts = cjson.encode(redis.call('HGETALL', METRICS))
  snapshot(METRICS .. ':minutes', counts, MINUTE_MS, MINUTES_KEPT_MS)
  if last < now - now % HOUR_MS then snapshot(METRICS .. ':hours', counts, HOUR_MS, HOURS_KEPT_MS) end
  redis.call('HSET', METRICS, 'minute_ms', minute_ms, 'about', ABOUT)
end

local function count(field, by)
  if not looked then snapshot_if_due() end
  redis.call('HINCRBY', METRICS, field, by or 1)
end

-- Bucket b holds what took longer than 2^((b-1)/4) ms and at most 2^(b/4) ms; the last one all that took longer.
local function measure(field, ms)
  ms = math.max(0, ms)
  local bucket = ms <= 1 and 0 or math.ceil(math.log(ms) / math.log(2) * BUCKETS_A_DOUBLING - 1e-9)
  count(field .. '|' .. math.min(bucket, LAST_BUCKET))
  count(field .. '|ms', ms)
end

