-- faults: the steps that failed, of workflows. The keys are derived: one primary only.
-- ARGV: ids. Answers one list an id: agent, error (JSON), finished_ms of each failed step; empty where there is none.
local found = {}
for i = 1, #ARGV do
  local wf, faults = 'baton:wf:' .. ARGV[i], {}
  for step in string.gmatch(redis.call('HGET', wf, 'steps') or '', '[^,]+') do
    local s = redis.call('HMGET', wf, step .. ':agent', step .. ':status', step .. ':error', step .. ':finished_ms')
    if s[2] == 'FAILED' then
      for _, told in ipairs({ s[1], s[3] or '', s[4] or '0' }) do faults[#faults + 1] = told end
    end
  end
  found[i] = faults
end
return found
