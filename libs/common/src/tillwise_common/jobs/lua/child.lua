-- How a child ended, told to its parent. ARGV: parent, child ("queue:id"), outcome ("completed", "failed", "removed"), value, what the
-- parent does when it failed ("fail", "ignore", "continue"). Telling it again changes nothing. Returns whether it was news.
local parent, child, outcome, value, policy = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('HDEL', K('kin:' .. parent), 'waiting ' .. child) == 0 then return 0 end
local still = redis.call('HINCRBY', K('kin:' .. parent), 'waits', -1)
if outcome ~= 'removed' then redis.call('HSET', K('kin:' .. parent), outcome .. ' ' .. child, value) end
if redis.call('HGET', job(parent), 'state') ~= 'children' then return 1 end
if outcome == 'failed' and policy == 'fail' then
    redis.call('ZREM', K('parents'), parent)
    redis.call('ZREM', K('building'), parent)
    fail(parent, cjson.encode({type = 'ChildFailed', message = 'the child ' .. child .. ' failed'}))
    count('failed', 1)
elseif still <= 0 or (outcome == 'failed' and policy == 'continue') then
    redis.call('ZREM', K('parents'), parent)
    redis.call('ZREM', K('building'), parent)
    to_wait(parent)
    wake()
end
return 1
