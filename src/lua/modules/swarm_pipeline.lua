-- The expansion of a pipeline into flow.ir. Internal to bp_dsl.
--
-- Owns: what stages say of each other, when a gate is printed, the nodes of a stage.
-- Does not own: what one stage may hold (swarm_stage), flow.ir itself (flow_dsl).
--
-- P1. What is printed for a stage is a function of the stages and the pipeline's fields alone.
-- P2. Every node of an expansion keeps the line of its stage, a fix's step that of the fix.

local S = require "swarm_authoring"
local F = require "flow_dsl"
local G = require "swarm_stage"

local P = {}

local VERDICT = '.parts["verdict"]'

-- Expressions and nodes that keep the line of `like`.

local function path(like, text)
  return S.mark({ op = "path", at = text }, like)
end

local function lit(like, value)
  return S.mark({ op = "lit", value = value }, like)
end

local function equal(like, text, value)
  return S.mark({ op = "eq", lhs = path(like, text), rhs = lit(like, value) }, like)
end

local function step(like, agent, input, out)
  return S.mark({ kind = "step", ref = agent, ["in"] = path(like, input), out = path(like, out) }, like)
end

local function seq(like, children)
  return S.mark({ kind = "seq", children = children }, like)
end

local function branch(like, cond, yes, no)
  return S.mark({ kind = "branch", cond = cond, ["then"] = yes, ["else"] = no }, like)
end

local function assign(like, at, value)
  return S.mark({ kind = "assign", at = path(like, at), value = lit(like, value) }, like)
end

-- What stages say of each other -------------------------------------------------------------------------------------

-- The output path of every stage and every fix. A later one of the same id takes the name over; the same fix under
-- several stages is no mistake.
local function outputs_of(stages)
  local outs, owners, fixes = {}, {}, {}
  local function claim(stage, out, is_fix)
    local id, owner = stage.id, owners[stage.id]
    if owner and owner ~= stage and not (is_fix and fixes[id] and outs[id] == out) then
      local text = "%s: the id is used twice, and B.from %s means the later one; give each stage its own id"
      S.warn(stage, text, G.label(stage), S.show(id))
    end
    owners[id], outs[id], fixes[id] = stage, out, is_fix
  end
  for _, s in ipairs(stages) do
    claim(s.stage, s.out, false)
    if s.retry then
      claim(s.retry.fix.stage, s.retry.fix.out, true)
    end
  end
  return outs
end

-- The path behind `input`: itself, or the output of the stage it stands for.
local function resolve(stage, input, outs)
  if not G.is_from(input) then
    return input
  end
  local out = outs[input.stage_id]
  if not out then
    S.fail(input, "%s: B.from %s names no stage of the pipeline", G.label(stage), S.show(input.stage_id))
  end
  return out
end

local function wants_gate(s, plan)
  if s.gate == false then
    return false
  elseif s.gate == true or s.retry or s.halt_on then
    return true
  end
  return plan.auto and #plan.halt_on > 0 and not s.fanout
end

local function warn_of_gate(s, plan)
  local what, gated = G.label(s.stage), wants_gate(s, plan)
  if (gated or s.retry) and #(s.halt_on or plan.halt_on) == 0 then
    local thing = s.retry and "retry" or "gate"
    S.warn(s.stage, "%s: no value halts it, so its %s never acts; name the values in halt_on", what, thing)
  end
  if gated and s.fanout then
    local text = "%s: a fanout has no verdict of its own, so reading one from its output %s fails; "
      .. "gate the stage that aggregates the lanes"
    S.warn(s.stage, text, what, s.out)
  elseif gated and s.skip_on then
    local text = "%s: when skip_on applies nothing is written to %s, and the stage's own gate fails reading it"
    S.warn(s.stage, text, what, s.out)
  end
  return gated
end

local function warn_of_gates(stages, plan)
  local ids, some_gate = {}, false
  for i, s in ipairs(stages) do
    ids[i] = tostring(s.id)
    some_gate = warn_of_gate(s, plan) or some_gate
  end
  if #plan.halt_on == 0 or some_gate then
    return
  end
  local values = {}
  for i, value in ipairs(plan.halt_on) do
    values[i] = tostring(value)
  end
  local text = "bp_dsl: the pipeline's halt_on (%s) halts nothing, for none of its stages (%s) has a gate; "
    .. 'set gate = true on a stage, or gate_default = "auto"'
  S.warn(nil, text, table.concat(values, ", "), table.concat(ids, ", "))
