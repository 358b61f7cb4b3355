-- Stages as bp_dsl reads them: every field of a stage checked, defaults filled in. Internal to bp_dsl.
--
-- Owns: what a stage, its fix, its fanout and its lanes may hold, and how their mistakes are told.
-- Does not own: what stages say of each other, and their expansion (swarm_pipeline).
--
-- G1. A stage reads the path `input` and writes the path `out`; strings in these fields are paths, never literals.
-- G2. An error is raised only for what could never decode or run; what is probably a mistake is a warning.

local S = require "swarm_authoring"
local F = require "flow_dsl"

local G = {}

local STAGE_FIELDS = { "id", "agent", "fanout", "input", "out", "gate", "halt_on", "skip_on", "retry" }
local STAGE_ALIASES = {
  output = "out", ["in"] = "input", ref = "agent", halt = "halt_on", skip = "skip_on", items = "fanout",
}
local FIX_FIELDS = { "id", "agent", "input", "out" }
local RETRY_FIELDS = { "max", "fix", "counter" }
local FANOUT_FIELDS = { "agent", "lanes", "items", "bind", "join", "lane_out" }
local LANE_FIELDS = { "lane", "agent", "input", "out" }
local JOINS = { all = true, any = true, race = true, all_settled = true }

-- One less than flow.ir's largest `max`, for the loop's is one more; -1 still makes a loop of no turns.
local MAX_RETRY, MIN_RETRY = 4294967294, -1

local from_meta = {}
S.wrapper(
  from_meta,
  "B.from stands for a stage's output only in a stage's, a fix's or a lane's `input` and in `fanout.items`"
)

--- Stands for the output of the stage `id`.
function G.from(id)
  return setmetatable(S.mark({ stage_id = id }), from_meta)
end

--- Whether `value` is such a stand-in.
function G.is_from(value)
  return type(value) == "table" and getmetatable(value) == from_meta
end

--- How messages name a stage.
function G.label(stage)
  return ("bp_dsl: stage %s"):format(S.show(stage.id))
end

--- Fails where `id` cannot name a stage.
function G.check_id(what, like, id)
  if type(id) ~= "string" and type(id) ~= "number" then
    S.fail(like, "%s: a stage needs an id: write B.stage \"name\" {...}", what)
  end
end

local function is_plain_table(value)
  return type(value) == "table" and S.wrapper_advice(value) == nil
end

-- Fields ------------------------------------------------------------------------------------------------------------

--- A path field; `fallback` stands in where it is absent.
function G.path_field(what, like, field, value, fallback)
  if value == nil then
    return fallback
  end
  if type(value) ~= "string" then
    local advice = F.is_expr(value) and "write the path itself as a string, like \"$.name\", not F.p(...)"
      or "write a path string like \"$.name\""
    S.fail(like, "%s: `%s` must be a path, not %s; %s", what, field, S.show(value), advice)
  end
  return value
end

--- A list of verdict values, or nil. A string has a length but no entries, so it would match nothing.
function G.list_field(what, like, field, value)
  if value == nil or value == false then
    return nil
  end
  if type(value) == "string" then
    S.warn(like, "%s: `%s` must be a list, so the string matches nothing; write { %s }", what, field, S.show(value))
    return {}
  end
  if type(value) ~= "table" then
    S.fail(like, "%s: `%s` must be a list like { \"BLOCKED\" }, not %s", what, field, S.show(value))
  end
  S.check_fields(("%s: `%s`"):format(what, field), like, value, {}, nil, true)
  return value
end

local function input_field(what, like, value, fallback)
  return G.is_from(value) and value or G.path_field(what, like, "input", value, fallback)
end

local function agent_field(what, like, agent, t)
  if agent == nil then
    local hint = S.meant_for("agent", t, { "agent" }, STAGE_ALIASES)
    S.fail(like, "%s: field `agent` is missing%s; name the agent that does it", what, hint)
  end
  if type(agent) ~= "string" then
    S.fail(like, "%s: `agent` must be an agent's name, not %s", what, S.show(agent))
  end
  return agent
end

-- Fanout ------------------------------------------------------------------------------------------------------------

