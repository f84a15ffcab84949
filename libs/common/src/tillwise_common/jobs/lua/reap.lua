-- Takes jobs back from workers that renew their leases no more, and gives up flows that nobody finished building.
-- ARGV: how often a job may be taken back, the error of one that was taken back too often, the error of a flow that was not built,
-- for how long completed jobs are kept in ms.
-- Returns how many were taken back, how many failed by that, and how many messages for parents lie there.
local expired = redis.call('ZRANGEBYSCORE', K('active'), '-inf', now, 'LIMIT', 0, 500)
local back, failed = {}, 0
for _, id in ipairs(expired) do
    redis.call('ZREM', K('active'), id)
    local held = redis.call('HMGET', job(id), 'attempts', 'stalled', 'score', 'cancel')
    if held[1] then
        local stalled = (tonumber(held[2]) or 0) + 1
        redis.call('HSET', job(id), 'stalled', stalled)
        if held[4] then
            fail(id, cjson.encode({type = 'Cancelled', message = 'cancelled'}))
        elseif stalled > tonumber(ARGV[1]) then
            failed = failed + 1
            fail(id, ARGV[2])
        else
            redis.call('HSET', job(id), 'attempts', tonumber(held[1]) - 1)
            to_front(id, held[3])
            back[#back + 1] = id
        end
    end
end
tell('stalled', table.concat(back, ','))
count('failed', failed)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', K('building'), '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZREM', K('building'), id)
    local state = redis.call('HGET', job(id), 'state')
    if state == 'children' then
        take_out(id)
        fail(id, ARGV[3])
    elseif not state then
        forget({id})
    end
end
-- On a queue on which nothing is completed any more, too, completed jobs are kept no longer than they should.
local aged = redis.call('ZRANGEBYSCORE', K('completed'), '-inf', now - tonumber(ARGV[4]), 'LIMIT', 0, 500)
many('ZREM', K('completed'), aged, 1)
forget(aged)
if #back > 0 then wake() end
return {#back, failed, redis.call('LLEN', K('outbox'))}
