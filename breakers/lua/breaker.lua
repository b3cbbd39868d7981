-- One circuit breaker: every decision about it, atomic, by the server's clock alone (Nygard, Release It!).
-- `breakers/circuit.py` tells the same rules in Python, and a test holds the two together.
--
-- KEYS (writer: this script; all but 4 belong to one breaker or are appended to)
--   1 baton:breaker:<name>         hash    the breaker, see FIELDS                                workers, API
--   2 baton:breaker-probes:<name>  zset    probes that are out: token -> us when the lease ends    API
--   3 baton:breaker-events         stream  what happened to all breakers, about EVENTS_KEPT       API
--   4 baton:breakers               set     names of all breakers ever used                        API
-- TTL: 1 and 2 KEPT_MS after the last change, 1 none while an operator's mode or settings are in force; 3 and 4 none.
--
-- ARGV: 1 name, 2 operation, 3 the caller's settings (JSON), then its tally: 4 generation, of which 5 calls and 6 slow calls
-- for the window and 7 successes that had no report; 8 calls, 9 failures, 10 refused, 11 slow in all; then the operation's own:
--   look | ask token | probe token | report generation token outcome | retry
--   mode mode actor reason lasts_us (0: until changed) | settings JSON ('': the callers' own) actor reason
-- Answers {verdict, state, generation, score, wait_us, mode, mode_until_us, settings, tokens, now_us, and why the hash was
-- thrown away first: '' when it was not}.

local NAME, OPERATION = ARGV[1], ARGV[2]
local HASH, PROBES, EVENTS, NAMES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local KEPT_MS, EVENTS_KEPT = 7 * 24 * 3600 * 1000, 10000
local HEALING, HALF_OPEN_WAIT_US, REFILL_S = 0.5, 1000000, 60

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

-- FIELDS. half_us: when the window's current half began; _0: the half before it, _1: the current one. passed: probes
-- that came back well in this HALF_OPEN period. reopened: failed probes since it was last closed.
local TEXTS = { 'state', 'why', 'mode', 'actor', 'reason', 'settings' }
local NUMBERS = { 'generation', 'score', 'until_us', 'since_us', 'reopened', 'passed', 'mode_until_us', 'half_us', 'calls_0',
                  'slow_0', 'calls_1', 'slow_1', 'tokens', 'tokens_us', 'calls', 'failures', 'refused', 'slow', 'opened', 'retries' }

local function text_of(value)
  return type(value) == 'number' and string.format('%.17g', value) or value
end

local c, changed = {}, {}
local function set(field, value)
  if c[field] ~= value then c[field], changed[field] = value, true end
end

-- Whether a breaker that has begun may be in it.
local STATES = { [''] = false, CLOSED = true, OPEN = true, HALF_OPEN = true }
local MODES = { [''] = false, auto = true, forced_open = true, disabled = true, metrics_only = true }
local FRACTIONS = { score = true, tokens = true }
local EXACT = 2 ^ 53

-- A number as `save` writes it, else nil.
local function number_of(field, text)
  local number = string.find(text, FRACTIONS[field] and '^[%d.e+-]+$' or '^%-?%d+$') and tonumber(text)
  return number and math.abs(number) < EXACT and number or nil
end

-- Fills `c`; answers what in the hash is not ours, '' when all is.
local function read()
  local texts, numbers = redis.pcall('HMGET', HASH, unpack(TEXTS)), redis.pcall('HMGET', HASH, unpack(NUMBERS))
  if texts.err then return 'type' end
  for i, field in ipairs(TEXTS) do c[field] = texts[i] or '' end
  for i, field in ipairs(NUMBERS) do
    c[field] = number_of(field, numbers[i] or '0')
    if not c[field] then return field end
  end
  local begun = c.generation ~= 0
  return STATES[c.state] ~= begun and 'state' or MODES[c.mode] ~= begun and 'mode' or ''
end

local function forget()
  redis.call('DEL', HASH, PROBES)
  for _, field in ipairs(TEXTS) do c[field] = '' end
  for _, field in ipairs(NUMBERS) do c[field] = 0 end
end

local function save()
  local written = {}
  for field in pairs(changed) do
    written[#written + 1] = field
    written[#written + 1] = text_of(c[field])
  end
  if #written == 0 then return end
  redis.call('HSET', HASH, unpack(written))
  if c.mode == 'auto' and c.settings == '' then redis.call('PEXPIRE', HASH, KEPT_MS) else redis.call('PERSIST', HASH) end
end

-- The caller's settings with the operators' on top; answers whether those can be read.
local cfg
local function configure()
  cfg = cjson.decode(ARGV[3])
  if c.settings == '' then return true end
  local fine, overlay = pcall(cjson.decode, c.settings)
  if not fine or type(overlay) ~= 'table' then return false end
  for name, value in pairs(overlay) do
    local number = type(value) == 'number' and math.abs(value) < EXACT
    if cfg[name] ~= nil and not number and value ~= cjson.null then return false end
    cfg[name] = value
  end
  return true
end

local function to_us(seconds) return math.floor(seconds * 1000000 + 0.5) end

local function given(value, otherwise)
  if value == nil or value == cjson.null then return otherwise end
  return value
end

local function event(why, from, score, actor, reason)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, '*', 'breaker', NAME, 'why', why, 'from', from, 'to', c.state,
             'generation', text_of(c.generation), 'score', text_of(score), 'mode', c.mode, 'actor', actor or '', 'reason', reason or '')
end

local function clear_window()
  set('half_us', now)
  for _, field in ipairs({ 'calls_0', 'slow_0', 'calls_1', 'slow_1' }) do set(field, 0) end
end

-- A new period. Its generation is larger than any before, also than those of a hash that was lost.
local function enter(state, why, actor, reason)
  local from, score = c.state, c.score
  set('state', state)
  set('why', why)
  set('since_us', now)
  set('generation', math.max(c.generation + 1, now))
  set('score', 0)
  set('passed', 0)
  clear_window()
  redis.call('DEL', PROBES)
  event(why, from, score, actor, reason)
end

local function open(why)
  local longest = given(cfg.max_open_s, cfg.recovery_s)
  local open_s = math.min(given(cfg.first_open_s, cfg.recovery_s) * 2 ^ math.min(c.reopened, 30), longest)
  set('until_us', now + to_us(open_s))
  set('opened', c.opened + 1)
  enter('OPEN', why)
end

local function trip(why)
  if c.mode == 'auto' then
    set('reopened', 0)
    open(why)
  else
    local score = c.score
    set('score', 0)
    clear_window()
    event('would_open_' .. why, c.state, score)
  end
end

local function close_if_passed()
  if c.state == 'HALF_OPEN' and c.passed >= cfg.permits then
    set('reopened', 0)
    enter('CLOSED', 'probes_passed')
  end
end

local function switch(mode, until_us, why, actor, reason)
  set('mode', mode)
  set('mode_until_us', until_us)
  set('actor', actor)
  set('reason', reason)
  set('reopened', 0)
  enter('CLOSED', why, actor, reason)
end

local function fill_budget(calls)
  if c.tokens < cfg.retry_reserve then
    local brought = (now - c.tokens_us) / 1000000 * (cfg.retry_reserve / REFILL_S)
    set('tokens', math.min(cfg.retry_reserve, c.tokens + math.max(0, brought)))
  end
  set('tokens_us', now)
  set('tokens', math.min(cfg.retry_max, c.tokens + cfg.retry_ratio * calls))
end

local function heal(successes) set('score', math.max(0, c.score - HEALING * successes)) end

local function count_slow(calls, slow)
  local half = to_us(cfg.slow_window_s / 2)
  if now - c.half_us >= 2 * half then
    clear_window()
  elseif now - c.half_us >= half then
    set('calls_0', c.calls_1)
    set('slow_0', c.slow_1)
    set('calls_1', 0)
    set('slow_1', 0)
    set('half_us', c.half_us + half)
  end
  set('calls_1', c.calls_1 + calls)
  set('slow_1', c.slow_1 + slow)
  local all, all_slow = c.calls_0 + c.calls_1, c.slow_0 + c.slow_1
  if all >= cfg.slow_min_calls and all_slow >= cfg.slow_rate * all then trip('slow_calls') end
end

-- What a tally tells about this period. What succeeded before it heals before the request's own failure counts.
local function take_in(calls, slow, successes)
  heal(successes)
  if calls > 0 then count_slow(calls, slow) end
end

-- What comes before every operation: the first use, what time has brought, what the tally tells.
local function begin()
  local unreadable = read()
  if unreadable == '' and not configure() then unreadable = 'settings' end
  if unreadable ~= '' then
    forget()
    configure()
  end
  if c.generation == 0 then
    set('state', 'CLOSED')
    set('mode', 'auto')
    set('why', 'new')
    set('generation', now)
    set('since_us', now)
    clear_window()
    set('tokens', cfg.retry_reserve)
    set('tokens_us', now)
    redis.call('SADD', NAMES, NAME)
  end
  if c.mode ~= 'auto' and c.mode_until_us > 0 and now >= c.mode_until_us then switch('auto', 0, 'mode_expired', '', '') end
  fill_budget(tonumber(ARGV[8]))
  for i, field in ipairs({ 'calls', 'failures', 'refused', 'slow' }) do set(field, c[field] + tonumber(ARGV[7 + i])) end
  if tonumber(ARGV[4]) == c.generation and c.state == 'CLOSED' and (c.mode == 'auto' or c.mode == 'metrics_only') then
    take_in(tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]))
  end
  close_if_passed() -- fewer permits than before may be enough
  return unreadable
