import canonicalize from "canonicalize";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { useAuthor } from "./author.ts";

const author = useAuthor();
const stage = (fields: string) => `return (B.pipeline { B.stage "s" { ${fields} } })`;
const FIX = 'fix = B.stage "f" { agent = "y" }';

describe("what could never be flow.ir is an error at the author's line", () => {
  const rows: readonly [string, string][] = [
    // expressions
    ["return F.lit(nil)", "F.lit's argument is nil, and a literal needs a value; write json.null for null"],
    ["return F.p(1)", 'F.p takes a path text like "$.name", not 1'],
    ['return F.raw("$.a")', 'F.raw takes the table of an expression, like { op = "path", at = "$.a" }, not "$.a"'],
    ["return F.call_extern(nil, {})", "F.call_extern takes the name of a host function first, not nil"],
    ['return F.p"$.a":eq()', ":eq's argument is nil, and a literal needs a value; write json.null for null"],
    ['return F.p"$.a" < 3', "flow_dsl: `<` and `>` do not build expressions: use :lt(...) or :gt(...)"],
    ['return F.p"$.a" >= F.p"$.b"', "flow_dsl: `<=` and `>=` do not build expressions: use :lte(...) or :gte(...)"],
    [
      'return F.p"$.a" .. "x"',
      "flow_dsl: `..` does not build expressions: flow.ir has no text concatenation, leave it to an agent or an extern",
    ],
    ['return -F.p"$.a"', "flow_dsl: unary minus does not build expressions: write 0 - e"],
    ['return F.p"$.a" // 2', "flow_dsl: `//` does not build expressions: use / or F.call_extern"],
    ['return F.p"$.a":equals(3)', "flow_dsl: an expression has no method :equals; did you mean :eq?"],
    [
      'return F.p"$.a":lessthan(3)',
      "flow_dsl: an expression has no method :lessthan; it has eq, ne, lt, lte, gt, gte, And, Or, Not, exists, len, contains and + - * / %",
    ],
    [
      'return (F.p"$.a" { 1 })',
      "flow_dsl: an expression cannot be called: is an operator or a comma missing before the parenthesis or brace?",
    ],
    // nodes
    ["return F.step(1)", "F.step takes one table of fields, not 1"],
    [
      'return F.step { agnet = "x", input = 1, out = F.p"$.a" }',
      "F.step: field `agent` is missing (is `agnet` meant to be it?)",
    ],
    ['return F.step { agent = "x", out = F.p"$.a" }', "F.step: field `input` is missing"],
    ['return F.step { agent = "x", input = 1 }', "F.step: field `out` is missing"],
    ['return F.step { agent = 1, input = 1, out = F.p"$.a" }', "F.step: `agent` must be an agent's name, not 1"],
    ["return F.seq { 3 }", "F.seq: child 1 must be a node, not 3"],
    [
      'return F.seq { F.p"$.a" }',
      "F.seq: child 1 must be a node: an expression is only evaluated where a builder takes one, and flow.ir cannot build objects or lists from expressions",
    ],
    [
      "return F.seq { {} }",
      "F.seq: child 1 is not a node: it has no `kind`; build it with F.step, F.seq, F.branch, ...",
    ],
    ['return F.seq { B.stage "a" {} }', 'F.seq: child 1 is stage "a", not a node; stages belong in B.pipeline{...}'],
    [
      "return F.branch { cond = F.lit(true), on_true = F.seq {} }",
      "F.branch: field `on_false` is missing; write on_false = F.seq{} to do nothing",
    ],
    [
      "return F.branch { cond = F.lit(true), on_true = F.seq {}, else_ = F.seq {} }",
      "F.branch: field `on_false` is missing (is `else_` meant to be it?)",
    ],
    [
      'return F.loop_ { counter = F.p"$.n", cond = F.p"$.c", max = 1.5, body = F.seq {} }',
      "F.loop_: `max` must be a whole number from 0 to 4294967295, not 1.5",
    ],
    [
      'return F.fanout { items = {}, bind = F.p"$.i", body = F.seq {}, join = "first", out = F.p"$.o" }',
      'F.fanout: `join` must be "all", "any", "race" or "all_settled", not "first"',
    ],
    ['return F.assign { at = F.p"$.a" }', "F.assign: field `value` is missing"],
    ["return F.try_ { body = F.seq {} }", "F.try_: field `catch` is missing"],
    // Blueprints and stages
    ["return B.bp()", "B.bp takes the Blueprint's table, not nil"],
    [
      'return B.bp { flow = { kind = "step", ["in"] = F.p"$.a" } }',
      "B.bp: flow.in is not flow.ir: an expression is only evaluated where a builder takes one, and flow.ir cannot build objects or lists from expressions",
    ],
    ["return B.agent { md = 1 }", "B.agent: `md` must be the name of an agent.md file, not 1"],
    ["return B.from()", "B.from takes the id of a stage, not nil"],
    ["return B.stage {}", 'bp_dsl: B.stage: a stage needs an id: write B.stage "name" {...}'],
    ['return B.stage "s" "x"', 'bp_dsl: B.stage "s" takes a table of fields, not "x"'],
    ["return B.pipeline(1)", "B.pipeline takes a table of stages, not 1"],
    ["return B.pipeline { 1 }", 'bp_dsl: B.pipeline: entry 1 must be a stage, B.stage "name" {...}, not 1'],
    [
      "return B.pipeline { F.seq {} }",
      "bp_dsl: B.pipeline: entry 1 is a flow.ir node; a pipeline takes stages, nodes go into F.seq",
    ],
    [
      'return B.pipeline { gate_default = "always" }',
      'bp_dsl: B.pipeline: `gate_default` must be "explicit" or "auto", not "always"',
    ],
    [
      "return B.pipeline { done = true }",
      'bp_dsl: B.pipeline: `done` must be a path, not true; write a path string like "$.name"',
    ],
    [stage(""), 'bp_dsl: stage "s": field `agent` is missing; name the agent that does it'],
    [
      stage('ref = "x"'),
      'bp_dsl: stage "s": field `agent` is missing (is `ref` meant to be it?); name the agent that does it',
    ],
    [
      stage('agent = "x", input = F.p"$.a"'),
      'bp_dsl: stage "s": `input` must be a path, not a table; write the path itself as a string, like "$.name", not F.p(...)',
    ],
    [stage('agent = "x", input = B.from "q"'), 'bp_dsl: stage "s": B.from "q" names no stage of the pipeline'],
    [stage('agent = "x", retry = 3'), 'bp_dsl: stage "s": `retry` must be a table with `max` and `fix`, not 3'],
    [stage(`agent = "x", retry = { ${FIX} }`), 'bp_dsl: stage "s": field `retry.max` is missing'],
    [
      stage(`agent = "x", retry = { max = "2", ${FIX} }`),
      'bp_dsl: stage "s": `retry.max` must be a whole number, not "2"',
    ],
    [
      stage('agent = "x", retry = { max = 1 }'),
      'bp_dsl: stage "s": field `retry.fix` is missing; it is the stage that mends what was refused',
    ],
    [
      stage('agent = "x", retry = { max = 1, fix = "f" }'),
      'bp_dsl: stage "s": `retry.fix` must be a stage: write fix = B.stage "name" {...}, not "f"',
    ],
    [
      stage('agent = "x", retry = { max = 1, fix = B.stage "f" {} }'),
      'bp_dsl: stage "f": field `agent` is missing; name the agent that does it',
    ],
    // fanout stages
    [stage('agent = "x", fanout = { agent = "y" }'), 'bp_dsl: stage "s" has both `agent` and `fanout`; keep one'],
    [
      stage(`fanout = { agent = "y" }, retry = { max = 1, ${FIX} }`),
      'bp_dsl: stage "s": `retry` does not go with `fanout`; put the retry on the stage that aggregates the results',
    ],
    [
      stage("fanout = {}"),
      'bp_dsl: stage "s": `fanout` needs either `agent` (the same for every item) or `lanes` (one agent each)',
    ],
    [
      stage('fanout = { agent = "y", lanes = { "z" } }'),
      'bp_dsl: stage "s": `fanout` needs either `agent` (the same for every item) or `lanes` (one agent each)',
    ],
    [
      stage('fanout = { agent = "y", join = "first" }'),
      'bp_dsl: stage "s": `fanout.join` must be "all", "any", "race" or "all_settled", not "first"',
    ],
    ...['"a"', "{}", '{ a = "x" }'].map((lanes): [string, string] => [
      stage(`fanout = { lanes = ${lanes} }`),
      'bp_dsl: stage "s": `fanout.lanes` must be a list of lanes with at least one entry',
    ]),
    [
      stage("fanout = { lanes = { 1 } }"),
      'bp_dsl: stage "s": fanout lane 1 must be an agent\'s name or a table with `lane` and `agent`, not 1',
    ],
    [
      stage('fanout = { lanes = { { input = "$.a" } } }'),
      'bp_dsl: stage "s": fanout lane 1 has neither `lane` nor `agent`',
    ],
  ];

  it.each(rows)("%s", async (text, message) => {
    const error = await author.failure(`\n${text}`);
    expect(error.message).toBe(`test.bp.lua:2: ${message}`);
    expect(error).toMatchObject({ code: "lua_error", chunk: "test.bp.lua", line: 2 });
  });

  it("names the stage's line where the pipeline finds it", async () => {
    const error = await author.failure(`
local broken = B.stage "s" { agent = "x", retry = { max = 1 } }
return B.pipeline {
  B.stage "ok" { agent = "x" },
  broken,
}`);
    expect(error).toMatchObject({ line: 2 });
    expect(error.message).toContain('stage "s": field `retry.fix` is missing');
  });

  it("is an error the script can catch, as text", async () => {
    const value = await author.value('local ok, text = pcall(F.p, 1); return { ok, type(text), text:match("F%.p.*") }');
    expect(value).toEqual([false, "string", 'F.p takes a path text like "$.name", not 1']);
  });
});

