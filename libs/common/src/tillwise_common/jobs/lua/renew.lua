-- Renews leases. ARGV: lease in ms, then of each job: id, token of its claim.
-- Returns the ids whose claim is lost, and those that somebody cancelled.
local lost, cancelled = {}, {}
for n = 2, #ARGV, 2 do
    local held = redis.call('HMGET', job(ARGV[n]), 'token', 'cancel')
    if held[1] ~= ARGV[n + 1] then
        lost[#lost + 1] = ARGV[n]
    else
        redis.call('ZADD', K('active'), 'XX', now + tonumber(ARGV[1]), ARGV[n])
        if held[2] then cancelled[#cancelled + 1] = ARGV[n] end
    end
end
return {lost, cancelled}