end

local function claim_probe(token)
  if c.state == 'OPEN' then
    if now < c.until_us then return 'refused' end
    enter('HALF_OPEN', 'recovery_due')
  end
  redis.call('ZREMRANGEBYSCORE', PROBES, '-inf', text_of(now)) -- who died with a probe gives its place back
  if redis.call('ZCARD', PROBES) + c.passed >= cfg.permits then return 'refused' end
  local lease_us = to_us(cfg.probe_lease_s)
  redis.call('ZADD', PROBES, text_of(now + lease_us), token)
  redis.call('PEXPIRE', PROBES, KEPT_MS + math.ceil(lease_us / 1000))
  return 'probe'
end

local function judge_probe(token, outcome)
  local deadline = tonumber(redis.call('ZSCORE', PROBES, token) or '0')
  redis.call('ZREM', PROBES, token)
  if deadline <= now then return 'expired' end
  if outcome == 'failure' then
    set('reopened', c.reopened + 1)
    open('probe_failed')
  elseif outcome == 'success' then
    set('passed', c.passed + 1)
    close_if_passed()
  end
  return 'counted'
end

local function judge(generation, token, outcome)
  if generation ~= c.generation or c.state == 'OPEN' then return 'stale' end
  if c.mode == 'disabled' or c.mode == 'forced_open' then return 'unjudged' end
  if c.state == 'HALF_OPEN' then return judge_probe(token, outcome) end
  if outcome == 'success' then
    heal(1)
  elseif outcome == 'failure' then
    set('score', c.score + 1)
    if c.score >= cfg.threshold then trip('failures') end
  end
  return 'counted'
