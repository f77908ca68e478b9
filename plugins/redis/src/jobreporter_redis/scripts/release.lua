-- Gives a lease up. KEYS: ledger. ARGV: owner, fence.
local held = redis.call('HMGET', KEYS[1], 'fence', 'owner')
if held[1] == ARGV[2] and held[2] == ARGV[1] then redis.call('HDEL', KEYS[1], 'owner', 'deadline') end
