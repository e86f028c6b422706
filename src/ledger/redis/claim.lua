-- KEYS  1 tail  2 remaining
-- ARGV  1 the owner that takes the partition
-- Names the new owner in the tail and leaves the position as it is: the owner before is shut out from here on, however fast it
-- appends. Replies the position, or nil where there is none.
local tail = redis.call('GET', KEYS[1])
local id = tail and string.match(tail, '^(%d+%-%d+) ')
if not id then
  return false
end
-- A first write that is allowed above the memory limit lets the next one pass as well.
redis.call('HDEL', KEYS[2], '')
redis.call('SET', KEYS[1], id .. ' ' .. ARGV[1])
return id
