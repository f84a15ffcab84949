-- A schedule's turn: its job is added, and the next turn noted, in one step. ARGV: name, the moment that is due (ms), the next one
-- ("" where it was the last), id, name, payload, priority, options and request_id of the job.
-- Returns 1 to whoever comes first, and 0 to all others.
if redis.call('ZSCORE', K('schedules'), ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('ZREM', K('schedules'), ARGV[1])
else redis.call('ZADD', K('schedules'), ARGV[3], ARGV[1]) end
if ARGV[3] == '' then redis.call('DEL', K('schedule:' .. ARGV[1]))
else redis.call('HSET', K('schedule:' .. ARGV[1]), 'last', ARGV[2], 'last_job', ARGV[4]) end
local score = place(tonumber(ARGV[7]))
redis.call('HSET', job(ARGV[4]), 'name', ARGV[5], 'data', ARGV[6], 'priority', ARGV[7], 'opts', ARGV[8], 'request_id', ARGV[9],
    'created', now, 'state', 'waiting', 'score', string.format('%.0f', score), 'schedule', ARGV[1])
redis.call('ZADD', K('wait'), score, ARGV[4])
tell('added', ARGV[4])
wake()
return 1
