-- bp_dsl: builds Blueprints and turns a pipeline of stages into flow.ir. Conventionally `local B = require "bp_dsl"`.
--
-- Owns: what scripts call. Does not own: reading stages (swarm_stage), expanding them (swarm_pipeline), flow.ir
-- (flow_dsl).

local S = require "swarm_authoring"
local G = require "swarm_stage"
local P = require "swarm_pipeline"

local B = {}

local PIPELINE_FIELDS = { "halt_on", "halted_at", "done", "chain", "gate_default" }

-- The document ------------------------------------------------------------------------------------------------------

-- A list's named keys are taken out: JSON has no place for them.
local function drop_named_keys(list, place)
  local lost = {}
  for key in next, list do
    if math.type(key) ~= "integer" then
      lost[#lost + 1] = key
    end
  end
  table.sort(lost, function(a, b)
    return tostring(a) < tostring(b)
  end)
  for _, key in ipairs(lost) do
    local text = "B.bp: %s is a list, so its key %s is lost; a table is a list or has named keys, not both"
    S.warn(list, text, place, S.show(key))
    list[key] = nil
  end
end

-- What a document cannot hold. Builders are refused in the flow, where nothing could read them; a literal was searched
-- when it was built.
local function check_document(document)
  local in_literal = {}
  S.walk(document, function(t, at)
    local place, advice = at:sub(2), S.wrapper_advice(t)
    if advice then
      if place:find("^flow") and not in_literal[t] then
        S.fail(t, "B.bp: %s is not flow.ir: %s", place, advice)
      elseif not in_literal[t] then
        S.warn(t, "B.bp: %s is data with a builder inside: %s", place, advice)
      end
      return true
    end
    if t.op == "lit" then
      S.walk(t.value, function(inner)
        in_literal[inner] = true
      end)
    end
    if t[1] ~= nil then
      drop_named_keys(t, place)
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

-- Stages ------------------------------------------------------------------------------------------------------------

--- Stands for the output path of a stage, also of a later one.
function B.from(id)
  if type(id) ~= "string" and type(id) ~= "number" then
    S.fail(nil, "B.from takes the id of a stage, not %s", S.show(id))
  end
  return G.from(id)
end

--- A stage of a pipeline: `B.stage "id" { agent = "name", ... }`. Returns the same table, with its id in it.
function B.stage(id)
  G.check_id("bp_dsl: B.stage", nil, id)
  return function(t)
    if type(t) ~= "table" then
      S.fail(nil, "bp_dsl: B.stage %s takes a table of fields, not %s", S.show(id), S.show(t))
    end
    if S.is_marked(t) and t.id ~= nil and t.id ~= id then
      local text = "bp_dsl: stage %s uses the table of stage %s, and both are %s now; give each its own table"
      S.warn(nil, text, S.show(id), S.show(t.id), S.show(id))
    end
    t.id = id
    return S.mark(t)
  end
end

--- Turns stages, in order, into one flow.ir node.
---
--- Fields beside the stages: `halt_on` (the verdicts that stop the pipeline at a gate), `halted_at` (where the id of
--- the stage that stopped it is written, default `$.halted_at`), `done` (where true is written at the end), `chain =
--- true` (a stage without input reads the output of the one before), `gate_default` ("explicit" or "auto").
function B.pipeline(t)
  if type(t) ~= "table" then
    S.fail(nil, "B.pipeline takes a table of stages, not %s", S.show(t))
  end
  local what = "bp_dsl: B.pipeline"
  S.mark(t)
  S.check_fields(what, t, t, PIPELINE_FIELDS, nil, true)
  local stages = {}
  for i, stage in ipairs(t) do
    stages[i] = G.read(i, stage)
  end
  local gate_default = t.gate_default == nil and "explicit" or t.gate_default
  if gate_default ~= "explicit" and gate_default ~= "auto" then
    S.fail(t, "%s: `gate_default` must be \"explicit\" or \"auto\", not %s", what, S.show(gate_default))
  end
  if t.chain ~= nil and type(t.chain) ~= "boolean" then
    S.warn(t, "%s: `chain` must be true or false, so %s is ignored", what, S.show(t.chain))
  end
  return P.expand(stages, {
    like = t,
    halt_on = G.list_field(what, t, "halt_on", t.halt_on) or {},
    halted_at = G.path_field(what, t, "halted_at", t.halted_at, "$.halted_at"),
    done = G.path_field(what, t, "done", t.done or nil),
    chain = t.chain == true,
    auto = gate_default == "auto",
  })
end

--- Returns the warnings noted so far by the authoring modules and forgets them.
function B.take_authoring_warnings()
  return S.take_warnings()
end

return B
