-- bp_dsl: builds Blueprints and turns a pipeline of stages into flow.ir. Conventionally `local B = require "bp_dsl"`.
--
-- Owns: agents' references, stages, the expansion of a pipeline. Does not own: flow.ir itself (flow_dsl).
--
-- B1. A stage reads the path `input` and writes the path `out`; strings in these fields are paths, never literals.
-- B2. What B.pipeline prints for a stage is a function of the stages and the pipeline's fields alone.
-- B3. An error is raised only for what could never decode or run; what is probably a mistake is a warning.
-- B4. Every node of an expansion keeps the line of its stage.

local S = require "swarm_authoring"
local F = require "flow_dsl"

local B = {}

local VERDICT = '.parts["verdict"]'
local STAGE_FIELDS = { "id", "agent", "fanout", "input", "out", "gate", "halt_on", "skip_on", "retry" }
local STAGE_ALIASES = { output = "out", ["in"] = "input", ref = "agent", halt = "halt_on", skip = "skip_on", items = "fanout" }
local PIPELINE_FIELDS = { "halt_on", "halted_at", "done", "chain", "gate_default" }
local RETRY_FIELDS = { "max", "fix", "counter" }
local FANOUT_FIELDS = { "agent", "lanes", "items", "bind", "join", "lane_out" }
local LANE_FIELDS = { "lane", "agent", "input", "out" }
local JOINS = { all = true, any = true, race = true, all_settled = true }

local from_meta = {}
S.wrapper(from_meta, "B.from stands for a stage's output only in a stage's, a fix's or a lane's `input` and in `fanout.items`")

local function is_from(value)
  return type(value) == "table" and getmetatable(value) == from_meta
end

local function label(stage)
  return ("bp_dsl: stage %s"):format(S.show(stage.id))
end

-- Expressions and nodes that keep the line of `like`.

local function path(like, text)
  return S.mark({ op = "path", at = text }, like)
end

local function lit(like, value)
  return S.mark({ op = "lit", value = value }, like)
end

local function step(like, agent, input, out)
  return S.mark({ kind = "step", ref = agent, ["in"] = path(like, input), out = path(like, out) }, like)
end

local function seq(like, children)
  return S.mark({ kind = "seq", children = children }, like)
end

local function assign(like, at, value)
  return S.mark({ kind = "assign", at = path(like, at), value = lit(like, value) }, like)
end

-- Reading fields ------------------------------------------------------------------------------------------------------

-- A path field. `fallback` stands in where it is absent.
local function path_field(what, like, field, value, fallback)
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

-- A list of verdict values. A string has a length but no entries, so it would match nothing.
local function list_field(what, like, field, value)
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

local function agent_field(what, like, agent, t)
  if agent == nil then
    S.fail(like, "%s: field `agent` is missing%s; name the agent that does it", what, S.meant_for("agent", t, { "agent" }, STAGE_ALIASES))
  end
  if type(agent) ~= "string" then
    S.fail(like, "%s: `agent` must be an agent's name, not %s", what, S.show(agent))
  end
  return agent
end

local function check_id(what, like, id)
  if type(id) ~= "string" and type(id) ~= "number" then
    S.fail(like, "%s: a stage needs an id: write B.stage \"name\" {...}", what)
  end
end

-- Agents and stages ---------------------------------------------------------------------------------------------------

