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

local heads, oldest, lives = {}, {}, {}
for partition = 0, partitions - 1 do
  local entries = KEYS[3 + partition]
  local head, _, life = standing(KEYS[2], entries, partition)
  heads[partition], lives[partition] = head, life
  oldest[partition] = oldest_of(entries, head)
end

local function begin(ledger, at, life)
  at = string.format('%.0f', at)
  redis.call('HDEL', ledger, 'handled', 'dead', 'filtered', 'expired', 'unknown')
  redis.call('HSET', ledger, 'start', at, 'position', at, 'life', life)
end

for n = 2, #ARGV, 2 do
  local name, start = ARGV[n], ARGV[n + 1]
  local known = redis.call('HEXISTS', KEYS[1], name) == 1
  for partition = 0, partitions - 1 do
    local ledger = KEYS[3 + partitions + (n / 2 - 1) * partitions + partition]
    local position = redis.call('HGET', ledger, 'position')
    position = position and tonumber(position)
    if not position then
      local at = (first or known or start == 'oldest') and oldest[partition] or heads[partition]
      begin(ledger, at, lives[partition])
    elseif is_of_another(ledger, lives[partition]) then
      move_over(ledger, lives[partition], oldest[partition])
    elseif position < oldest[partition] then
      redis.call('HINCRBY', ledger, 'expired', string.format('%.0f', oldest[partition] - position))
      redis.call('HSET', ledger, 'position', string.format('%.0f', oldest[partition]))
    end
  end
  redis.call('HSET', KEYS[1], name, now)
end
