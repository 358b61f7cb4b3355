-- flow_dsl: builds flow.ir. Conventionally `local F = require "flow_dsl"`.
--
-- An *expression* is a wrapper with one field, `ast`; methods and operators combine wrappers. A *node* is a plain
-- table. Wherever an expression is expected any other value stands for itself: it becomes a literal.
--
-- F1. What is printed is flow.ir in the `assign` dialect, and nothing else: no ids, no comments, no positions.
-- F2. An error is raised only for what could never decode as flow.ir. Whatever decodes and is probably a mistake is a
--     warning, and is printed as it was written.

local S = require "swarm_authoring"

local F = {
  --- `F.obj()` is a table with this key set to true; the host turns exactly that table into `{}`.
  EMPTY_OBJECT_MARKER_KEY = "__mse_empty_object__",
}

local methods, meta = {}, {}

local JOINS = { all = true, any = true, race = true, all_settled = true }
local MAX_LOOP = 4294967295

local function wrap(ast)
  return setmetatable({ ast = S.mark(ast) }, meta)
end

--- Whether `value` is an expression, as opposed to a value that would become a literal.
function F.is_expr(value)
  return type(value) == "table" and getmetatable(value) == meta
end

local function literal(what, value)
  if value == nil then
    S.fail(nil, "%s is nil, and a literal needs a value; write json.null for null", what)
  end
  S.walk(value, function(t, place)
    local advice = S.wrapper_advice(t)
    if advice then
      S.warn(nil, "%s is a literal with a builder inside%s: %s", what, place ~= "" and " at " .. place or "", advice)
    end
    return advice
  end)
  return S.mark({ op = "lit", value = value })
end

local function ast(what, value)
  if F.is_expr(value) then
    return value.ast
  end
  return literal(what, value)
end

-- An operand that is tested for truth. A bare boolean is what `==` and `~=` leave of an expression.
local function condition(what, value)
  if type(value) == "boolean" then
    local text = "%s is the constant %s; Lua's == and ~= do not build expressions, use :eq(...) or :ne(...), "
      .. "or write F.lit(%s) if it is meant"
    S.warn(nil, text, what, tostring(value), tostring(value))
  end
  return ast(what, value)
end

-- A place to write to.
local function target(what, value)
  local out = ast(what, value)
  if out.op ~= "path" then
    local hint = type(value) == "string" and ("; write F.p%s"):format(S.show(value)) or "; write F.p\"$.name\""
    S.warn(nil, "%s must be a path and is not one, so the step that writes it will fail%s", what, hint)
  end
  return out
end

-- A flow node. Tables that name their kind, also in the positional form `{"seq", {...}}`, are left to the decoder.
local function node(what, value)
  if type(value) ~= "table" then
    S.fail(nil, "%s must be a node, not %s", what, S.show(value))
  end
  local advice = S.wrapper_advice(value)
  if advice then
    S.fail(nil, "%s must be a node: %s", what, advice)
  end
  if value.kind == nil and value[1] == nil then
    if value.id ~= nil then
      S.fail(nil, "%s is stage %s, not a node; stages belong in B.pipeline{...}", what, S.show(value.id))
    end
    S.fail(nil, "%s is not a node: it has no `kind`; build it with F.step, F.seq, F.branch, ...", what)
  end
  return value
end

local function list(what, value)
  if type(value) ~= "table" then
    S.fail(nil, "%s must be a list in braces, not %s", what, S.show(value))
  end
  if F.is_expr(value) then
    S.warn(nil, "%s is one expression, so the list is empty; put it in braces", what)
    return {}
  end
  S.check_fields(what, nil, value, {}, nil, true)
  return value
end

local function fields(what, value, known, aliases)
  if type(value) ~= "table" then
    S.fail(nil, "%s takes one table of fields, not %s", what, S.show(value))
  end
  S.check_fields(what, nil, value, known, aliases, false)
  return function(field, read)
    local given = value[field]
    if given == nil then
      S.fail(nil, "%s: field `%s` is missing%s", what, field, S.meant_for(field, value, known, aliases))
    end
    return read(("%s: `%s`"):format(what, field), given)
  end
end

-- Expressions -------------------------------------------------------------------------------------------------------

--- The value at a path: `F.p"$.a.b"`. Keys with dots or brackets are written `$["a.b"]`.
function F.p(path)
  if type(path) ~= "string" then
    S.fail(nil, "F.p takes a path text like \"$.name\", not %s", S.show(path))
  end
  return wrap({ op = "path", at = path })
end

--- A literal. Null is written `F.lit(json.null)`.
function F.lit(value)
  return setmetatable({ ast = literal("F.lit's argument", value) }, meta)
end