local function lane_of(stage, i, entry)
  local what = ("%s: fanout lane %d"):format(G.label(stage), i)
  if type(entry) == "string" then
    return { name = entry, agent = entry, input = "$.d." .. entry, out = "$.lane." .. entry }
  end
  if not is_plain_table(entry) then
    S.fail(stage, "%s must be an agent's name or a table with `lane` and `agent`, not %s", what, S.show(entry))
  end
  S.check_fields(what, stage, entry, LANE_FIELDS, STAGE_ALIASES, false)
  local name, agent = entry.lane, entry.agent
  if name == nil then
    name = agent
  end
  if agent == nil then
    agent = name
  end
  if name == nil then
    S.fail(stage, "%s has neither `lane` nor `agent`", what)
  end
  if type(name) ~= "string" and type(name) ~= "number" then
    S.fail(stage, "%s: `lane` must be a name, not %s", what, S.show(name))
  end
  return {
    name = name,
    agent = agent_field(what, stage, agent, entry),
    input = input_field(what, stage, entry.input, "$.d." .. name),
    out = G.path_field(what, stage, "out", entry.out, "$.lane." .. name),
  }
end

-- Every item that names no lane falls to the last one: a mistake where the items are known.
local function warn_of_strangers(what, stage, items, lane_names, last)
  if not is_plain_table(items) then
    return
  end
  for _, item in ipairs(items) do
    if not lane_names[item] then
      S.warn(stage, "%s: item %s names no lane, so it runs the last lane, %s", what, S.show(item), S.show(last))
    end
  end
end

