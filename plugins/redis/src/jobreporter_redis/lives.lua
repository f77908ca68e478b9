-- What scripts share: the lives of a partition's offsets.
--
-- A server that throws keys away, against the manual, may lose a partition's head, with its entries or without them. What
-- is missing is made to fit the rest, and its offsets begin a new life: a position that was noted in another one is not a
-- place in this one, whether there are as many offsets by now or not. A life's name is beside the head, and in each ledger.

-- The head of a partition, the bytes up to it, and the name of its life.
local function standing(heads, entries, partition)
  local found = redis.call('HMGET', heads, partition, partition .. 'b', partition .. 'l')
  if found[1] then return tonumber(found[1]), tonumber(found[2] or 0), found[3] or '' end
  local head, through = 0, 0
  local last = redis.call('XREVRANGE', entries, '+', '-', 'COUNT', 1)[1]
  if last then head, through = string.match(last[1], '^%d+') + last[2][2], tonumber(last[2][6]) end
  local time = redis.call('TIME')
  local life = time[1] .. string.format('%06d', time[2])
  redis.call('HSET', heads, partition, string.format('%.0f', head), partition .. 'b', string.format('%.0f', through),
    partition .. 'l', life)
  if not last then redis.call('DEL', entries) end -- an empty one remembers its last offset, and takes none before that
  return head, through, life
end

-- The offset of the oldest entry; where there is none, the head.
local function oldest_of(entries, head)
  local entry = redis.call('XRANGE', entries, '-', '+', 'COUNT', 1)[1]
  return entry and tonumber(string.match(entry[1], '^%d+')) or head
end

-- Whether a reporter's position is one in another life.
local function is_of_another(ledger, life)
  local noted = redis.call('HMGET', ledger, 'position', 'life')
  return noted[1] and (noted[2] or '') ~= life
end

-- Has a reporter go on at an offset of this life. Its counts stay.
local function move_over(ledger, life, to)
  local position = redis.call('HGET', ledger, 'position')
  redis.call('HINCRBY', ledger, 'start', string.format('%.0f', to - position))
  redis.call('HSET', ledger, 'position', string.format('%.0f', to), 'life', life)
end