--- The table itself as the expression's JSON, unchecked.
function F.raw(value)
  if type(value) ~= "table" then
    S.fail(nil, "F.raw takes the table of an expression, like { op = \"path\", at = \"$.a\" }, not %s", S.show(value))
  end
  return wrap(value)
end

--- The JSON table of an expression, or of the literal that any other value stands for.
function F.unwrap(value)
  return ast("F.unwrap's argument", value)
end

--- Calls the pure host function `name` with the expressions of `args`.
function F.call_extern(name, args)
  if type(name) ~= "string" then
    S.fail(nil, "F.call_extern takes the name of a host function first, not %s", S.show(name))
  end
  local out = {}
  for i, arg in ipairs(args == nil and {} or list("F.call_extern's arguments", args)) do
    out[i] = ast(("F.call_extern: argument %d"):format(i), arg)
  end
  return wrap({ op = "call_extern", ref = name, args = out })
end

local function variadic(name, op)
  return function(args)
    local out = {}
    for i, arg in ipairs(list(name, args)) do
      out[i] = condition(("%s: entry %d"):format(name, i), arg)
    end
    return wrap({ op = op, args = out })
  end
end

--- True when every expression of the list is: `F.all{ a, b, c }`. True for the empty list.
F.all = variadic("F.all", "and")

--- True when some expression of the list is: `F.any{ a, b, c }`. False for the empty list.
F.any = variadic("F.any", "or")

--- A value that becomes the empty object `{}`; a bare `{}` becomes the empty array.
function F.obj(...)
  if select("#", ...) > 0 then
    S.warn(nil, "F.obj takes no argument and always is the empty object; a table with fields is an object by itself")
  end
  return { [F.EMPTY_OBJECT_MARKER_KEY] = true }
end

-- Methods and operators ---------------------------------------------------------------------------------------------

for _, op in ipairs({ "eq", "ne", "lt", "lte", "gt", "gte" }) do
  methods[op] = function(a, b)
    return wrap({ op = op, lhs = ast((":%s's left side"):format(op), a), rhs = ast((":%s's argument"):format(op), b) })
  end
end

for name, op in pairs({ And = "and", Or = "or" }) do
  methods[name] = function(a, b)
    local left = condition((":%s's left side"):format(name), a)
    return wrap({ op = op, args = { left, condition((":%s's argument"):format(name), b) } })
  end
end

for name, op in pairs({ Not = "not", exists = "exists", len = "len" }) do
  methods[name] = function(a)
    return wrap({ op = op, arg = ast((":%s's subject"):format(name), a) })
  end
end

--- `haystack:contains(needle)`.
function methods.contains(haystack, needle)
  return wrap({
    op = "in",
    needle = ast(":contains's argument", needle),
    haystack = ast(":contains's subject", haystack),
  })
end

for event, op in pairs({ __add = "add", __sub = "sub", __mul = "mul", __div = "div", __mod = "mod" }) do
  meta[event] = function(a, b)
    local left = ast(("the left side of `%s`"):format(op), a)
    return wrap({ op = op, lhs = left, rhs = ast(("the right side of `%s`"):format(op), b) })
  end
end

-- Operators that flow.ir has no expression for, or that Lua does not let a library define: what to write instead.
for event, advice in pairs({
  __lt = "`<` and `>` do not build expressions: use :lt(...) or :gt(...)",
  __le = "`<=` and `>=` do not build expressions: use :lte(...) or :gte(...)",
  __concat = "`..` does not build expressions: flow.ir has no text concatenation, leave it to an agent or an extern",
  __unm = "unary minus does not build expressions: write 0 - e",
  __pow = "`^` does not build expressions: use F.call_extern",
  __idiv = "`//` does not build expressions: use / or F.call_extern",
  __band = "`&` does not build expressions: use :And(...)",
  __bor = "`|` does not build expressions: use :Or(...)",
  __bxor = "`~` does not build expressions: use :ne(...)",
  __bnot = "`~` does not build expressions: use :Not()",
  __shl = "`<<` does not build expressions: use F.call_extern",
  __shr = "`>>` does not build expressions: use F.call_extern",
  __call = "an expression cannot be called: is an operator or a comma missing before the parenthesis or brace?",
}) do
  meta[event] = function()
    S.fail(nil, "flow_dsl: %s", advice)
  end
end

function meta.__eq()
  local text = "flow_dsl: `==` and `~=` compare the Lua objects here, not the values at run time: "
    .. "use :eq(...) or :ne(...)"
  S.warn(nil, text)
  return false
end

function meta.__len()
  S.warn(nil, "flow_dsl: `#` of an expression is always 0: use :len()")
  return 0
end

