-- What a running job says of itself. ARGV: id, token of its claim, "progress" or "log", what it says, how many lines are kept.
-- Returns 1, or 0 where the claim is lost.
if redis.call('HGET', job(ARGV[1]), 'token') ~= ARGV[2] then return 0 end
if ARGV[3] == 'progress' then
    redis.call('HSET', job(ARGV[1]), 'progress', ARGV[4])
    tell('progress', ARGV[1], 'progress', ARGV[4])
else
    local key = K('logs:' .. ARGV[1])
    redis.call('RPUSH', key, now .. ' ' .. ARGV[4])
    redis.call('LTRIM', key, -tonumber(ARGV[5]), -1)
end
return 1
