-- Gets a lease. See jobreporter.streams.Stream.acquire.
--
-- KEYS: ledger, which holds the lease, heads. ARGV: owner, milliseconds, 1 for a task, which has no position, the longest
-- that a lease can be, and the partition. Returns nothing for a reporter that is unknown in this life of the partition, 0
-- while somebody else has it, or fence, position and life.
local position = redis.call('HGET', KEYS[1], 'position') or (ARGV[3] == '1' and '0')
if not position then return false end
local life = redis.call('HGET', KEYS[2], ARGV[5] .. 'l') or ''
if ARGV[3] ~= '1' and is_of_another(KEYS[1], life) then return false end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'fence', 'owner', 'deadline')
local fence, owner, deadline = tonumber(held[1] or 0), held[2], tonumber(held[3] or 0)
-- A deadline that is further away than a lease can be was set by a clock that has been set back since.
if owner and owner ~= ARGV[1] and now < deadline and deadline <= now + ARGV[4] then return 0 end
if owner ~= ARGV[1] then fence = fence + 1 end
redis.call('HDEL', KEYS[1], '') -- after a first write, memory that is full refuses nothing
redis.call('HSET', KEYS[1], 'fence', fence, 'owner', ARGV[1], 'deadline', string.format('%.0f', now + ARGV[2]))
-- Some tasks are those of one machine, which may be gone for good.
if ARGV[3] == '1' then redis.call('PEXPIRE', KEYS[1], 60 * ARGV[2]) end
return {fence, position, life}
