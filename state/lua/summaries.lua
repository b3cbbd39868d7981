-- summaries: what a list tells of workflows. The keys are derived: one primary only.
-- ARGV: 1 agent of which a step must have failed ('': any), then ids.
-- Answers one list an id: {status, mode, created_ms, finished_ms, path, question}, empty where there is no such workflow (any more).
local agent, found = ARGV[1], {}

local function failed(wf)
  for step in string.gmatch(redis.call('HGET', wf, 'steps'), '[^,]+') do
    local s = redis.call('HMGET', wf, step .. ':agent', step .. ':status')
    if s[1] == agent and s[2] == 'FAILED' then return true end
  end
  return false
end

for i = 2, #ARGV do
  local wf = 'baton:wf:' .. ARGV[i]
  local w = redis.call('HMGET', wf, 'status', 'mode', 'created_ms', 'finished_ms', 'path')
  if w[1] and (agent == '' or failed(wf)) then
    found[#found + 1] = { w[1], w[2], w[3], w[4] or '', w[5] or '', redis.call('HGET', wf .. ':out', '?') or '' }
  else
    found[#found + 1] = {}
  end
end
return found
