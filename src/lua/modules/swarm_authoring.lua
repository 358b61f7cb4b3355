-- What the authoring modules share: the author's place in the script, how the author is told, and how tables keep
-- lines.
--
-- Owns the warnings of one script run. Knows neither flow.ir nor Blueprints. Internal: scripts use flow_dsl and bp_dsl.
--
-- S1. A place is the line of the author's own text that runs now, never one of the library.
-- S2. Places are kept beside the tables, never inside them: what a script prints as JSON is not changed by being
--     marked.
-- S3. A warning never changes what a builder returns. Equal warnings are told once; at most MAX_WARNINGS are kept.

local S = {}

local MAX_WARNINGS = 200
local MAX_SCAN_DEPTH = 64
local MAX_SHOWN_FILE = 59

-- The host's `place_table(table [, file, line])`: makes the JSON pointer of the table point at the author's running
-- line, or at the place given, and returns that place. A plain Lua interpreter has none, and messages then carry no
-- place.
local place_table = __swarm_position or function() end

local places = setmetatable({}, { __mode = "k" })
local advice_of = {}
local warnings, told, dropped = {}, {}, 0

--- The author's place, `{ file, line }`, or nil where it is not known.
function S.here()
  local file, line = place_table({})
  return file and { file = file, line = line } or nil
end

--- Keeps the author's place for `t`, or the place of the marked table `like`. Returns `t`.
function S.mark(t, like)
  local place = like ~= nil and places[like]
  if place then
    place_table(t, place.file, place.line)
  else
    local file, line = place_table(t)
    place = file and { file = file, line = line } or nil
  end
  places[t] = place
  return t
end

--- Whether `t` was marked at a known place.
function S.is_marked(t)
  return places[t] ~= nil
end

local function place_of(like)
  return like ~= nil and places[like] or S.here()
end

-- A file's name as Lua's own messages show it: long ones lose their beginning.
local function shown(file)
  return #file <= MAX_SHOWN_FILE and file or "..." .. file:sub(-56)
end

local function at(place, message)
  return place and ("%s:%d: %s"):format(shown(place.file), place.line, message) or message
end

--- Stops the script: an error that carries the place of the marked table `like`, or else the author's place.
function S.fail(like, message, ...)
  error(at(place_of(like), message:format(...)), 0)
end

--- Notes a warning at the place of the marked table `like`, or else at the author's place.
function S.warn(like, message, ...)
  local text = at(place_of(like), message:format(...))
  if told[text] then
    return
  end
  if #warnings >= MAX_WARNINGS then
    dropped = dropped + 1
    return
  end
  told[text] = true
  warnings[#warnings + 1] = text
end

--- Returns the warnings noted so far, in order, and forgets them.
function S.take_warnings()
  local taken = warnings
  if dropped > 0 then
    taken[#taken + 1] = ("%d further warnings are not shown"):format(dropped)
  end
  warnings, told, dropped = {}, {}, 0
  return taken
end

--- A short text of any value for messages.
function S.show(value)
  local kind = type(value)
  if kind == "string" then
    if #value > 60 then
      value = value:sub(1, 57) .. "..."
    end
    return '"' .. value:gsub("[%c]", "?") .. '"'
  elseif kind == "number" or kind == "boolean" or kind == "nil" then
    return tostring(value)
  end
  return "a " .. kind
end

-- Edit distance of two short words.
local function distance(a, b)
  local row = {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

--- The word of the list `known` that a mistyped `word` most likely meant, or nil. `aliases` maps usual mistakes.
function S.closest(word, known, aliases)
  if type(word) ~= "string" or #word > 40 then
    return nil
  end
  if aliases and aliases[word] then
    return aliases[word]
  end
  local best, best_distance = nil, math.min(2, #word // 2) + 1
  for _, candidate in ipairs(known) do
    local d = distance(word:lower(), candidate:lower())
    if d < best_distance then
      best, best_distance = candidate, d
    end
  end
  return best
end

--- Warns of every key of `t` that is not in the list `known`. `list` allows the keys 1..n, and warns of a hole in them.
function S.check_fields(what, like, t, known, aliases, list)
  local is_known, strange, last = {}, {}, 0
  for _, field in ipairs(known) do
    is_known[field] = true
  end
  for key in next, t do
    if list and math.type(key) == "integer" and key >= 1 then
      last = math.max(last, key)
    elseif not is_known[key] then
      strange[#strange + 1] = key
    end
  end
  table.sort(strange, function(a, b)
    return tostring(a) < tostring(b)
  end)
  for _, key in ipairs(strange) do
    local meant = S.closest(key, known, aliases)
    local hint = meant and ("did you mean `%s`?"):format(meant)
      or #known > 0 and "known: " .. table.concat(known, ", ")
      or "it takes none"
    S.warn(like, "%s: unknown field %s is ignored; %s", what, S.show(key), hint)
  end
  if list then
    local n = 0
    while t[n + 1] ~= nil do
      n = n + 1
    end
    if last > n then
      S.warn(like, "%s: entry %d is nil, so the entries after it are lost", what, n + 1)
    end
  end
end

--- A hint for a missing field: the unknown key of `t` that looks like it, as text to append, or "".
function S.meant_for(field, t, known, aliases)
  local found
  for key in next, t do
    if type(key) == "string" and S.closest(key, known, aliases) == field and key ~= field then
      found = (found == nil or key < found) and key or found
    end
  end
  return found and (" (is `%s` meant to be it?)"):format(found) or ""
end

--- Declares a metatable whose tables are builders, not data, and what to do where one is found among data.
function S.wrapper(metatable, advice)
  advice_of[metatable] = advice
end

--- The advice for `value` when it is a wrapper, else nil.
function S.wrapper_advice(value)
  return type(value) == "table" and advice_of[getmetatable(value)] or nil
end

--- Calls `visit(table, place)` for a value's tables, outermost first; `place` is where it is, like `.a[2]`, or "" for
--- the value itself. A table for which `visit` returns true is not entered.
function S.walk(value, visit)
  local seen = {}
  local function enter(v, place, depth)
    if type(v) ~= "table" or seen[v] or depth > MAX_SCAN_DEPTH then
      return
    end
    seen[v] = true
    if visit(v, place) then
      return
    end
    for key, inner in next, v do
      enter(inner, place .. (type(key) == "string" and "." .. key or "[" .. tostring(key) .. "]"), depth + 1)
    end
  end
  enter(value, "", 0)
end

return S