local METHODS = { "eq", "ne", "lt", "lte", "gt", "gte", "And", "Or", "Not", "exists", "len", "contains" }
local METHOD_ALIASES = {
  le = "lte", ge = "gte", neq = "ne", equals = "eq", is = "eq", not_ = "Not", and_ = "And", or_ = "Or",
  has = "contains", includes = "contains", size = "len", count = "len", length = "len", exist = "exists",
  present = "exists",
}
-- Names that generic code reads to find out what a table is. An expression has none of them.
local PROBES = { op = true, at = true, kind = true, value = true, args = true, id = true, stage_id = true }

function meta.__index(_, key)
  local method = methods[key]
  if method or type(key) ~= "string" or PROBES[key] or key:sub(1, 2) == "__" then
    return method
  end
  local meant = S.closest(key, METHODS, METHOD_ALIASES)
  return S.fail(
    nil,
    "flow_dsl: an expression has no method :%s; %s",
    key,
    meant and ("did you mean :%s?"):format(meant) or "it has " .. table.concat(METHODS, ", ") .. " and + - * / %"
  )
end

S.wrapper(
  meta,
  "an expression is only evaluated where a builder takes one, "
    .. "and flow.ir cannot build objects or lists from expressions"
)

-- Nodes -------------------------------------------------------------------------------------------------------------

--- One dispatch to an agent. `id` is for the reader only.
function F.step(t)
  local known = { "id", "agent", "input", "out" }
  local field = fields("F.step", t, known, { ref = "agent", ["in"] = "input", in_ = "input", output = "out" })
  local agent = field("agent", function(what, agent)
    if type(agent) ~= "string" then
      S.fail(nil, "%s must be an agent's name, not %s", what, S.show(agent))
    end
    return agent
  end)
  return S.mark({ kind = "step", ref = agent, ["in"] = field("input", ast), out = field("out", target) })
end

--- Nodes in order: `F.seq{ a, b }`. `F.seq{}` does nothing.
function F.seq(t)
  local children = {}
  for i, child in ipairs(list("F.seq", t)) do
    children[i] = node(("F.seq: child %d"):format(i), child)
  end
  return S.mark({ kind = "seq", children = children })
end

--- `on_true` when the expression is true, `on_false` when it is false; anything else fails the run.
function F.branch(t)
  local known = { "cond", "on_true", "on_false" }
  local aliases = { ["then"] = "on_true", ["else"] = "on_false", then_ = "on_true", else_ = "on_false" }
  local field = fields("F.branch", t, known, aliases)
  if t.on_false == nil and S.meant_for("on_false", t, known, aliases) == "" then
    S.fail(nil, "F.branch: field `on_false` is missing; write on_false = F.seq{} to do nothing")
  end
  return S.mark({
    kind = "branch",
    cond = field("cond", condition),
    ["then"] = field("on_true", node),
    ["else"] = field("on_false", node),
  })
end

--- Repeats `body` while the expression is truthy, at most `max` times; `counter` holds the turns done.
function F.loop_(t)
  local field = fields("F.loop_", t, { "counter", "cond", "max", "body" }, { ["while"] = "cond" })
  local max = field("max", function(what, max)
    local whole = type(max) == "number" and math.tointeger(max) or nil
    if not whole or whole < 0 or whole > MAX_LOOP then
      S.fail(nil, "%s must be a whole number from 0 to %d, not %s", what, MAX_LOOP, S.show(max))
    end
    return whole
  end)
  return S.mark({
    kind = "loop",
    counter = field("counter", target),
    cond = field("cond", condition),
    body = field("body", node),
    max = max,
  })
end

--- Runs `body` once for each item, each in its own copy of the ctx with the item at `bind`.
function F.fanout(t)
  local field = fields("F.fanout", t, { "items", "bind", "body", "join", "out" }, { as = "bind", input = "items" })
  local join = field("join", function(what, join)
    if not JOINS[join] then
      S.fail(nil, "%s must be \"all\", \"any\", \"race\" or \"all_settled\", not %s", what, S.show(join))
    end
    return join
  end)
  return S.mark({
    kind = "fanout",
    items = field("items", ast),
    bind = field("bind", target),
    body = field("body", node),
    join = join,
    out = field("out", target),
  })
end

--- Writes the value of an expression to a path.
function F.assign(t)
  local field = fields("F.assign", t, { "at", "value" }, { out = "at", path = "at" })
  return S.mark({ kind = "assign", at = field("at", target), value = field("value", ast) })
end

--- Runs `body`; on an error takes back its writes, puts the error's text at `err_at` if that is given, and runs
--- `catch`.
function F.try_(t)
  local field = fields("F.try_", t, { "body", "catch", "err_at" }, { on_error = "catch", error_at = "err_at" })
  return S.mark({
    kind = "try",
    body = field("body", node),
    catch = field("catch", node),
    err_at = t.err_at ~= nil and field("err_at", target) or nil,
  })
end

return F
