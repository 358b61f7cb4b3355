-- For authoring scripts: `require`, and the places of tables.
--
-- `require` finds the modules the host brings and the author's own below the declared roots, and nothing else. Each is run
-- once. Built-in modules see the global `__swarm_position` while they load, and only then:
--
--   __swarm_position(t)              the JSON made of t points at the line of the author's file that runs now
--   __swarm_position(t, file, line)  or at the place given
--
-- Both return the place: file, line; nothing where none is known.

local native = ...
local type, error, setmetatable, tostring = type, error, setmetatable, tostring
local rawget, rawset, concat = rawget, rawset, table.concat
local G = _G

local loaded = {}
local chain = {}
local places = setmetatable({}, { __mode = "k" })

local function position(t, file, line)
  if type(t) ~= "table" then
    error("bad argument #1 to '__swarm_position' (table expected, got " .. type(t) .. ")", 2)
  end
  if file == nil then
    file, line = native.place()
  end
  if file ~= nil then
    places[t] = tostring(line) .. ":" .. tostring(file)
  end
  return file, line
end

-- Raises an error at the author's line. `error` cannot find it after a tail call, and `return require "x"` is one.
local function refuse(message)
  local file, line = native.place()
  error((file and file .. ":" .. line .. ": " or "") .. message, 0)
end

local function check_cycle(name)
  for i = 1, #chain do
    if chain[i] == name then
      refuse("modules require each other in a circle: " .. concat(chain, " -> ", i) .. " -> " .. name)
    end
  end
end

local leave = {
  __close = function(entry)
    chain[entry.depth] = nil
    rawset(G, "__swarm_position", entry.before)
  end,
}

function require(name)
  if type(name) ~= "string" then
    error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ")", 2)
  end
  if loaded[name] ~= nil then
    return loaded[name]
  end
  check_cycle(name)
  local chunk, detail = native.load_module(name)
  if not chunk then
    if chunk == nil then
      refuse(detail)
    end
    -- A syntax error carries its own place.
    error(detail, 0)
  end
  local depth = #chain + 1
  chain[depth] = name
  local entry <close> = setmetatable({ depth = depth, before = rawget(G, "__swarm_position") }, leave)
  rawset(G, "__swarm_position", detail and position or nil)
  local module = chunk(name)
  if module == nil then
    module = true
  end
  loaded[name] = module
  return module
end

local function warnings()
  local authoring = loaded.swarm_authoring
  return authoring and authoring.take_warnings() or nil
end

return places, warnings
