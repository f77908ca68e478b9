-- Reads a run of entries. See jobreporter.streams.Stream.read.
--
-- KEYS: heads, entries of the partition. ARGV: partition, position, most bytes, the life that the position is of ("" if that
-- is not known). Returns the head, then for each entry: id, events, data. In another life there is no such place: -1.
local head = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
local life = redis.call('HGET', KEYS[1], ARGV[1] .. 'l')
if life and ARGV[4] ~= '' and life ~= ARGV[4] then return {'-1'} end
local position, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local found = {string.format('%.0f', head)}
if position >= head then return found end
-- The entry that holds the position; where that is gone, the oldest.
local from = '-'
local holds = redis.call('XREVRANGE', KEYS[2], string.format('%.0f', position), '-', 'COUNT', 1)
if holds[1] then from = holds[1][1] end
local size, count, nth = 0, 0, 16
while true do
  local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', nth)
  for _, entry in ipairs(entries) do
    local fields = entry[2]
    size = size + #fields[4]
    if count > 0 and size > most then return found end
    count = count + 1
    found[#found + 1] = entry[1]
    found[#found + 1] = fields[2]
    found[#found + 1] = fields[4]
  end
  if #entries < nth then return found end
  from = '(' .. entries[#entries][1]
end
