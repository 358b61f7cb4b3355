-- The global `json`: what JSON has and Lua has not, and its text form.
--
--   json.null         stands for null. It is true in conditions, so compare: `value == json.null`.
--   json.array(t)     marks t (default: a new table) as an array, so that it stays one when it is empty. Returns t.
--   json.object(t)    marks t as an object.
--   json.is_array(t)  whether t is an array: marked as one, or unmarked with an element 1.
--   json.encode(v)    JSON text of a value, by the rules of results.
--   json.decode(s)    the value of a JSON text.

local native = ...
local array_marker, object_marker = { __name = "json.array" }, { __name = "json.object" }
local getmetatable, setmetatable, type, rawget, error = getmetatable, setmetatable, type, rawget, error

local function marker_function(marker, name)
  return function(t)
    if t == nil then
      t = {}
    elseif type(t) ~= "table" then
      error("bad argument #1 to '" .. name .. "' (table expected, got " .. type(t) .. ")", 2)
    end
    local current = getmetatable(t)
    if current ~= nil and current ~= array_marker and current ~= object_marker then
      error("bad argument #1 to '" .. name .. "' (a table with a metatable of its own cannot be marked)", 2)
    end
    return setmetatable(t, marker)
  end
end

json = {
  null = native.null,
  array = marker_function(array_marker, "array"),
  object = marker_function(object_marker, "object"),
  is_array = function(t)
    if type(t) ~= "table" then
      return false
    end
    local current = getmetatable(t)
    return current == array_marker or (current ~= object_marker and rawget(t, 1) ~= nil)
  end,
  encode = native.json_encode,
  decode = native.json_decode,
}

return array_marker, object_marker
