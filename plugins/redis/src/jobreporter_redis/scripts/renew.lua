-- Keeps leases. See jobreporter.streams.Stream.renew.
--
-- KEYS: reporters, then the ledger of each lease. ARGV: milliseconds, then for each lease: reporter, owner, fence.
-- Returns 1 or 0 for each.
redis.call('HDEL', KEYS[1], '') -- after a first write, memory that is full refuses nothing
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answers = {}
for n = 2, #KEYS do
  local at = 3 * n - 4
  local held = redis.call('HMGET', KEYS[n], 'fence', 'owner')
  answers[n - 1] = 0
  if held[1] == ARGV[at + 2] and held[2] == ARGV[at + 1] then
    redis.call('HSET', KEYS[n], 'deadline', string.format('%.0f', now + ARGV[1]))
    if string.sub(ARGV[at], 1, 1) == '.' then redis.call('PEXPIRE', KEYS[n], 60 * ARGV[1]) end -- see acquire
    answers[n - 1] = 1
  end
  if redis.call('HEXISTS', KEYS[1], ARGV[at]) == 1 then
    redis.call('HSET', KEYS[1], ARGV[at], string.format('%.0f', now))
  end
end
return answers
