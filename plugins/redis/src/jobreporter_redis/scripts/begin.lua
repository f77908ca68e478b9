-- Forgets a reporter, or has it begin anew. See jobreporter.streams.Stream.forget and rewind.
--
-- KEYS: reporters, heads, dead letters, then the entries of each partition, then its ledger in each partition.
-- ARGV: partitions, name, longest lease (milliseconds), "forget" or the milliseconds of the first entry ("0": the oldest).
-- Returns 1, or 0 while a lease of it is held, or nothing if it is not known.
local partitions = tonumber(ARGV[1])
if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 0 then return false end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for partition = 0, partitions - 1 do
  local held = redis.call('HMGET', KEYS[4 + partitions + partition], 'owner', 'deadline')
  local deadline = tonumber(held[2] or 0)
  if held[1] and now < deadline and deadline <= now + ARGV[3] then return 0 end
end
-- A key of another type is an error here, before anything is written.
redis.call('HLEN', KEYS[2])
for partition = 0, partitions - 1 do redis.call('XLEN', KEYS[4 + partition]) end
redis.call('HDEL', KEYS[1], '') -- after a first write, memory that is full refuses nothing

-- The first entry that was stored then or later, by halves: later entries have higher offsets.
local function first_since(entries, head, since)
  local low, high = 0, head
  while low < high do
    local middle = math.floor((low + high) / 2)
    local found = redis.call('XRANGE', entries, string.format('%.0f', middle), '+', 'COUNT', 1)
    if not found[1] then
      high = middle
    else
      local offset, at = string.match(found[1][1], '^(%d+)-(%d+)$')
      if tonumber(at) >= since then
        high = middle
      else
        low = tonumber(offset) + 1
      end
    end
  end
  local found = redis.call('XRANGE', entries, string.format('%.0f', low), '+', 'COUNT', 1)
  return found[1] and string.match(found[1][1], '^%d+') or string.format('%.0f', head)
end

for partition = 0, partitions - 1 do
  local ledger = KEYS[4 + partitions + partition]
  redis.call('HDEL', ledger, 'owner', 'deadline', 'start', 'position', 'handled', 'dead', 'filtered', 'expired', 'unknown',
    'life')
  redis.call('HINCRBY', ledger, 'fence', 1) -- who still has a window of before can't settle it
  if ARGV[4] ~= 'forget' then
    local head, _, life = standing(KEYS[2], KEYS[4 + partition], partition)
    local position = first_since(KEYS[4 + partition], head, tonumber(ARGV[4]))
    redis.call('HSET', ledger, 'start', position, 'position', position, 'life', life)
  end
end
if ARGV[4] == 'forget' then
  redis.call('HDEL', KEYS[1], ARGV[2])
  redis.call('DEL', KEYS[3])
end
return 1
