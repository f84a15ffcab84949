-- Adds jobs. ARGV: how many, then of each: id, is the id given ("1")?, name, payload, priority, delay in ms, options, request_id,
-- traceparent, parent ("queue|id|policy"), dedupe key, for how long it holds in ms ("": until the job has finished), restart the
-- delay of the one that waits ("1")?, wait for so many children.
-- Returns of each the id (of the job that was there before, where there was one) and whether it was added.
local FIELDS = 14
local jobs = tonumber(ARGV[1])
local seq = redis.call('INCRBY', K('seq'), jobs) - jobs
local told, added, lists = {}, {}, {wait = {}, delayed = {}, parents = {}}
for n = 0, jobs - 1 do
    local a = 2 + n * FIELDS
    local id, priority, delay, dedupe, children = ARGV[a], tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]), ARGV[a + 10], tonumber(ARGV[a + 13])
    local before = nil
    if dedupe ~= '' then
        before = redis.call('GET', K('dedupe:' .. dedupe))
        -- A key of a job that is no more (somebody cleared the queue by hand) keeps nobody out for ever.
        if before and redis.call('PTTL', K('dedupe:' .. dedupe)) == -1 and redis.call('EXISTS', job(before)) == 0 then before = nil end
        if before and ARGV[a + 12] == '1' and redis.call('HGET', job(before), 'state') == 'delayed' then
            redis.call('HSET', job(before), 'data', ARGV[a + 3], 'run_at', now + delay)
            local into = lists.delayed
            into[#into + 1] = now + delay
            into[#into + 1] = before
        end
    end
    if not before and ARGV[a + 1] == '1' and redis.call('EXISTS', job(id)) == 1 then before = id end
    if before then
        told[#told + 1] = before
        told[#told + 1] = 0
    else
        if dedupe ~= '' then
            if ARGV[a + 11] == '' then redis.call('SET', K('dedupe:' .. dedupe), id)
            else redis.call('SET', K('dedupe:' .. dedupe), id, 'PX', ARGV[a + 11]) end
        end
        local state, list, score = 'waiting', 'wait', priority * PRIORITY + seq + n + 1
        if children > 0 then state, list, score = 'children', 'parents', now
        elseif delay > 0 then state, list, score = 'delayed', 'delayed', now + delay end
        -- What is not said is not kept: a million jobs wait in half the memory.
        local fields = {'name', ARGV[a + 2], 'data', ARGV[a + 3], 'priority', priority, 'opts', ARGV[a + 6], 'created', now, 'state', state,
            'score', string.format('%.0f', score)}
        for name, value in pairs({request_id = ARGV[a + 7], traceparent = ARGV[a + 8], parent = ARGV[a + 9], dedupe = dedupe}) do
            if value ~= '' then
                fields[#fields + 1] = name
                fields[#fields + 1] = value
            end
        end
        if delay > 0 then
            fields[#fields + 1] = 'run_at'
            fields[#fields + 1] = now + delay
        end
        redis.call('HSET', job(id), unpack(fields))
        local into = lists[list]
        into[#into + 1] = score
        into[#into + 1] = id
        told[#told + 1] = id
        told[#told + 1] = 1
        added[#added + 1] = id
    end
end
for list, parts in pairs(lists) do many('ZADD', K(list), parts, 2) end
if #added > 0 then
    tell('added', table.concat(added, ','))
    -- More than one, or what somebody waits for that is delayed, is for whoever wakes up.
    if #added > 1 or #lists.wait == 0 or not hand_over() then wake() end
end
return told
