-- For authoring scripts: `require`, and the places of tables.
--
-- `require` finds the modules the host brings and the author's own below the declared roots, and nothing else. Each is run
-- once. Built-in modules see the global `__swarm_position` while they load, and only then:
--
--   __swarm_position(t)              the JSON made of t points at the line of the author's file that runs now
--   __swarm_position(t, file, line)  or at the place given

local native = ...
local type, error, setmetatable, tostring = type, error, setmetatable, tostring
local rawget, rawset, pcall, concat = rawget, rawset, pcall, table.concat
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
end

local function check_cycle(name)
  for i = 1, #chain do
    if chain[i] == name then
      error("modules require each other in a circle: " .. concat(chain, " -> ", i) .. " -> " .. name, 3)
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
  local done, chunk, is_builtin = pcall(native.load_module, name)
  if not done then
    error(chunk, chunk == native.last_syntax_error() and 0 or 2)
  end
  local depth = #chain + 1
  chain[depth] = name
  local entry <close> = setmetatable({ depth = depth, before = rawget(G, "__swarm_position") }, leave)
  rawset(G, "__swarm_position", is_builtin and position or nil)
  local module = chunk(name)
  if module == nil then
    module = true
  end
  loaded[name] = module
  return module
end

local function warnings()
  local dsl = loaded.bp_dsl
  local take = type(dsl) == "table" and rawget(dsl, "take_authoring_warnings")
  return take and take() or nil
end

return places, warnings
