-- What every script of a queue begins with. KEYS[1] is the queue's prefix, such as "tw:jobs:{exports}:"; every other key is made of it,
-- so that all keys of a queue are on one node of a cluster. Time is the server's: workers' clocks may differ.
local P = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
-- A priority takes so much of a place in `wait`; below it places count up, so that jobs of one priority come first in, first out.
local PRIORITY = 1099511627776

local function K(name) return P .. name end
local function job(id) return P .. 'job:' .. id end

-- A lifecycle event; `ids` are of one job or of many.
local function tell(event, ids, ...)
    if ids ~= '' then
        redis.call('XADD', K('events'), 'MAXLEN', '~', 10000, '*', 'event', event, 'ids', ids, 'at', now, ...)
    end
end

-- Wake one worker that has nothing to do.
local function wake()
    if redis.call('EXISTS', K('marker')) == 0 then redis.call('RPUSH', K('marker'), '') end
end

local function place(priority)
    return priority * PRIORITY + redis.call('INCR', K('seq'))
end

-- Put a job at the end of those of its priority.
local function to_wait(id)
    local key = job(id)
    local score = place(tonumber(redis.call('HGET', key, 'priority')) or 0)
    redis.call('HSET', key, 'state', 'waiting', 'score', string.format('%.0f', score))
    redis.call('ZADD', K('wait'), score, id)
end

-- Put a job where it was before it was claimed.
local function to_front(id, score)
    redis.call('HSET', job(id), 'state', 'waiting', 'token', '')
    redis.call('ZADD', K('wait'), score, id)
end

-- Let go of the key that kept others out while this job was not finished.
local function release(dedupe, id)
    if dedupe and dedupe ~= '' then
        local key = K('dedupe:' .. dedupe)
        if redis.call('GET', key) == id and redis.call('PTTL', key) == -1 then redis.call('DEL', key) end
    end
end

-- News for a parent, which may lie on another node: what delivers it asks again until it is told.
local function to_parent(parent, id, outcome, value)
    if parent and parent ~= '' then
        redis.call('RPUSH', K('outbox'), cjson.encode({parent, id, outcome, value}))
    end
end

local function count(what, many)
    if many > 0 then
        local minute = math.floor(now / 60000)
        local key = K('rates:' .. math.floor(minute / 60))
        redis.call('HINCRBY', key, minute .. ':' .. what, many)
        redis.call('EXPIRE', key, 180000)
    end
end

-- A job that has failed for good; it is kept until somebody removes it.
local function fail(id, error)
    local key = job(id)
    local held = redis.call('HMGET', key, 'parent', 'dedupe', 'name')
    redis.call('HSET', key, 'state', 'failed', 'token', '', 'finished', now, 'error', error)
    redis.call('ZADD', K('failed'), now, id)
    release(held[2], id)
    to_parent(held[1], id, 'failed', error)
    tell('failed', id, 'name', held[3] or '')
end

-- One call for many members costs a fraction of as many calls. `parts` are arguments, `each` of them for a member.
local function many(command, key, parts, each)
    local most = 1000 * each
    for begin = 1, #parts, most do
        redis.call(command, key, unpack(parts, begin, math.min(begin + most - 1, #parts)))
    end
end

-- Forget jobs, their lines and what their children said.
local function forget(ids)
    local gone = {}
    for _, id in ipairs(ids) do
        gone[#gone + 1] = job(id)
        gone[#gone + 1] = K('logs:' .. id)
        gone[#gone + 1] = K('kin:' .. id)
    end
    for begin = 1, #gone, 3000 do redis.call('UNLINK', unpack(gone, begin, math.min(begin + 2999, #gone))) end
end

-- Claim up to so many jobs. Returns what a worker needs of each: id, name, payload, options, attempts, request_id, traceparent, when it
-- was added.
local function claim(want, lease, token, worker)
    local claimed, active, leases = {}, {}, {}
    local popped = redis.call('ZPOPMIN', K('wait'), want)
    for n = 1, #popped, 2 do
        local id = popped[n]
        local key = job(id)
        local held = redis.call('HMGET', key, 'name', 'data', 'opts', 'attempts', 'request_id', 'traceparent', 'created')
        if held[1] then
            local attempts = (tonumber(held[4]) or 0) + 1
            redis.call('HSET', key, 'state', 'active', 'token', token, 'started', now, 'attempts', attempts)
            leases[#leases + 1] = now + lease
            leases[#leases + 1] = id
            active[#active + 1] = id
            claimed[#claimed + 1] = {id, held[1], held[2], held[3], attempts, held[5], held[6], held[7]}
        end
    end
    many('ZADD', K('active'), leases, 2)
    tell('active', table.concat(active, ','), 'worker', worker)
    return claimed
end

-- Give the next job to a worker that has nothing to do and said so ("lease name"), in the same step in which the job was added: it starts
-- a round trip and a write to disk sooner. Where there are limits, workers look themselves.
local function hand_over()
    if redis.call('EXISTS', K('meta')) == 1 then return false end
    local idle = redis.call('ZPOPMAX', K('idle'))
    if not idle[2] or tonumber(idle[2]) < now then return false end
    local lease, worker = string.match(idle[1], '^(%d+) (.*)$')
    local token = worker .. ':given-' .. redis.call('INCR', K('seq'))
    local claimed = claim(1, tonumber(lease), token, worker)[1]
    if not claimed then return false end
    -- As netstrings: payloads may hold any byte.
    local parts = {#token .. ':' .. token}
    for n = 1, 8 do
        local part = tostring(claimed[n] or '')
        parts[#parts + 1] = #part .. ':' .. part
    end
    redis.call('RPUSH', K('inbox:' .. worker), table.concat(parts))
    redis.call('PEXPIRE', K('inbox:' .. worker), 60000)
    return true
end

local STATES = {waiting = 'wait', delayed = 'delayed', active = 'active', completed = 'completed', failed = 'failed', children = 'parents'}

-- Take a job out of the list of its state; the state, or nil where there is no such job.
local function take_out(id)
    local state = redis.call('HGET', job(id), 'state')
    if state then redis.call('ZREM', K(STATES[state]), id) end
    return state or nil
end
