-- What an operator does to jobs. ARGV: what ("retry", "promote", "cancel", "remove", "update", "prioritise"), a value, then ids; or, with
-- the value "all:<state>:<not before>:<not after>:<at most>", to all of a state that came into it between two moments in ms.
-- Returns how many it was done to, and how many of the state are left.
local what, value = ARGV[1], ARGV[2]
local ids, left = {}, 0
local state, from, till, most = string.match(value, '^all:(%a+):([%-%d%a]+):([%+%d%a]+):(%d+)$')
if state then
    -- A place in `wait` tells no time.
    if state == 'waiting' then ids = redis.call('ZRANGE', K('wait'), 0, tonumber(most) - 1)
    else ids = redis.call('ZRANGEBYSCORE', K(STATES[state]), from, till, 'LIMIT', 0, most) end
else
    for n = 3, #ARGV do ids[#ids + 1] = ARGV[n] end
end

local ACTIONS = {}

function ACTIONS.retry(id, was)
    if was ~= 'failed' and was ~= 'completed' then return false end
    take_out(id)
    redis.call('HSET', job(id), 'attempts', 0, 'stalled', 0)
    redis.call('HDEL', job(id), 'finished', 'cancel', 'progress', 'result')
    if (tonumber(redis.call('HGET', K('kin:' .. id), 'waits')) or 0) > 0 then
        -- Some of its children have not ended.
        redis.call('HSET', job(id), 'state', 'children')
        redis.call('ZADD', K('parents'), now, id)
    else
        to_wait(id)
    end
    return true
end

function ACTIONS.promote(id, was)
    if was ~= 'delayed' then return false end
    take_out(id)
    redis.call('HSET', job(id), 'run_at', now)
    to_wait(id)
    return true
end

function ACTIONS.cancel(id, was)
    if was == 'active' then
        -- It stays in its list until its worker has ended it: cancelled twice is nothing new.
        return redis.call('HSETNX', job(id), 'cancel', 1) == 1
    end
    if was ~= 'waiting' and was ~= 'delayed' and was ~= 'children' then return false end
    take_out(id)
    redis.call('ZREM', K('building'), id)
    fail(id, cjson.encode({type = 'Cancelled', message = 'cancelled'}))
    return true
end

function ACTIONS.remove(id, was)
    if was == 'active' then return false end
    local held = redis.call('HMGET', job(id), 'dedupe', 'parent')
    take_out(id)
    redis.call('ZREM', K('building'), id)
    if held[1] and held[1] ~= '' and redis.call('GET', K('dedupe:' .. held[1])) == id then redis.call('DEL', K('dedupe:' .. held[1])) end
    if was ~= 'completed' and was ~= 'failed' then to_parent(held[2], id, 'removed', '') end
    forget({id})
    return true
end

function ACTIONS.update(id, was)
    if was ~= 'waiting' and was ~= 'delayed' and was ~= 'children' and was ~= 'failed' then return false end
    redis.call('HSET', job(id), 'data', value)
    return true
end

function ACTIONS.prioritise(id, was)
    if was == 'completed' or was == 'active' then return false end
    redis.call('HSET', job(id), 'priority', value)
    if was == 'waiting' then
        take_out(id)
        to_wait(id)
    end
    return true
end

local done = {}
for _, id in ipairs(ids) do
    local was = redis.call('HGET', job(id), 'state')
    if was and ACTIONS[what](id, was) then done[#done + 1] = id end
end
if #done > 0 then
    if #done <= 1000 then tell(what, table.concat(done, ',')) end
    wake()
end
if state == 'waiting' then left = redis.call('ZCARD', K('wait'))
elseif state then left = redis.call('ZCOUNT', K(STATES[state]), from, till) end
return {#done, left}
