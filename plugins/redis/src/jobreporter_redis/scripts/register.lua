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

-- A server that throws keys away, against the manual, leaves parts of a stream. What is missing is made to fit the rest.
local heads, oldest = {}, {}
for partition = 0, partitions - 1 do
  local entries = KEYS[3 + partition]
  local head = redis.call('HGET', KEYS[2], partition)
  if not head then
    local last = redis.call('XREVRANGE', entries, '+', '-', 'COUNT', 1)[1]
    if last then
      head = string.format('%.0f', string.match(last[1], '^%d+') + last[2][2])
      redis.call('HSET', KEYS[2], partition, head, partition .. 'b', last[2][6])
    else
      head = '0'
      redis.call('DEL', entries) -- an empty one remembers its last offset, and takes none before that
    end
  end
  local entry = redis.call('XRANGE', entries, '-', '+', 'COUNT', 1)[1]
  heads[partition], oldest[partition] = tonumber(head), tonumber(entry and string.match(entry[1], '^%d+') or head)
end

local function begin(ledger, at)
  redis.call('HDEL', ledger, 'handled', 'dead', 'filtered', 'expired', 'unknown')
  redis.call('HSET', ledger, 'start', string.format('%.0f', at), 'position', string.format('%.0f', at))
end

-- The counts stay. What is gone has expired; where offsets begin anew, it begins with what is there.
local function move(ledger, field, from, to)
  redis.call('HINCRBY', ledger, field, string.format('%.0f', to - from))
  redis.call('HSET', ledger, 'position', string.format('%.0f', to))
end

for n = 2, #ARGV, 2 do
  local name, start = ARGV[n], ARGV[n + 1]
  local known = redis.call('HEXISTS', KEYS[1], name) == 1
  for partition = 0, partitions - 1 do
    local ledger = KEYS[3 + partitions + (n / 2 - 1) * partitions + partition]
    local position = redis.call('HGET', ledger, 'position')
    position = position and tonumber(position)
    if not position then
      begin(ledger, (first or known or start == 'oldest') and oldest[partition] or heads[partition])
    elseif position < oldest[partition] then
      move(ledger, 'expired', position, oldest[partition])
    elseif position > heads[partition] then
      move(ledger, 'start', position, oldest[partition])
    end
  end
  redis.call('HSET', KEYS[1], name, now)
end
