-- Moves a reporter's position. See jobreporter.streams.Stream.settle.
--
-- KEYS: ledger, entries of the partition, dead letters of the reporter, heads. ARGV: owner, fence, begin, end, key of the
-- last entry, handled, filtered, unknown, dead, how many letters are kept and how many bytes of them, the partition, then
-- for each letter: time, letter.
local held = redis.call('HMGET', KEYS[1], 'fence', 'owner', 'position')
if held[1] ~= ARGV[2] or held[2] ~= ARGV[1] then return 'fenced' end
if held[3] ~= ARGV[3] then return 'moved' end
if is_of_another(KEYS[1], redis.call('HGET', KEYS[4], ARGV[12] .. 'l') or '') then return 'gone' end
local last = redis.call('XREVRANGE', KEYS[2], string.format('%.0f', ARGV[4] - 1), '-', 'COUNT', 1)
if not last[1] or last[1][1] ~= ARGV[5] then return 'gone' end
if string.match(last[1][1], '^%d+') + last[1][2][2] < tonumber(ARGV[4]) then return 'gone' end
redis.call('ZCARD', KEYS[3]) -- a key of another type is an error here, before anything is written
redis.call('HDEL', KEYS[1], '') -- after a first write, memory that is full refuses nothing
redis.call('HSET', KEYS[1], 'position', ARGV[4])
for n, name in ipairs({'handled', 'filtered', 'unknown', 'dead'}) do
  if ARGV[5 + n] ~= '0' then redis.call('HINCRBY', KEYS[1], name, ARGV[5 + n]) end
end
for n = 13, #ARGV, 2 do redis.call('ZADD', KEYS[3], ARGV[n], ARGV[n + 1]) end
if #ARGV > 12 then
  -- How large they are, the newest tell: to look at each of thousands would take too long.
  local newest, bytes = redis.call('ZREVRANGE', KEYS[3], 0, 99), 0
  for _, letter in ipairs(newest) do bytes = bytes + #letter end
  local most = math.min(ARGV[10], math.max(1, math.floor(ARGV[11] * #newest / bytes)))
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - most)
end
return 'settled'
