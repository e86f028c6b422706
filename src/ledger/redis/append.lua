-- KEYS  1 tail  2 log  3 remaining
-- ARGV  1 the tail that is expected ('' where there is none)  2 the new tail  3 the entry's id  4 its owner  5 the batch
--       6.. fields and values of remaining
-- Replies {0, tail} taken, {1, tail} was in already, {2, tail} another tail, or the server's refusal.
-- Nothing is written before everything has been compared, and the entry goes first: no refusal leaves half a batch.
-- Every command until the entry is in is called so that its refusal comes out as it is: an error that is raised may
-- stand for one behind the entry, which nobody could tell.
local function refused(reply)
  return type(reply) == 'table' and reply.err
end
local tail = redis.pcall('GET', KEYS[1])
if refused(tail) then
  return tail
end
tail = tail or ''
if tail == ARGV[2] then
  -- A write, because WAIT counts the replicas that have this connection's last one.
  local set = redis.pcall('SET', KEYS[1], tail)
  if refused(set) then
    return set
  end
  return {1, tail}
end
if tail ~= ARGV[1] then
  return {2, tail}
end
local added = redis.pcall('XADD', KEYS[2], ARGV[3], 'b', ARGV[5], 'o', ARGV[4])
if refused(added) then
  return added
end
redis.call('SET', KEYS[1], ARGV[2])
for at = 6, #ARGV, 1000 do
  redis.call('HSET', KEYS[3], unpack(ARGV, at, math.min(at + 999, #ARGV)))
end
return {0, ARGV[2]}
