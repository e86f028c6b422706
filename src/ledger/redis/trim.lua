-- KEYS  1 log
-- ARGV  1 the id of the first entry that its owner still wants
-- Removes the entries before it, but none that a consumer group has not been given or has not acknowledged.
-- One step, because a group that registers between a look and the trimming was promised what it then found.
local function comes_before(a, b)
  -- As text, because a number of Lua has 53 bits.
  local a_epoch, a_sequence = string.match(a, '^(%d+)-(%d+)$')
  local b_epoch, b_sequence = string.match(b, '^(%d+)-(%d+)$')
  if a_epoch == b_epoch then
    a_epoch, b_epoch = a_sequence, b_sequence
  end
  if #a_epoch ~= #b_epoch then
    return #a_epoch < #b_epoch
  end
  return a_epoch < b_epoch
end
local first = ARGV[1]
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local of = {}
  for at = 1, #group, 2 do
    of[group[at]] = group[at + 1]
  end
  -- What was given last stays, too: one entry more than needed, and one question less.
  local wanted = of['last-delivered-id']
  if of['pending'] > 0 then
    wanted = redis.call('XPENDING', KEYS[1], of['name'])[2]
  end
  if comes_before(wanted, first) then
    first = wanted
  end
end
return redis.call('XTRIM', KEYS[1], 'MINID', '=', first)
