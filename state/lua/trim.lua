-- trim: forget index members whose workflows expired long ago. KEYS 1 baton:by-time, 2... baton:by-status:<final status>.
-- ARGV: 1 longest_ms a workflow can be kept, counted from its creation. Answers how many members went. Atomic.
local clock = redis.call('TIME')
local before = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000) - tonumber(ARGV[1])
local gone = 0
for _, key in ipairs(KEYS) do
  gone = gone + redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. string.format('%.0f', before))
end
return { tostring(gone) }
