-- Says which children a parent waits for, before they are there. ARGV: parent, until when (ms from now) they must be there,
-- children ("queue:id").
for n = 3, #ARGV do redis.call('HSET', K('kin:' .. ARGV[1]), 'waiting ' .. ARGV[n], '') end
redis.call('HSET', K('kin:' .. ARGV[1]), 'waits', #ARGV - 2)
redis.call('ZADD', K('building'), now + tonumber(ARGV[2]), ARGV[1])
return 1
