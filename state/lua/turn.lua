-- turn: take, hold or give back a lease that one process at a time has.
-- KEYS 1 the lease, string: who has it; expires after lease_ms (writer: this script; readers: state.rollout).
-- ARGV: 1 process, 2 lease_ms, 0 to give it back.
-- Answers {'yes'} when it is (was, given back) the process's own, else {'no'}. Atomic.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return { 'no' } end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return { 'yes' }
