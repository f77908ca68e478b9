-- Ends an execution whose producer is dead. See jobreporter.streams.Stream.lose.
--
-- KEYS: heads, open executions, lost executions, entries of the partition.
-- ARGV: execution, producer, partition, events, data. Returns 1 if it was ended, 0 if it is not open or somebody else's.
local heads, opened, lost, entries = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local execution, producer, partition = ARGV[1], ARGV[2], ARGV[3]
local found = redis.call('HGET', opened, execution)
local mine = #producer .. ':' .. producer .. partition .. ':'
if not found or string.sub(found, 1, #mine) ~= mine then return 0 end
redis.call('ZCARD', lost) -- a key of another type is an error here, before anything is written
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local offset, through = standing(heads, entries, partition)
through = through + #ARGV[5]
redis.call('XADD', entries, string.format('%.0f-%s', offset, now), 'n', ARGV[4], 'd', ARGV[5], 't',
  string.format('%.0f', through))
redis.call('HSET', heads, partition, string.format('%.0f', offset + ARGV[4]), partition .. 'b',
  string.format('%.0f', through))
redis.call('HDEL', opened, execution)
redis.call('ZADD', lost, now, execution)
return 1