end

local operations = {
  look = function() return 'done' end,
  ask = function(token)
    if c.mode == 'forced_open' then return 'refused' end
    if c.mode ~= 'auto' or c.state == 'CLOSED' then return 'call' end
    return claim_probe(token)
  end,
  probe = function(token)
    if c.mode ~= 'auto' or c.state == 'CLOSED' then return 'refused' end
    return claim_probe(token)
  end,
  report = function(generation, token, outcome) return judge(tonumber(generation), token, outcome) end,
  retry = function()
    if c.tokens < 1 then return 'denied' end
    set('tokens', c.tokens - 1)
    set('retries', c.retries + 1)
    return 'granted'
  end,
  mode = function(mode, actor, reason, lasts_us)
    local lasts = tonumber(lasts_us)
    switch(mode, lasts > 0 and now + lasts or 0, 'mode', actor, reason)
    return 'done'
  end,
  settings = function(json, actor, reason)
    set('settings', json)
    configure()
    event('settings', c.state, c.score, actor, reason)
    close_if_passed()
    return 'done'
  end,
}

local function wait_us()
  if c.mode == 'forced_open' then return c.mode_until_us > 0 and c.mode_until_us - now or to_us(cfg.recovery_s) end
  if c.mode ~= 'auto' or c.state == 'CLOSED' then return 0 end
  if c.state == 'OPEN' then return math.max(0, c.until_us - now) end
  local live = redis.call('ZRANGE', PROBES, '(' .. text_of(now), '+inf', 'BYSCORE', 'WITHSCORES')
  if #live / 2 + c.passed < cfg.permits then return 0 end
  return math.min(HALF_OPEN_WAIT_US, tonumber(live[2]) - now)
end

local unreadable = begin()
local verdict = operations[OPERATION](unpack(ARGV, 12))
save()
return { verdict, c.state, text_of(c.generation), text_of(c.score), text_of(wait_us()), c.mode, text_of(c.mode_until_us),
         c.settings, text_of(c.tokens), text_of(now), unreadable }
