-- One turn of a worker: tell how jobs ended, and claim others. ARGV: how many ended, then of each: id, token of its claim, outcome
-- ("completed", "failed", "retry", "free": a retry that was no attempt, "back"), value (result or error), delay in ms; then: how many to claim, lease in ms, token of the
-- new claims, name of the worker, how many completed jobs are kept, for how
-- long in ms, and whether it runs nothing ("1").
-- Returns now, for how many ms nothing may be claimed (rate), when the next delayed job is due, how many wait, how many messages for
-- parents lie there, a list of ended jobs whose claim was lost, and of each claimed job: id, name, payload, options, attempts,
-- request_id, traceparent, when it was added.
-- For so long a worker waits for what it may be given.
local IDLE = 4000
local ended, at = tonumber(ARGV[1]), 2
local lost, done, left, retried, failed = {}, {}, {}, {}, 0
local delayed, completed = {}, {}
local keep = tonumber(ARGV[2 + ended * 5 + 4])
for _ = 1, ended do
    local id, token, outcome, value, delay = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
    at = at + 5
    local key = job(id)
    local held = redis.call('HMGET', key, 'token', 'parent', 'dedupe', 'score', 'attempts', 'cancel')
    if held[1] ~= token then
        lost[#lost + 1] = id
    else
        left[#left + 1] = id
        if outcome == 'completed' then
            done[#done + 1] = id
            release(held[3], id)
            to_parent(held[2], id, 'completed', value)
            if keep > 0 then
                redis.call('HSET', key, 'state', 'completed', 'token', '', 'finished', now, 'result', value)
                completed[#completed + 1] = now
                completed[#completed + 1] = id
            end
        elseif outcome == 'failed' or held[6] then
            -- What somebody cancelled is not tried again.
            failed = failed + 1
            fail(id, outcome == 'failed' and value or cjson.encode({type = 'Cancelled', message = 'cancelled'}))
        elseif outcome == 'retry' or outcome == 'free' then
            retried[#retried + 1] = id
            if outcome == 'free' then redis.call('HSET', key, 'attempts', tonumber(held[5]) - 1) end
            redis.call('HSET', key, 'state', 'delayed', 'token', '', 'error', value, 'run_at', now + delay)
            delayed[#delayed + 1] = now + delay
            delayed[#delayed + 1] = id
        else
            -- Handed back: that was no attempt.
            redis.call('HSET', key, 'attempts', tonumber(held[5]) - 1)
            to_front(id, held[4])
            wake()
        end
    end
end
many('ZREM', K('active'), left, 1)
many('ZADD', K('completed'), completed, 2)
many('ZADD', K('delayed'), delayed, 2)
tell('completed', table.concat(done, ','))
tell('retrying', table.concat(retried, ','))
count('completed', #done)
count('failed', failed)
if #done > 0 and keep == 0 then forget(done) end
if #done > 0 and keep > 0 then
    local over, old = redis.call('ZCARD', K('completed')) - keep, {}
    if over > 0 then
        local popped = redis.call('ZPOPMIN', K('completed'), math.min(over, 1000))
        for n = 1, #popped, 2 do old[#old + 1] = popped[n] end
    end
    local aged = redis.call('ZRANGEBYSCORE', K('completed'), '-inf', now - tonumber(ARGV[at + 5]), 'LIMIT', 0, 100)
    many('ZREM', K('completed'), aged, 1)
    forget(old)
    forget(aged)
end

local want, lease, token, worker = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
local due = redis.call('ZRANGEBYSCORE', K('delayed'), '-inf', now, 'LIMIT', 0, 1000)
for _, id in ipairs(due) do
    redis.call('ZREM', K('delayed'), id)
    to_wait(id)
end
local limits = redis.call('HMGET', K('meta'), 'paused', 'concurrency', 'rate', 'rate_ms')
local pause = 0
if limits[1] == '1' then want = 0 end
if limits[2] then want = math.min(want, tonumber(limits[2]) - redis.call('ZCARD', K('active'))) end
if limits[3] and want > 0 then
    local left = tonumber(limits[3]) - (tonumber(redis.call('GET', K('used'))) or 0)
    if left <= 0 then pause = math.max(redis.call('PTTL', K('used')), 1) end
    want = math.min(want, left)
end
local told = {now, pause, 0, 0, redis.call('LLEN', K('outbox')), lost}
local claimed = want > 0 and claim(want, lease, token, worker) or {}
for _, one in ipairs(claimed) do told[#told + 1] = one end
if limits[3] and #claimed > 0 then
    if redis.call('INCRBY', K('used'), #claimed) == #claimed then redis.call('PEXPIRE', K('used'), limits[4]) end
end
local first = redis.call('ZRANGE', K('delayed'), 0, 0, 'WITHSCORES')
if first[2] then told[3] = tonumber(first[2]) end
told[4] = redis.call('ZCARD', K('wait'))
-- What this worker leaves is for the next one that sleeps.
if told[4] > 0 and (#claimed > 0 or ended > 0) and limits[1] ~= '1' then wake() end
-- A worker that has nothing to do at all may be given the next job that is added.
local name = lease .. ' ' .. worker
if ARGV[at + 6] == '1' and #claimed == 0 and told[4] == 0 and pause == 0 then
    redis.call('ZREMRANGEBYSCORE', K('idle'), '-inf', now)
    redis.call('ZADD', K('idle'), now + IDLE, name)
else
    redis.call('ZREM', K('idle'), name)
end
return told