-- What a document cannot hold. Builders are refused in the flow, where nothing could read them; a literal was searched
-- when it was built. A list's named keys are taken out, as JSON has no place for them.
local function check_document(document)
  local in_literal = {}
  S.walk(document, function(t, place)
    local advice = S.wrapper_advice(t)
    if advice then
      if in_literal[t] then
        return true
      elseif place:find("^%.flow") then
        S.fail(t, "B.bp: %s is not flow.ir: %s", place:sub(2), advice)
      end
      S.warn(t, "B.bp: %s is data with a builder inside: %s", place:sub(2), advice)
      return true
    end
    if t.op == "lit" then
      S.walk(t.value, function(inner)
        in_literal[inner] = true
      end)
    end
    if t[1] ~= nil then
      local lost = {}
      for key in next, t do
        if math.type(key) ~= "integer" then
          lost[#lost + 1] = key
        end
      end
      table.sort(lost, function(a, b)
        return tostring(a) < tostring(b)
      end)
      for _, key in ipairs(lost) do
        S.warn(t, "B.bp: %s is a list, so its key %s is lost; a table is a list or has named keys, not both", place:sub(2), S.show(key))
        t[key] = nil
      end
    end
    return false
  end)
end

--- The Blueprint table itself. Warns of what the document cannot hold.
function B.bp(t)
  if type(t) ~= "table" then
    S.fail(nil, "B.bp takes the Blueprint's table, not %s", S.show(t))
  end
  S.mark(t)
  check_document(t)
  return t
end

--- An agent read from an agent.md file: `md` names the file, every other field replaces the file's.
function B.agent(t)
  if type(t) ~= "table" then
    S.fail(nil, "B.agent takes a table of fields, not %s", S.show(t))
  end
  if t.md ~= nil and type(t.md) ~= "string" then
    S.fail(nil, "B.agent: `md` must be the name of an agent.md file, not %s", S.show(t.md))
  end
  local agent = {}
  for key, value in next, t do
    if key ~= "md" then
      agent[key] = value
    end
  end
  agent["$agent_md"] = t.md
  return S.mark(agent)
end

--- Stands for the output path of a stage, also of a later one.
function B.from(id)
  if type(id) ~= "string" and type(id) ~= "number" then
    S.fail(nil, "B.from takes the id of a stage, not %s", S.show(id))
  end
  return setmetatable(S.mark({ stage_id = id }), from_meta)
end

--- A stage of a pipeline: `B.stage "id" { agent = "name", ... }`. Returns the same table, with its id in it.
function B.stage(id)
  check_id("bp_dsl: B.stage", nil, id)
  return function(t)
    if type(t) ~= "table" then
      S.fail(nil, "bp_dsl: B.stage %s takes a table of fields, not %s", S.show(id), S.show(t))
    end
    if S.is_marked(t) and t.id ~= nil and t.id ~= id then
      S.warn(nil, "bp_dsl: stage %s uses the table of stage %s, and both are %s now; give each its own table", S.show(id), S.show(t.id), S.show(id))
    end
    t.id = id
    return S.mark(t)
  end
end

-- Pass 0: everything that one stage can have wrong by itself ----------------------------------------------------------

local function lane_of(stage, i, entry)
  local what = ("%s: fanout lane %d"):format(label(stage), i)
  if type(entry) == "string" then
    return { name = entry, agent = entry, input = "$.d." .. entry, out = "$.lane." .. entry }
  end
  if type(entry) ~= "table" or F.is_expr(entry) or is_from(entry) then
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
    input = is_from(entry.input) and entry.input or path_field(what, stage, "input", entry.input, "$.d." .. name),
    out = path_field(what, stage, "out", entry.out, "$.lane." .. name),
  }
end

