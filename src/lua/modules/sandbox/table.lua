-- table.insert, remove, move, sort and concat, written in Lua.
--
-- In C they loop as often as #t or their arguments say, and a metamethod or a table with well-placed holes makes that a
-- number no machine counts to, where no hook runs. Here every turn is an instruction the hook sees. Results and messages
-- are Lua's own; sort is a merge sort, so it is stable, survives an inconsistent order, and leaves the table as it was
-- when a comparison fails.

local table, type, error, pcall, select, getmetatable = table, type, error, pcall, select, getmetatable
local tointeger, math_type = math.tointeger, math.type
local raw_concat, gsub, max_integer = table.concat, string.gsub, math.maxinteger

local function check_table(t, name)
  if type(t) ~= "table" then
    error("bad argument #1 to '" .. name .. "' (table expected, got " .. (t == nil and "no value" or type(t)) .. ")", 3)
  end
end

local function check_integer(value, position, name)
  local integer = tointeger(value)
  if integer == nil then
    local problem = type(value) == "number" and "number has no integer representation"
      or "number expected, got " .. (value == nil and "no value" or type(value))
    error("bad argument #" .. position .. " to '" .. name .. "' (" .. problem .. ")", 3)
  end
  return integer
end

local function length(t)
  local n = #t
  if math_type(n) ~= "integer" then
    error("object length is not an integer", 3)
  end
  return n
end

function table.insert(t, ...)
  check_table(t, "insert")
  local n = length(t)
  local count = select("#", ...)
  if count == 1 then
    t[n + 1] = (...)
    return
  end
  if count ~= 2 then
    error("wrong number of arguments to 'insert'", 2)
  end
  local position, value = ...
  position = check_integer(position, 2, "insert")
  if position < 1 or position > n + 1 then
    error("bad argument #2 to 'insert' (position out of bounds)", 2)
  end
  for i = n, position, -1 do
    t[i + 1] = t[i]
  end
  t[position] = value
end

function table.remove(t, position)
  check_table(t, "remove")
  local n = length(t)
  if position == nil then
    position = n
  else
    position = check_integer(position, 2, "remove")
    if position ~= n and (position < 1 or position > n + 1) then
      error("bad argument #2 to 'remove' (position out of bounds)", 2)
    end
  end
  local value = t[position]
  while position < n do
    t[position] = t[position + 1]
    position = position + 1
  end
  t[position] = nil
  return value
end

function table.move(from, first, last, at, to)
  first, last, at = check_integer(first, 2, "move"), check_integer(last, 3, "move"), check_integer(at, 4, "move")
  check_table(from, "move")
  if to == nil then
    to = from
  elseif type(to) ~= "table" then
    error("bad argument #5 to 'move' (table expected, got " .. type(to) .. ")", 2)
  end
  if last < first then
    return to
  end
  if not (first > 0 or last < max_integer + first) then
    error("bad argument #3 to 'move' (too many elements to move)", 2)
  end
  if at > max_integer - (last - first + 1) + 1 then
    error("bad argument #4 to 'move' (destination wrap around)", 2)
  end
  if at > last or at <= first or to ~= from then
    for i = 0, last - first do
      to[at + i] = from[first + i]
    end
  else
    for i = last - first, 0, -1 do
      to[at + i] = from[first + i]
    end
  end
  return to
end

function table.concat(t, separator, first, last)
  check_table(t, "concat")
  if getmetatable(t) ~= nil then
    first = first == nil and 1 or check_integer(first, 3, "concat")
    last = last == nil and length(t) or check_integer(last, 4, "concat")
    local plain = {}
    for i = first, last do
      local value = t[i]
      if type(value) ~= "string" and type(value) ~= "number" then
        error("invalid value (" .. type(value) .. ") at index " .. i .. " in table for 'concat'", 2)
      end
      plain[i - first + 1] = value
    end
    t, first, last = plain, 1, last - first + 1
  end
  -- A plain table stops it at the first hole, so it runs no longer than the table is large.
  local done, text = pcall(raw_concat, t, separator, first, last)
  if not done then
    error(text, 2)
  end
  return text
end

local RUN = 8

local function less_than(a, b)
  return a < b
end

-- Sorts the list of n values; returns a sorted list, which may be another.
local function merge_sort(list, n, less)
  for start = 1, n, RUN do
    local stop = start + RUN - 1
    if stop > n then
      stop = n
    end
    for i = start + 1, stop do
      local value, j = list[i], i - 1
      while j >= start and less(value, list[j]) do
        list[j + 1] = list[j]
        j = j - 1
      end
      list[j + 1] = value
    end
  end
  local other, width = {}, RUN
  while width < n do
    for start = 1, n, 2 * width do
      local middle, stop = start + width, start + 2 * width
      if middle > n + 1 then
        middle = n + 1
      end
      if stop > n + 1 then
        stop = n + 1
      end
      local i, j = start, middle
      for k = start, stop - 1 do
        if i < middle and (j >= stop or not less(list[j], list[i])) then
          other[k] = list[i]
          i = i + 1
        else
          other[k] = list[j]
          j = j + 1
        end
      end
    end
    list, other, width = other, list, 2 * width
  end
  return list
end

function table.sort(t, less)
  check_table(t, "sort")
  local n = length(t)
  if n < 2 then
    return
  end
  if less ~= nil and type(less) ~= "function" then
    error("bad argument #2 to 'sort' (function expected, got " .. type(less) .. ")", 2)
  end
  local list = {}
  for i = 1, n do
    list[i] = t[i]
  end
  if less ~= nil then
    list = merge_sort(list, n, less)
  else
    local done, sorted = pcall(merge_sort, list, n, less_than)
    if not done then
      error(type(sorted) == "string" and gsub(sorted, "^[^:]*:%d+: ", "") or sorted, 2)
    end
    list = sorted
  end
  for i = 1, n do
    t[i] = list[i]
  end
end
