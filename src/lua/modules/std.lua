-- std: small pure helpers for authoring scripts. Conventionally `local std = require "std"`.
--
-- Owns: what Lua's own library lacks for text, lists and JSON-shaped data. No function changes its arguments.
-- Lists are tables with the keys 1..n; functions that walk a list stop at the first nil. Agents' chunks have no `require`
-- and so no std.

local std = {}

local function check(name, position, value, expected)
  if type(value) ~= expected then
    error(("std.%s: argument %d must be a %s, not a %s"):format(name, position, expected, type(value)), 3)
  end
end

-- Text --------------------------------------------------------------------------------------------------------------

--- `text` without white space at both ends.
function std.trim(text)
  check("trim", 1, text, "string")
  local first = text:find("%S")
  if not first then
    return ""
  end
  local last = #text
  while text:find("^%s", last) do
    last = last - 1
  end
  return text:sub(first, last)
end

--- The parts of `text` between occurrences of the plain text `separator`, empty ones included.
function std.split(text, separator)
  check("split", 1, text, "string")
  check("split", 2, separator, "string")
  if separator == "" then
    error("std.split: the separator must not be empty", 2)
  end
  local parts, from = {}, 1
  while true do
    local first, last = text:find(separator, from, true)
    if not first then
      parts[#parts + 1] = text:sub(from)
      return parts
    end
    parts[#parts + 1] = text:sub(from, first - 1)
    from = last + 1
  end
end

--- The lines of `text` without their ends (LF or CRLF). A last line without an end counts; an empty one after it does
--- not.
function std.lines(text)
  check("lines", 1, text, "string")
  local lines = std.split(text, "\n")
  if lines[#lines] == "" then
    lines[#lines] = nil
  end
  for i, line in ipairs(lines) do
    if line:sub(-1) == "\r" then
      lines[i] = line:sub(1, -2)
    end
  end
  return lines
end

-- Lists -------------------------------------------------------------------------------------------------------------

--- The list of `fn(item, index)`.
function std.map(list, fn)
  check("map", 1, list, "table")
  check("map", 2, fn, "function")
  local out = {}
  for i, item in ipairs(list) do
    out[i] = fn(item, i)
  end
  return out
end

--- The items for which `fn(item, index)` is true, in order.
function std.filter(list, fn)
  check("filter", 1, list, "table")
  check("filter", 2, fn, "function")
  local out = {}
  for i, item in ipairs(list) do
    if fn(item, i) then
      out[#out + 1] = item
    end
  end
  return out
end

--- `fn(fn(start, item 1), item 2)` and so on to the last item; `start` for the empty list.
function std.fold(list, start, fn)
  check("fold", 1, list, "table")
  check("fold", 3, fn, "function")
  local result = start
  for i, item in ipairs(list) do
    result = fn(result, item, i)
  end
  return result
end

--- A table from each key that `fn(item, index)` gives to the list of its items, in order. Items whose key is nil are
--- left out.
function std.group(list, fn)
  check("group", 1, list, "table")
  check("group", 2, fn, "function")
  local groups = {}
  for i, item in ipairs(list) do
    local key = fn(item, i)
    if key ~= nil then
      local group = groups[key] or {}
      groups[key] = group
      group[#group + 1] = item
    end
  end
  return groups
end

--- The keys of a table as a sorted list: the same order in every run, unlike `pairs`. Numbers come before texts.
function std.keys(t)
  check("keys", 1, t, "table")
  local keys = {}
  for key in next, t do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    local ta, tb = type(a), type(b)
    if ta == tb and (ta == "number" or ta == "string") then
      return a < b
    end
    return ta < tb
  end)
  return keys
end

-- JSON-shaped data --------------------------------------------------------------------------------------------------

--- The value below `data` at `path`, keys parted by dots (`"author.name"`, `"commits.1"`), or `default` where a key is
--- missing, the value is null, or something on the way is no table.
function std.get(data, path, default)
  check("get", 2, path, "string")
  local value = data
  for _, key in ipairs(std.split(path, ".")) do
    if type(value) ~= "table" then
      return default
    end
    local found = value[key]
    if found == nil then
      found = value[math.tointeger(tonumber(key))]
    end
    value = found
  end
  if value == nil or value == json.null then
    return default
  end
  return value
end

return std