end

-- Nodes -------------------------------------------------------------------------------------------------------------

local function verdict_is(stage, out, values)
  local tests = {}
  for i, value in ipairs(values) do
    tests[i] = equal(stage, out .. VERDICT, value)
  end
  return #tests == 1 and tests[1] or S.mark({ op = "or", args = tests }, stage)
end

local function items_of(s, outs)
  local stage, items = s.stage, s.fanout.items
  if G.is_from(items) then
    return path(stage, resolve(stage, items, outs))
  end
  local ast = F.unwrap(items)
  return F.is_expr(items) and ast or S.mark(ast, stage)
end

-- A lane runs when the bound item is its name, the last one in any other case.
local function cascade(s, outs)
  local stage, names, body = s.stage, {}, nil
  for i = #s.fanout.lanes, 1, -1 do
    local lane = s.fanout.lanes[i]
    names[i] = lane.name
    local run = step(stage, lane.agent, resolve(stage, lane.input, outs), lane.out)
    body = body and branch(stage, equal(stage, s.fanout.bind, lane.name), run, body) or run
  end
  return body, names
end

local function fanout_node(s, outs)
  local stage, fanout = s.stage, s.fanout
  local body, default_items
  if fanout.agent then
    body, default_items = step(stage, fanout.agent, fanout.bind, fanout.lane_out), path(stage, s.reads)
  else
    local names
    body, names = cascade(s, outs)
    default_items = lit(stage, names)
  end
  return S.mark({
    kind = "fanout",
    items = fanout.items ~= nil and items_of(s, outs) or default_items,
    bind = path(stage, fanout.bind),
    body = body,
    join = fanout.join,
    out = path(stage, s.out),
  }, stage)
end

-- Runs the fix and the stage again while the verdict halts and turns are left. The loop's own `max` is one more than
-- the turns, so it is never the reason to stop.
local function retry_loop(s, run, halt, outs)
  local stage, retry = s.stage, s.retry
  local fix = retry.fix
  local turns_left = S.mark({ op = "lt", lhs = path(stage, retry.counter), rhs = lit(stage, retry.max) }, stage)
  return S.mark({
    kind = "loop",
    counter = path(stage, retry.counter),
    cond = S.mark({ op = "and", args = { turns_left, verdict_is(stage, s.out, halt) } }, stage),
    body = seq(stage, { step(fix.stage, fix.agent, resolve(fix.stage, fix.input, outs), fix.out), run }),
    max = retry.max + 1,
  }, stage)
end

-- The nodes of one stage, before its gate.
local function body_of(s, halt, outs)
  local stage = s.stage
  local run = s.fanout and fanout_node(s, outs) or step(stage, s.agent, s.reads, s.out)
  local body = { run, s.retry and retry_loop(s, run, halt, outs) or nil }
  if not s.skip_on then
    return body
  end
  local verdict = path(stage, s.reads .. VERDICT)
  local skipped = S.mark({ op = "in", needle = verdict, haystack = lit(stage, s.skip_on) }, stage)
  return { branch(stage, skipped, seq(stage, {}), seq(stage, body)) }
end

--- The flow.ir node of a pipeline. `stages` were read by swarm_stage; `plan` has halt_on, halted_at, done, chain and
--- auto, and `like`, the table whose line the pipeline's own nodes keep.
function P.expand(stages, plan)
  local outs = outputs_of(stages)
  warn_of_gates(stages, plan)
  for i, s in ipairs(stages) do
    local before = plan.chain and i > 1 and stages[i - 1].out or nil
    s.reads = resolve(s.stage, s.input, outs) or before or "$.d." .. s.id
  end
  local node = plan.done and assign(plan.like, plan.done, true) or seq(plan.like, {})
  for i = #stages, 1, -1 do
    local s = stages[i]
    local halt = s.halt_on or plan.halt_on
    local children = body_of(s, halt, outs)
    if wants_gate(s, plan) then
      node = branch(s.stage, verdict_is(s.stage, s.out, halt), assign(s.stage, plan.halted_at, s.id), node)
    end
    children[#children + 1] = node
    node = seq(s.stage, children)
  end
  return node
end

return P
