-- Notes a sign of life. See jobreporter.streams.Stream.beat.
--
-- KEYS: beats, the process's numbers. ARGV: process, data, milliseconds that numbers are kept.
redis.call('HDEL', KEYS[1], '') -- after a first write, memory that is full refuses nothing
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local before = redis.call('HGET', KEYS[1], ARGV[1])
local counter = before and tonumber(string.match(before, '^%d+')) or 0
redis.call('HSET', KEYS[1], ARGV[1], (counter + 1) .. ' ' .. now .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
