-- The basic functions, cut down to what cannot leave the VM and cannot outrun its hook.
--
-- Gone: collectgarbage, dofile, load, loadfile, warn and string.dump (and io, os, debug, package are never opened).
-- There is no load: text that is data stays data. A finalizer would run where no hook does, so __gc is refused.

local native = ...

for _, name in ipairs({ "collectgarbage", "dofile", "load", "loadfile", "loadstring", "warn" }) do
  _G[name] = nil
end

print = native.print
os = { clock = native.os_clock, time = native.os_time, date = native.os_date }
string.dump = nil
for _, name in ipairs({ "find", "match", "gmatch", "gsub", "rep" }) do
  string[name] = native[name]
end

local raw_setmetatable, getmetatable, rawget = setmetatable, getmetatable, rawget
local type, error, pcall = type, error, pcall

function setmetatable(t, metatable)
  if type(t) ~= "table" then
    error("bad argument #1 to 'setmetatable' (table expected, got " .. type(t) .. ")", 2)
  end
  if metatable ~= nil then
    if type(metatable) ~= "table" then
      error("bad argument #2 to 'setmetatable' (nil or table expected)", 2)
    end
    if rawget(metatable, "__gc") ~= nil then
      error("__gc is not allowed: a value cannot be finalized here, use a to-be-closed variable (__close)", 2)
    end
  end
  if getmetatable(t) == nil then
    return raw_setmetatable(t, metatable)
  end
  local done, refusal = pcall(raw_setmetatable, t, metatable)
  if not done then
    error(refusal, 2)
  end
  return t
end
