-- Says which children a parent waits for, before they are there. ARGV: parent, until when (ms from now) they must be there,
-- children ("queue:id").
-- A parent that is there already has its family. Returns whether this is one.
if redis.call('EXISTS', job(ARGV[1])) == 1 then return 0 end
for n = 3, #ARGV do redis.call('HSET', K('kin:' .. ARGV[1]), 'waiting ' .. ARGV[n], '') end
redis.call('HSET', K('kin:' .. ARGV[1]), 'waits', #ARGV - 2)
redis.call('ZADD', K('building'), now + tonumber(ARGV[2]), ARGV[1])
return 1
