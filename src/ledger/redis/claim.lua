-- KEYS  1 tail  2 remaining
-- ARGV  1 the owner that takes the partition
-- Names the new owner in the tail, behind whoever appended its batch and in the place of one that claimed it before: the owner
-- before is shut out from here on, however fast it appends. Replies the tail as it is then, or nil where there is none.
local tail = redis.call('GET', KEYS[1])
local owner = string.rep('%x', 16)
local appended = tail
  and (string.match(tail, '^(%d+%-%d+ ' .. owner .. ')$') or string.match(tail, '^(%d+%-%d+ ' .. owner .. ') ' .. owner .. '$'))
if not appended then
  return false
end
-- A first write that is allowed above the memory limit lets the next one pass as well.
redis.call('HDEL', KEYS[2], '')
local claimed = appended .. ' ' .. ARGV[1]
redis.call('SET', KEYS[1], claimed)
return claimed