local function lanes_of(stage, fanout)
  local what, entries = label(stage), fanout.lanes
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
  if type(fanout.items) == "table" and not F.is_expr(fanout.items) and not is_from(fanout.items) then
    for _, item in ipairs(fanout.items) do
      if not seen[item] then
        S.warn(stage, "%s: item %s names no lane, so it runs the last lane, %s", what, S.show(item), S.show(lanes[#lanes].name))
      end
    end
  end
  return lanes
end

local function fanout_of(stage)
  local what, fanout = label(stage), stage.fanout
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
    S.fail(stage, "%s: `fanout.join` must be \"all\", \"any\", \"race\" or \"all_settled\", not %s", what, S.show(join))
  end
  S.check_fields(what .. ": `fanout`", stage, fanout, FANOUT_FIELDS, nil, false)
  if type(fanout.items) == "string" then
    S.warn(stage, "%s: `fanout.items` is the text %s, not a path; write F.p%s", what, S.show(fanout.items), S.show(fanout.items))
  end
  return {
    agent = fanout.agent ~= nil and agent_field(what .. ": `fanout`", stage, fanout.agent, fanout) or nil,
    lanes = fanout.lanes ~= nil and lanes_of(stage, fanout) or nil,
    items = fanout.items,
    bind = path_field(what, stage, "fanout.bind", fanout.bind, "$.item"),
    lane_out = path_field(what, stage, "fanout.lane_out", fanout.lane_out, "$.branch_out"),
    join = join,
  }
end

local function fix_of(stage, fix)
  local what = label(stage) .. ": `retry.fix`"
  if type(fix) ~= "table" or F.is_expr(fix) or is_from(fix) then
    S.fail(stage, "%s must be a stage: write fix = B.stage \"name\" {...}, not %s", what, S.show(fix))
  end
  check_id(what, stage, fix.id)
  S.check_fields(label(fix), fix, fix, { "id", "agent", "input", "out" }, STAGE_ALIASES, false)
  return {
    stage = fix,
    agent = agent_field(label(fix), fix, fix.agent, fix),
    input = is_from(fix.input) and fix.input or path_field(label(fix), fix, "input", fix.input, "$.d." .. fix.id),
    out = path_field(label(fix), fix, "out", fix.out, "$." .. fix.id),
  }
end

local function retry_of(stage)
  local what, retry = label(stage), stage.retry
  if type(retry) ~= "table" then
    S.fail(stage, "%s: `retry` must be a table with `max` and `fix`, not %s", what, S.show(retry))
  end
  S.check_fields(what .. ": `retry`", stage, retry, RETRY_FIELDS, nil, false)
  local max = type(retry.max) == "number" and math.tointeger(retry.max) or nil
  if retry.max == nil then
    S.fail(stage, "%s: field `retry.max` is missing%s", what, S.meant_for("max", retry, RETRY_FIELDS))
  elseif not max or max < -1 or max > 4294967294 then
    S.fail(stage, "%s: `retry.max` must be a whole number, not %s", what, S.show(retry.max))
  elseif max < 1 then
    S.warn(stage, "%s: `retry.max` is %d, so the fix never runs", what, max)
  end
  if retry.fix == nil then
    S.fail(stage, "%s: field `retry.fix` is missing%s; it is the stage that mends what was refused", what, S.meant_for("fix", retry, RETRY_FIELDS))
  end
  return { max = max, fix = fix_of(stage, retry.fix), counter = path_field(what, stage, "retry.counter", retry.counter, "$." .. stage.id .. "_n") }
end

local function read_stage(i, stage)
  local what = ("bp_dsl: B.pipeline: entry %d"):format(i)
  if type(stage) ~= "table" or F.is_expr(stage) or is_from(stage) then
    S.fail(nil, "%s must be a stage, B.stage \"name\" {...}, not %s", what, S.show(stage))
  end
  if stage.id == nil and stage.kind ~= nil then
    S.fail(nil, "%s is a flow.ir node; a pipeline takes stages, nodes go into F.seq", what)
  end
  check_id(what, stage, stage.id)
  what = label(stage)
  S.check_fields(what, stage, stage, STAGE_FIELDS, STAGE_ALIASES, false)
  local fanout = stage.fanout and fanout_of(stage) or nil
  if stage.gate ~= nil and type(stage.gate) ~= "boolean" then
    S.warn(stage, "%s: `gate` must be true or false, so %s is ignored", what, S.show(stage.gate))
  end
  local skip_on = stage.skip_on
  if skip_on == false then
    skip_on = nil
  elseif type(skip_on) == "string" then
    S.warn(stage, "%s: `skip_on` must be a list, and the guard fails on a string; write { %s }", what, S.show(skip_on))
  else
    skip_on = list_field(what, stage, "skip_on", skip_on)
  end
  return {
    stage = stage,
    id = stage.id,
    agent = not fanout and agent_field(what, stage, stage.agent, stage) or nil,
    fanout = fanout,
    input = is_from(stage.input) and stage.input or path_field(what, stage, "input", stage.input),
    out = path_field(what, stage, "out", stage.out, "$." .. stage.id),
    gate = stage.gate,
    halt_on = list_field(what, stage, "halt_on", stage.halt_on),
    skip_on = skip_on ~= nil and #skip_on > 0 and skip_on or nil,
    retry = stage.retry and retry_of(stage) or nil,
  }
end

-- Pass 1: what the stages say of each other ---------------------------------------------------------------------------

-- The output path of every stage and every fix. A later one of the same id takes the name over.
local function outputs_of(stages)
  local outs, owners, fixes = {}, {}, {}
  local function claim(stage, out, is_fix)
    local owner = owners[stage.id]
    local same_fix = is_fix and fixes[stage.id] and outs[stage.id] == out
    if owner and owner ~= stage and not same_fix then
      S.warn(stage, "%s: the id is used twice, and B.from %s means the later one; give each stage its own id", label(stage), S.show(stage.id))
    end
    owners[stage.id], outs[stage.id], fixes[stage.id] = stage, out, is_fix
  end
  for _, s in ipairs(stages) do
    claim(s.stage, s.out, false)
    if s.retry then
      claim(s.retry.fix.stage, s.retry.fix.out, true)
    end
  end
  return outs
end

local function wants_gate(s, halt_on, auto)
  if s.gate == false then
    return false
  elseif s.gate == true or s.retry or s.halt_on then
    return true
  end
  return auto and #halt_on > 0 and not s.fanout
end

local function warn_of_gates(stages, halt_on, auto)
  local ids, some_gate = {}, false
  for i, s in ipairs(stages) do
    ids[i] = tostring(s.id)
    local what, gated = label(s.stage), wants_gate(s, halt_on, auto)
    some_gate = some_gate or gated
    if (gated or s.retry) and #(s.halt_on or halt_on) == 0 then
      S.warn(s.stage, "%s: no value halts it, so its %s never acts; name the values in halt_on", what, s.retry and "retry" or "gate")
    end
    if gated and s.fanout then
      S.warn(
        s.stage,
        "%s: a fanout has no verdict of its own, so reading one from its output %s fails; gate the stage that aggregates the lanes",
        what,
        s.out
      )
    elseif gated and s.skip_on then
      S.warn(s.stage, "%s: when skip_on applies nothing is written to %s, and the stage's own gate fails reading it", what, s.out)
    end
  end
  if #halt_on > 0 and not some_gate then
    local values = {}
    for i, value in ipairs(halt_on) do
      values[i] = tostring(value)
    end
    S.warn(
      nil,
      "bp_dsl: the pipeline's halt_on (%s) halts nothing, for none of its stages (%s) has a gate; set gate = true on a stage, or gate_default = \"auto\"",
      table.concat(values, ", "),
      table.concat(ids, ", ")
    )
  end
end

-- Pass 2: expansion ---------------------------------------------------------------------------------------------------

local function resolve(stage, input, outs)
  if not is_from(input) then
    return input
  end
  local out = outs[input.stage_id]
  if not out then
    S.fail(input, "%s: B.from %s names no stage of the pipeline", label(stage), S.show(input.stage_id))
  end
  return out
end

local function verdict_is(stage, out, values)
  local tests = {}
  for i, value in ipairs(values) do
    tests[i] = S.mark({ op = "eq", lhs = path(stage, out .. VERDICT), rhs = lit(stage, value) }, stage)
  end
  return #tests == 1 and tests[1] or S.mark({ op = "or", args = tests }, stage)
end

local function fanout_node(s, input, outs)
  local stage, fanout = s.stage, s.fanout
  local items, body
  if fanout.items ~= nil then
    items = is_from(fanout.items) and path(stage, resolve(stage, fanout.items, outs)) or F.unwrap(fanout.items)
    if not F.is_expr(fanout.items) then
      S.mark(items, stage)
    end
  end
  if fanout.agent then
    items = items or path(stage, input)
    body = step(stage, fanout.agent, fanout.bind, fanout.lane_out)
  else
    local names = {}
    for i = #fanout.lanes, 1, -1 do
      local lane = fanout.lanes[i]
      names[i] = lane.name
      local run = step(stage, lane.agent, resolve(stage, lane.input, outs), lane.out)
      body = body and S.mark({
        kind = "branch",
        cond = S.mark({ op = "eq", lhs = path(stage, fanout.bind), rhs = lit(stage, lane.name) }, stage),
        ["then"] = run,
        ["else"] = body,
      }, stage) or run
    end
    items = items or lit(stage, names)
  end
  return S.mark({
    kind = "fanout",
    items = items,
    bind = path(stage, fanout.bind),
    body = body,
    join = fanout.join,
    out = path(stage, s.out),
  }, stage)
end

-- The nodes of one stage, before its gate.
local function body_of(s, input, halt, outs)
  local stage = s.stage
  local run = s.fanout and fanout_node(s, input, outs) or step(stage, s.agent, input, s.out)
  local body = { run }
  if s.retry then
    local fix, counter = s.retry.fix, s.retry.counter
    local below_max = S.mark({ op = "lt", lhs = path(stage, counter), rhs = lit(stage, s.retry.max) }, stage)
    body[2] = S.mark({
      kind = "loop",
      counter = path(stage, counter),
      cond = S.mark({ op = "and", args = { below_max, verdict_is(stage, s.out, halt) } }, stage),
      body = seq(stage, { step(fix.stage, fix.agent, resolve(fix.stage, fix.input, outs), fix.out), run }),
      max = s.retry.max + 1,
    }, stage)
  end
  if s.skip_on then
    local verdict = path(stage, input .. VERDICT)
    body = {
      S.mark({
        kind = "branch",
        cond = S.mark({ op = "in", needle = verdict, haystack = lit(stage, s.skip_on) }, stage),
        ["then"] = seq(stage, {}),
        ["else"] = seq(stage, body),
      }, stage),
    }
  end
  return body
end

--- Turns stages, in order, into one flow.ir node.
---
--- Fields beside the stages: `halt_on` (the verdicts that stop the pipeline at a gate), `halted_at` (where the id of the
--- stage that stopped it is written, default `$.halted_at`), `done` (where true is written at the end), `chain = true`
--- (a stage without input reads the output of the one before), `gate_default` ("explicit" or "auto").
function B.pipeline(t)
  if type(t) ~= "table" then
    S.fail(nil, "B.pipeline takes a table of stages, not %s", S.show(t))
  end
  local what = "bp_dsl: B.pipeline"
  S.mark(t)
  S.check_fields(what, t, t, PIPELINE_FIELDS, nil, true)
  local stages = {}
  for i, stage in ipairs(t) do
    stages[i] = read_stage(i, stage)
  end
  local gate_default = t.gate_default == nil and "explicit" or t.gate_default
  if gate_default ~= "explicit" and gate_default ~= "auto" then
    S.fail(t, "%s: `gate_default` must be \"explicit\" or \"auto\", not %s", what, S.show(gate_default))
  end
  if t.chain ~= nil and type(t.chain) ~= "boolean" then
    S.warn(t, "%s: `chain` must be true or false, so %s is ignored", what, S.show(t.chain))
  end
  local halt_on = list_field(what, t, "halt_on", t.halt_on) or {}
  local halted_at = path_field(what, t, "halted_at", t.halted_at, "$.halted_at")
  local done = path_field(what, t, "done", t.done or nil)

  local outs = outputs_of(stages)
  local auto = gate_default == "auto"
  warn_of_gates(stages, halt_on, auto)
  for i, s in ipairs(stages) do
    local before = t.chain == true and i > 1 and stages[i - 1].out or nil
    s.reads = resolve(s.stage, s.input, outs) or before or "$.d." .. s.id
  end

  local node = done and assign(t, done, true) or seq(t, {})
  for i = #stages, 1, -1 do
    local s = stages[i]
    local halt = s.halt_on or halt_on
    local children = body_of(s, s.reads, halt, outs)
    if wants_gate(s, halt_on, auto) then
      node = S.mark({
        kind = "branch",
        cond = verdict_is(s.stage, s.out, halt),
        ["then"] = assign(s.stage, halted_at, s.id),
        ["else"] = node,
      }, s.stage)
    end
    children[#children + 1] = node
    node = seq(s.stage, children)
  end
  return node
end

--- Returns the warnings noted so far by the authoring modules and forgets them.
function B.take_authoring_warnings()
  return S.take_warnings()
end

return B
