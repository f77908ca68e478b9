-- Stores batches of one producer. See jobreporter.streams.Stream.append.
--
-- KEYS: heads, open executions, lost executions, beats, this producer's numbers, then the entries of each batch's partition.
-- ARGV: producer, beat ("" for none), milliseconds that numbers are kept; then for each batch: partition, first, last,
-- events, data, and three lists, each after its length: begun, open (id, data), ended.
-- Returns for each batch: status, last, rolled_back, lost executions ...
local heads, opened, lost, beats, numbers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local producer, beat, kept = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local at = 3

local function take()
  at = at + 1
  return ARGV[at]
end

local function take_list(width)
  local list = {}
  for n = 1, tonumber(take()) * width do list[n] = take() end
  return list
end

-- As many arguments as Lua can unpack.
local function chunks(list, width, each)
  for start = 1, #list, 1000 * width do
    each(unpack(list, start, math.min(start + 1000 * width - 1, #list)))
  end
end

-- A key of another type is an error here, before anything is written.
for _, key in ipairs({heads, opened, beats, numbers}) do redis.call('HLEN', key) end
redis.call('ZCARD', lost)
for n = 6, #KEYS do redis.call('XLEN', KEYS[n]) end

local answers, stored = {}, {}
for n = 6, #KEYS do
  local batch = {
    key = KEYS[n], partition = take(), first = tonumber(take()), last = tonumber(take()), events = tonumber(take()),
    data = take(), begun = take_list(1), open = take_list(2), ended = take_list(1),
  }
  local last = tonumber(redis.call('HGET', numbers, batch.partition) or 0)
  local answer = {'stored', batch.last, batch.first - last - 1}
  if batch.last <= last then
    answer = {'known', last, 0}
  elseif batch.first <= last then
    answer = {'partly_known', last, 0}
  else
    for _, execution in ipairs(batch.ended) do
      if redis.call('ZSCORE', lost, execution) then
        if answer[1] == 'stored' then answer = {'lost', last, 0} end
        answer[#answer + 1] = execution
      end
    end
  end
  if answer[1] == 'stored' then stored[#stored + 1] = batch end
  answers[#answers + 1] = answer
end

-- The entries first: where memory is full, the first write is refused, and with it all of the call.
for _, batch in ipairs(stored) do
  if batch.events > 0 then
    local offset, through = standing(heads, batch.key, batch.partition)
    through = through + #batch.data
    local id = string.format('%.0f-%s', offset, now)
    redis.call('XADD', batch.key, id, 'n', batch.events, 'd', batch.data, 't', string.format('%.0f', through))
    redis.call('HSET', heads, batch.partition, string.format('%.0f', offset + batch.events),
      batch.partition .. 'b', string.format('%.0f', through))
  end
end
if #stored == 0 then redis.call('HDEL', beats, '') end -- after this, memory that is full refuses nothing
for _, batch in ipairs(stored) do
  redis.call('HSET', numbers, batch.partition, string.format('%.0f', batch.last))
  chunks(batch.begun, 1, function(...) redis.call('ZREM', lost, ...) end)
  -- One that began and ended in this batch may be open from an earlier beginning, whose ending was lost.
  chunks(batch.begun, 1, function(...) redis.call('HDEL', opened, ...) end)
  chunks(batch.ended, 1, function(...) redis.call('HDEL', opened, ...) end)
  for n = 1, #batch.open, 2 do
    batch.open[n + 1] = #producer .. ':' .. producer .. batch.partition .. ':' .. batch.open[n + 1]
  end
  chunks(batch.open, 2, function(...) redis.call('HSET', opened, ...) end)
end
if beat ~= '' then
  local before = redis.call('HGET', beats, producer)
  local counter = before and tonumber(string.match(before, '^%d+')) or 0
  redis.call('HSET', beats, producer, (counter + 1) .. ' ' .. now .. ' ' .. string.sub(beat, 2))
end
redis.call('PEXPIRE', numbers, kept)
return answers
