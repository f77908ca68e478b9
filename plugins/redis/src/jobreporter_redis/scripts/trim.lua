-- Removes entries. See jobreporter.streams.Stream.trim.
--
-- KEYS: reporters, heads, lost executions, beats, what the stream is, then the entries of each partition, then for each
-- reporter its ledger in each partition. ARGV: partitions, most entries, max_age, max_bytes, forget_after (milliseconds), the
-- machine of who asks and its own time, which nobody sets (milliseconds), names of reporters.
-- Returns the entries removed, 1 if there is more to remove, then name and expired events of reporters that were behind.
local partitions, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local max_age, max_bytes, forget_after = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function ledger(reporter, partition)
  return KEYS[6 + partitions + reporter * partitions + partition]
end

-- A key of another type is an error here, before anything is written.
for n = 1, #KEYS do
  if n == 3 then
    redis.call('ZCARD', KEYS[n])
  else
    redis.call(n > 5 and n < 6 + partitions and 'XLEN' or 'HLEN', KEYS[n])
  end
end
redis.call('HDEL', KEYS[1], '') -- after a first write, memory that is full refuses nothing

-- Where this server's clock was set forward, what was stored before seems older than it is: nothing goes by its age. The
-- machine of who asks tells, as far as one of it has asked before, and it is noted, since whoever saw it may have ended.
local function was_advanced(within)
  local noted = redis.call('HMGET', KEYS[5], 'machine', 'ahead', 'advanced_at')
  local ahead, advanced_at = now - ARGV[7], noted[3] and tonumber(noted[3])
  local set_by = ARGV[6] ~= '' and noted[1] == ARGV[6] and ahead - noted[2] or 0
  if set_by > 60000 then
    advanced_at = now
  elseif set_by < -60000 and advanced_at then
    advanced_at = advanced_at + set_by -- it is as long ago as before
  end
  redis.call('HSET', KEYS[5], 'machine', ARGV[6], 'ahead', string.format('%.0f', ahead))
  if advanced_at then redis.call('HSET', KEYS[5], 'advanced_at', string.format('%.0f', advanced_at)) end
  return advanced_at and now - advanced_at <= within
end
if was_advanced(math.max(max_age, forget_after)) then max_age, forget_after = math.huge, math.huge end

for partition = 0, partitions - 1 do
  local head, _, life = standing(KEYS[2], KEYS[6 + partition], partition)
  for reporter = 0, #ARGV - 8 do
    local key = ledger(reporter, partition)
    if is_of_another(key, life) then move_over(key, life, oldest_of(KEYS[6 + partition], head)) end
  end
end

local low = {}
for reporter = 0, #ARGV - 8 do
  local seen = tonumber(redis.call('HGET', KEYS[1], ARGV[8 + reporter]) or 0)
  if seen >= now - forget_after then
    for partition = 0, partitions - 1 do
      local position = tonumber(redis.call('HGET', ledger(reporter, partition), 'position') or 0)
      if not low[partition] or position < low[partition] then low[partition] = position end
    end
  end
end

local function next_of(partition, from)
  local found = redis.call('XRANGE', KEYS[6 + partition], from, '+', 'COUNT', 1)
  if not found[1] then return nil end
  local id, fields = found[1][1], found[1][2]
  local offset, at = string.match(id, '^(%d+)-(%d+)$')
  return {id = id, at = tonumber(at), finish = tonumber(offset) + fields[2], size = #fields[4], through = tonumber(fields[6])}
end

local oldest, held, cut = {}, 0, {}
for partition = 0, partitions - 1 do
  oldest[partition] = next_of(partition, '-')
  if oldest[partition] then
    local through = tonumber(redis.call('HGET', KEYS[2], partition .. 'b') or 0)
    held = held + through - (oldest[partition].through - oldest[partition].size)
  end
end

local function next_to_go()
  local chosen = nil
  for partition = 0, partitions - 1 do
    local entry = oldest[partition]
    if entry and (entry.finish <= (low[partition] or 0) or held > max_bytes or entry.at < now - max_age)
      and (not chosen or entry.at < oldest[chosen].at) then
      chosen = partition
    end
  end
  return chosen
end

local removed = 0
local goes = next_to_go()
while goes and removed < most do
  local entry = oldest[goes]
  removed = removed + 1
  held = held - entry.size
  cut[goes] = entry.finish
  oldest[goes] = next_of(goes, '(' .. entry.id)
  goes = next_to_go()
end

-- By offset, and not by length: that would remove what nobody has settled, and tell nobody.
for partition, finish in pairs(cut) do
  redis.call('XTRIM', KEYS[6 + partition], 'MINID', '=', string.format('%.0f-0', finish))
end

local answer = {removed, goes and 1 or 0}
for reporter = 0, #ARGV - 8 do
  local expired = 0
  for partition, finish in pairs(cut) do
    local key = ledger(reporter, partition)
    local position = tonumber(redis.call('HGET', key, 'position') or finish)
    if position < finish then
      expired = expired + finish - position
      redis.call('HINCRBY', key, 'expired', finish - position)
      redis.call('HSET', key, 'position', string.format('%.0f', finish))
    end
  end
  if expired > 0 then
    answer[#answer + 1] = ARGV[8 + reporter]
    answer[#answer + 1] = expired
  end
end

redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. string.format('%.0f', now - forget_after))
local beats = redis.call('HGETALL', KEYS[4])
for n = 1, #beats, 2 do
  if tonumber(string.match(beats[n + 1], '^%d+ (%d+)')) < now - forget_after then redis.call('HDEL', KEYS[4], beats[n]) end
end
return answer