describe("what decodes and is most likely a mistake is a warning, and is printed as the reference prints it", () => {
  const rows: readonly [string, string, Json?][] = [
    [
      'return (F.branch { cond = F.p"$.a" == 3, on_true = F.seq {}, on_false = F.seq {} })',
      "F.branch: `cond` is the constant false; Lua's == and ~= do not build expressions, use :eq(...) or :ne(...), or write F.lit(false) if it is meant",
      { op: "lit", value: false },
    ],
    [
      'return { F.p"$.a" == F.p"$.b" }',
      "flow_dsl: `==` and `~=` compare the Lua objects here, not the values at run time: use :eq(...) or :ne(...)",
      [false],
    ],
    ['return { #F.p"$.a" }', "flow_dsl: `#` of an expression is always 0: use :len()", [0]],
    [
      'return (F.unwrap(F.all(F.p"$.a")))',
      "F.all is one expression, so the list is empty; put it in braces",
      { op: "and", args: [] },
    ],
    [
      "return (F.seq { F.seq {}, nil, F.seq {} })",
      "F.seq: entry 2 is nil, so the entries after it are lost",
      { kind: "seq", children: [{ kind: "seq", children: [] }] },
    ],
    [
      "return { F.obj { 1 } }",
      "F.obj takes no argument and always is the empty object; a table with fields is an object by itself",
      [{}],
    ],
    [
      'return (F.step { agent = "x", input = 1, out = F.p"$.a", label = "n" })',
      'F.step: unknown field "label" is ignored; known: id, agent, input, out',
    ],
    [
      'return (F.step { agent = "x", input = 1, out = "$.a" })',
      'F.step: `out` must be a path and is not one, so the step that writes it will fail; write F.p"$.a"',
      { op: "lit", value: "$.a" },
    ],
    [
      'return (F.step { agent = "x", input = { a = F.p"$.a" }, out = F.p"$.a" })',
      "F.step: `input` is a literal with a builder inside at .a: an expression is only evaluated where a builder takes one, and flow.ir cannot build objects or lists from expressions",
      { op: "lit", value: { a: { ast: { op: "path", at: "$.a" } } } },
    ],
    [
      'return (B.bp { agents = { { name = B.from "s" } } })',
      "B.bp: agents[1].name is data with a builder inside: B.from stands for a stage's output only in a stage's, a fix's or a lane's `input` and in `fanout.items`",
      { agents: [{ name: { stage_id: "s" } }] },
    ],
    [
      'return (B.bp { agents = { "a", note = 1 } })',
      'B.bp: agents is a list, so its key "note" is lost; a table is a list or has named keys, not both',
      { agents: ["a"] },
    ],
    [stage('agent = "x", gat = true'), 'bp_dsl: stage "s": unknown field "gat" is ignored; did you mean `gate`?'],
    [stage('agent = "x", gate = "yes"'), 'bp_dsl: stage "s": `gate` must be true or false, so "yes" is ignored'],
    [
      stage('agent = "x", skip_on = "SKIP"'),
      'bp_dsl: stage "s": `skip_on` must be a list, and the guard fails on a string; write { "SKIP" }',
      { op: "lit", value: "SKIP" },
    ],
    [
      stage('agent = "x", gate = false, halt_on = "NO"'),
      'bp_dsl: stage "s": `halt_on` must be a list, so the string matches nothing; write { "NO" }',
    ],
    [
      stage(`agent = "x", gate = false, halt_on = { "NO" }, retry = { max = 0, ${FIX} }`),
      'bp_dsl: stage "s": `retry.max` is 0, so the fix never runs',
    ],
    [
      stage(`agent = "x", gate = false, retry = { max = 1, ${FIX} }`),
      'bp_dsl: stage "s": no value halts it, so its retry never acts; name the values in halt_on',
    ],
    [
      stage('agent = "x", halt_on = { "NO" }, retry = { max = 1, fix = B.stage "f" { agent = "y", gate = true } }'),
      'bp_dsl: stage "f": unknown field "gate" is ignored; known: id, agent, input, out',
    ],
    [
      stage('fanout = { lanes = { "a", "a" } }'),
      'bp_dsl: stage "s": lane "a" occurs twice; only the first is ever run',
    ],
    [
      stage('fanout = { lanes = { "a", "b" }, items = { "a", "c" } }'),
      'bp_dsl: stage "s": item "c" names no lane, so it runs the last lane, "b"',
    ],
    [
      stage('fanout = { agent = "x", items = "$.list" }'),
      'bp_dsl: stage "s": `fanout.items` is the text "$.list", not a path; write F.p"$.list"',
      { op: "lit", value: "$.list" },
    ],
    [
      stage('fanout = { agent = "x" }, halt_on = { "NO" }'),
      'bp_dsl: stage "s": a fanout has no verdict of its own, so reading one from its output $.s fails; gate the stage that aggregates the lanes',
    ],
    [
      stage('agent = "x", skip_on = { "SKIP" }, halt_on = { "NO" }'),
      'bp_dsl: stage "s": when skip_on applies nothing is written to $.s, and the stage\'s own gate fails reading it',
    ],
    [
      'return (B.pipeline { B.stage "a" { agent = "x" }, B.stage "a" { agent = "y" } })',
      'bp_dsl: stage "a": the id is used twice, and B.from "a" means the later one; give each stage its own id',
    ],
    [
      'local t = { agent = "x" }; return (B.pipeline { B.stage "a" (t), B.stage "b" (t) })',
      'bp_dsl: stage "b" uses the table of stage "a", and both are "b" now; give each its own table',
    ],
    [
      'return (B.pipeline { B.stage "a" { agent = "x" }, B.stage "b" { agent = "x" }, halt_on = { "NO", "STOP" } })',
      'bp_dsl: the pipeline\'s halt_on (NO, STOP) halts nothing, for none of its stages (a, b) has a gate; set gate = true on a stage, or gate_default = "auto"',
    ],
    [
      'return (B.pipeline { B.stage "a" { agent = "x" }, finished = "$.f" })',
      'bp_dsl: B.pipeline: unknown field "finished" is ignored; known: halt_on, halted_at, done, chain, gate_default',
    ],
  ];

  it.each(rows)("%s", async (text, message, printed) => {
    const { value, warnings } = await author.build(`\n${text}`);
    expect(warnings).toEqual([{ message, position: { file: "test.bp.lua", line: 2 } }]);
    if (printed !== undefined) expect(canonicalize(value)).toContain(canonicalize(printed));
  });

  it("says nothing where everything is meant", async () => {
    expect(
      await author.warnings(`return (B.pipeline {
        B.stage "a" { agent = "x", gate = true },
        B.stage "b" { agent = "x", retry = { max = 1, ${FIX} } },
        B.stage "c" { agent = "x", retry = { max = 2, ${FIX} } },
        halt_on = { "NO" }, halted_at = "$.h", done = "$.d1",
      })`),
    ).toEqual([]);
    expect(
      await author.warnings('return (B.pipeline { B.stage "a" { agent = "x" }, halted_at = "$.h", done = "$.k" })'),
    ).toEqual([]);
    expect(
      await author.warnings(
        'return (B.pipeline { B.stage "a" { agent = "x" }, halt_on = { "NO" }, gate_default = "auto" })',
      ),
    ).toEqual([]);
  });

  it("tells an equal warning of one line once, and bounds how many there are", async () => {
    const { warnings } = await author.build("for _ = 1, 50 do local _ = #F.p'$.a' end return {}");
    expect(warnings).toHaveLength(1);
    const many = await author.build(`${"local _ = #F.p'$.a'\n".repeat(150)}${"_ = #F.p'$.a'\n".repeat(100)}return {}`);
    expect(many.warnings).toHaveLength(201);
    expect(many.warnings.at(-1)).toEqual({ message: "50 further warnings are not shown" });
  });

  it("gives them to a script that asks, and then not to the host", async () => {
    const { value, warnings } = await author.build('local _ = #F.p"$.a"; return B.take_authoring_warnings()');
    expect(value).toEqual(["test.bp.lua:1: flow_dsl: `#` of an expression is always 0: use :len()"]);
    expect(warnings).toEqual([]);
  });

  it("is told to the host also where only flow_dsl is used", async () => {
    const { warnings } = await author.build('return { #F.p"$.a" }');
    expect(warnings).toHaveLength(1);
  });
});
