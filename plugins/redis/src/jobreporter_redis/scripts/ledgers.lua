-- All ledgers at one moment. KEYS: reporters, heads, then the entries of each partition, then for each reporter its
-- ledger in each partition. ARGV: partitions, then names. Returns for each: name, partition, head, seen, milliseconds of
-- the oldest entry that waits ("" if none does), start, position, handled, dead, filtered, expired, unknown.
local partitions = tonumber(ARGV[1])
local answer = {}
for n = 2, #ARGV do
  for partition = 0, partitions - 1 do
    local key = KEYS[3 + partitions + (n - 2) * partitions + partition]
    local counts = redis.call('HMGET', key, 'start', 'position', 'handled', 'dead', 'filtered', 'expired', 'unknown')
    if counts[1] then
      local head = redis.call('HGET', KEYS[2], partition) or '0'
      if is_of_another(key, redis.call('HGET', KEYS[2], partition .. 'l') or '') then -- the next trim moves it
        local to = oldest_of(KEYS[3 + partition], tonumber(head))
        counts[1], counts[2] = string.format('%.0f', counts[1] + to - counts[2]), string.format('%.0f', to)
      end
      local oldest = ''
      if tonumber(counts[2]) < tonumber(head) then
        local entry = redis.call('XREVRANGE', KEYS[3 + partition], counts[2], '-', 'COUNT', 1)
        if entry[1] then oldest = string.match(entry[1][1], '%d+$') end
      end
      local row = {ARGV[n], partition, head, redis.call('HGET', KEYS[1], ARGV[n]) or '0', oldest}
      for c = 1, 7 do row[5 + c] = counts[c] or '0' end
      answer[#answer + 1] = row
    end
  end
end
return answer