local function lanes_of(stage, fanout)
  local what, entries = G.label(stage), fanout.lanes
  if type(entries) ~= "table" or entries[1] == nil then
    S.fail(stage, "%s: `fanout.lanes` must be a list of lanes with at least one entry", what)
  end
  S.check_fields(what .. ": `fanout.lanes`", stage, entries, {}, nil, true)
  if fanout.lane_out ~= nil then
    S.warn(stage, "%s: `fanout.lane_out` is ignored with `lanes`; give a lane its own `out`", what)
  end
  local lanes, seen = {}, {}
  for i, entry in ipairs(entries) do
    local lane = lane_of(stage, i, entry)
    if seen[lane.name] then
      S.warn(stage, "%s: lane %s occurs twice; only the first is ever run", what, S.show(lane.name))
    end
    seen[lane.name] = true
    lanes[i] = lane
  end
  warn_of_strangers(what, stage, fanout.items, seen, lanes[#lanes].name)
  return lanes
end

local function fanout_of(stage)
  local what, fanout = G.label(stage), stage.fanout
  if type(fanout) ~= "table" then
    S.fail(stage, "%s: `fanout` must be a table with `agent` or `lanes`, not %s", what, S.show(fanout))
  end
  if stage.agent ~= nil then
    S.fail(stage, "%s has both `agent` and `fanout`; keep one", what)
  end
  if stage.retry then
    S.fail(stage, "%s: `retry` does not go with `fanout`; put the retry on the stage that aggregates the results", what)
  end
  if (fanout.agent == nil) == (fanout.lanes == nil) then
    S.fail(stage, "%s: `fanout` needs either `agent` (the same for every item) or `lanes` (one agent each)", what)
  end
  local join = fanout.join
  if join == nil then
    join = "all"
  end
  if not JOINS[join] then
    local words = '"all", "any", "race" or "all_settled"'
    S.fail(stage, "%s: `fanout.join` must be %s, not %s", what, words, S.show(join))
  end
  S.check_fields(what .. ": `fanout`", stage, fanout, FANOUT_FIELDS, nil, false)
  if type(fanout.items) == "string" then
    local text = S.show(fanout.items)
    S.warn(stage, "%s: `fanout.items` is the text %s, not a path; write F.p%s", what, text, text)
  end
  return {
    agent = fanout.agent ~= nil and agent_field(what .. ": `fanout`", stage, fanout.agent, fanout) or nil,
    lanes = fanout.lanes ~= nil and lanes_of(stage, fanout) or nil,
    items = fanout.items,
    bind = G.path_field(what, stage, "fanout.bind", fanout.bind, "$.item"),
    lane_out = G.path_field(what, stage, "fanout.lane_out", fanout.lane_out, "$.branch_out"),
    join = join,
  }
end

-- Retry -------------------------------------------------------------------------------------------------------------

local function fix_of(stage, fix)
  local what = G.label(stage) .. ": `retry.fix`"
  if not is_plain_table(fix) then
    S.fail(stage, "%s must be a stage: write fix = B.stage \"name\" {...}, not %s", what, S.show(fix))
  end
  G.check_id(what, stage, fix.id)
  what = G.label(fix)
  S.check_fields(what, fix, fix, FIX_FIELDS, STAGE_ALIASES, false)
  return {
    stage = fix,
    agent = agent_field(what, fix, fix.agent, fix),
    input = input_field(what, fix, fix.input, "$.d." .. fix.id),
    out = G.path_field(what, fix, "out", fix.out, "$." .. fix.id),
  }
end

local function retry_max(what, stage, retry)
  if retry.max == nil then
    S.fail(stage, "%s: field `retry.max` is missing%s", what, S.meant_for("max", retry, RETRY_FIELDS))
  end
  local max = type(retry.max) == "number" and math.tointeger(retry.max) or nil
  if not max or max < MIN_RETRY or max > MAX_RETRY then
    S.fail(stage, "%s: `retry.max` must be a whole number, not %s", what, S.show(retry.max))
  end
  if max < 1 then
    S.warn(stage, "%s: `retry.max` is %d, so the fix never runs", what, max)
  end
  return max
end

local function retry_of(stage)
  local what, retry = G.label(stage), stage.retry
  if type(retry) ~= "table" then
    S.fail(stage, "%s: `retry` must be a table with `max` and `fix`, not %s", what, S.show(retry))
  end
  S.check_fields(what .. ": `retry`", stage, retry, RETRY_FIELDS, nil, false)
  local max = retry_max(what, stage, retry)
  if retry.fix == nil then
    local hint = S.meant_for("fix", retry, RETRY_FIELDS)
    S.fail(stage, "%s: field `retry.fix` is missing%s; it is the stage that mends what was refused", what, hint)
  end
  return {
    max = max,
    fix = fix_of(stage, retry.fix),
    counter = G.path_field(what, stage, "retry.counter", retry.counter, "$." .. stage.id .. "_n"),
  }
end

-- The stage ---------------------------------------------------------------------------------------------------------

-- The values of a skip guard, or nil for none. A string is kept as it is: the guard it makes fails when it is
-- evaluated.
local function skip_values(what, stage)
  local values = stage.skip_on
  if type(values) == "string" then
    local advice = "%s: `skip_on` must be a list, and the guard fails on a string; write { %s }"
    S.warn(stage, advice, what, S.show(values))
  else
    values = G.list_field(what, stage, "skip_on", values)
  end
  return values ~= nil and #values > 0 and values or nil
end

--- Reads entry `i` of a pipeline. `input` of the result is a path, a stand-in of G.from, or nil for none given.
function G.read(i, stage)
  local what = ("bp_dsl: B.pipeline: entry %d"):format(i)
  if not is_plain_table(stage) then
    S.fail(nil, "%s must be a stage, B.stage \"name\" {...}, not %s", what, S.show(stage))
  end
  if stage.id == nil and stage.kind ~= nil then
    S.fail(nil, "%s is a flow.ir node; a pipeline takes stages, nodes go into F.seq", what)
  end
  G.check_id(what, stage, stage.id)
  what = G.label(stage)
  S.check_fields(what, stage, stage, STAGE_FIELDS, STAGE_ALIASES, false)
  local fanout = stage.fanout and fanout_of(stage) or nil
  if stage.gate ~= nil and type(stage.gate) ~= "boolean" then
    S.warn(stage, "%s: `gate` must be true or false, so %s is ignored", what, S.show(stage.gate))
  end
  return {
    stage = stage,
    id = stage.id,
    agent = not fanout and agent_field(what, stage, stage.agent, stage) or nil,
    fanout = fanout,
    input = input_field(what, stage, stage.input),
    out = G.path_field(what, stage, "out", stage.out, "$." .. stage.id),
    gate = stage.gate,
    halt_on = G.list_field(what, stage, "halt_on", stage.halt_on),
    skip_on = skip_values(what, stage),
    retry = stage.retry and retry_of(stage) or nil,
  }
end

return G
