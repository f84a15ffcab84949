-- A child that was there before its parent. ARGV: child, parent ("queue|id|policy"). Returns "adopted" where it will tell the parent how it
-- ends, else what is to be told at once: how it ended ("completed", "failed", "removed": nobody will tell), and its result or error.
local held = redis.call('HMGET', job(ARGV[1]), 'state', 'parent', 'result', 'error')
if held[1] == 'completed' then return {'completed', held[3] or ''} end
if held[1] == 'failed' then return {'failed', held[4] or ''} end
if held[1] and (not held[2] or held[2] == ARGV[2]) then
    redis.call('HSET', job(ARGV[1]), 'parent', ARGV[2])
    return {'adopted', ''}
end
return {'removed', ''}
