-- Makes reporters known. See jobreporter.streams.Stream.register.
--
-- KEYS: reporters, heads, then the entries of each partition, then for each reporter its ledger in each partition.
-- ARGV: partitions, then for each reporter: name, "now" or "oldest".
local partitions = tonumber(ARGV[1])
-- A key of another type is an error here, before anything is written.
redis.call('HLEN', KEYS[2])
for n = 3, #KEYS do redis.call(n < 3 + partitions and 'XLEN' or 'HLEN', KEYS[n]) end
redis.call('HDEL', KEYS[1], '') -- after a first write, memory that is full refuses nothing
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local first = redis.call('HLEN', KEYS[1]) == 0
for n = 2, #ARGV, 2 do
  local name, start = ARGV[n], ARGV[n + 1]
  if redis.call('HEXISTS', KEYS[1], name) == 0 then
    for partition = 0, partitions - 1 do
      local position = redis.call('HGET', KEYS[2], partition) or '0'
      if first or start == 'oldest' then
        local oldest = redis.call('XRANGE', KEYS[3 + partition], '-', '+', 'COUNT', 1)
        if oldest[1] then position = string.match(oldest[1][1], '^%d+') end
      end
      local ledger = KEYS[3 + partitions + (n / 2 - 1) * partitions + partition]
      redis.call('HDEL', ledger, 'handled', 'dead', 'filtered', 'expired', 'unknown')
      redis.call('HSET', ledger, 'start', position, 'position', position)
    end
  end
  redis.call('HSET', KEYS[1], name, now)
end
