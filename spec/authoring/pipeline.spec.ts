import canonicalize from "canonicalize";
import { describe, expect, it } from "vitest";
import { ir, useAuthor } from "./author.ts";

const author = useAuthor();
const { step, seq, branch, verdict, gate, assign, path, lit } = ir;
const BLOCKED = (out: string) => verdict(out, "BLOCKED");
const noop = seq();

describe("B.pipeline", () => {
  it("prints steps, a bounded retry, its gate and the end mark", async () => {
    const value = await author.value(`return (B.pipeline {
      B.stage "plan" { agent = "plan" },
      B.stage "check" {
        agent = "check",
        retry = { max = 1, fix = B.stage "mend" { agent = "fixer", input = B.from "check" } },
      },
      B.stage "ship" { agent = "ship" },
      halt_on = { "BLOCKED" },
      done = "$.ok",
    })`);
    const check = step("check", "$.d.check", "$.check");
    expect(value).toEqual(
      seq(
        step("plan", "$.d.plan", "$.plan"),
        seq(
          check,
          {
            kind: "loop",
            counter: path("$.check_n"),
            max: 2,
            cond: { op: "and", args: [{ op: "lt", lhs: path("$.check_n"), rhs: lit(1) }, BLOCKED("$.check")] },
            body: seq(step("fixer", "$.check", "$.mend"), check),
          },
          gate(BLOCKED("$.check"), "check", seq(step("ship", "$.d.ship", "$.ship"), assign("$.ok", true))),
        ),
      ),
    );
  });

  it("prints only its tail without stages", async () => {
    expect(await author.value("return (B.pipeline {})")).toEqual(noop);
    expect(await author.value('return (B.pipeline { done = "$.ok" })')).toEqual(assign("$.ok", true));
  });

  it("takes input, out, halted_at and the counter as paths", async () => {
    const value = await author.value(`return (B.pipeline {
      B.stage "a" { agent = "x", input = "$.in", out = "$.o.a", retry = { max = 2, counter = "$.k", fix = B.stage "f" { agent = "y", out = "$.o.f" } } },
      halt_on = { "NO" }, halted_at = "$.stop",
    })`);
    const run = step("x", "$.in", "$.o.a");
    expect(value).toEqual(
      seq(
        run,
        {
          kind: "loop",
          counter: path("$.k"),
          max: 3,
          cond: { op: "and", args: [{ op: "lt", lhs: path("$.k"), rhs: lit(2) }, verdict("$.o.a", "NO")] },
          body: seq(step("y", "$.d.f", "$.o.f"), run),
        },
        gate(verdict("$.o.a", "NO"), "a", noop, "$.stop"),
      ),
    );
  });

  it("reads any of several halt values with one or", async () => {
    const value = await author.value(
      'return (B.pipeline { B.stage "a" { agent = "x", gate = true }, halt_on = { "NO", "STOP" } })',
    );
    const or = { op: "or", args: [verdict("$.a", "NO"), verdict("$.a", "STOP")] };
    expect(value).toEqual(seq(step("x", "$.d.a", "$.a"), gate(or, "a", noop)));
  });

  it("lets a stage's halt_on replace the pipeline's", async () => {
    const value = await author.value(
      'return (B.pipeline { B.stage "a" { agent = "x", halt_on = { "STOP" } }, halt_on = { "NO" } })',
    );
    expect(value).toEqual(seq(step("x", "$.d.a", "$.a"), gate(verdict("$.a", "STOP"), "a", noop)));
  });
});

describe("when a gate is printed", () => {
  const RETRY = 'retry = { max = 1, fix = B.stage "f" { agent = "y" } }';
  const rows: readonly [string, string, boolean][] = [
    ['gate = false, halt_on = { "NO" }', "", false],
    [`gate = false, ${RETRY}`, "", false],
    ["gate = true", "", true],
    [RETRY, "", true],
    ['halt_on = { "STOP" }', "", true],
    ["", 'gate_default = "auto"', true],
    ["", 'gate_default = "explicit"', false],
    ["", "", false],
  ];

  it.each(rows)("stage { %s } in a pipeline { %s }: %s", async (stage, pipeline, gated) => {
    const { value } = await author.build(
      `return (B.pipeline { B.stage "a" { agent = "x", ${stage} }, halt_on = { "NO" }, ${pipeline} })`,
    );
    expect(JSON.stringify(value).includes('"kind":"branch"')).toBe(gated);
    expect(JSON.stringify(value).includes('"kind":"loop"')).toBe(stage.includes("retry"));
  });

  it("auto prints none without halt values", async () => {
    expect(await author.value('return (B.pipeline { B.stage "a" { agent = "x" }, gate_default = "auto" })')).toEqual(
      seq(step("x", "$.d.a", "$.a"), noop),
    );
  });

  it("prints a gate that is never true where nothing halts, and says so", async () => {
    const { value, warnings } = await author.build(
      'return (B.pipeline { B.stage "a" { agent = "x", halt_on = {} }, halt_on = { "NO" } })',
    );
    expect(value).toEqual(seq(step("x", "$.d.a", "$.a"), gate({ op: "or", args: [] }, "a", noop)));
    expect(warnings.map(({ message }) => message)).toEqual([
      'bp_dsl: stage "a": no value halts it, so its gate never acts; name the values in halt_on',
    ]);
  });
});

describe("what a stage reads", () => {
  it("chain: the output of the stage before, unless it has an input; never for a fix", async () => {
    const value = await author.value(`return (B.pipeline {
      B.stage "a" { agent = "first", out = "$.o.a" },
      B.stage "b" { agent = "chained" },
      B.stage "c" { agent = "own", input = "$.mine" },
      B.stage "e" { agent = "retried", halt_on = { "NO" }, retry = { max = 1, fix = B.stage "f" { agent = "fixer" } } },
      chain = true,
    })`);
    const steps = /"in":\{"at":"([^"]+)","op":"path"\},"kind":"step","out":\{[^}]*\},"ref":"(\w+)"/g;
    const inputs = [...(canonicalize(value) ?? "").matchAll(steps)].map(([, input, agent]) => [agent, input]);
    expect(Object.fromEntries(inputs)).toEqual({
      first: "$.d.a",
      chained: "$.o.a",
      own: "$.mine",
      retried: "$.c",
      fixer: "$.d.f",
    });
  });

  it("only the literal true enables chain", async () => {
    const { value, warnings } = await author.build(
      'return (B.pipeline { B.stage "a" { agent = "x" }, B.stage "b" { agent = "x" }, chain = "yes" })',
    );
    expect(value).toEqual(seq(step("x", "$.d.a", "$.a"), seq(step("x", "$.d.b", "$.b"), noop)));
    expect(warnings[0]?.message).toBe('bp_dsl: B.pipeline: `chain` must be true or false, so "yes" is ignored');
  });

  it("B.from: the output of any stage or fix, also of a later one", async () => {
    const value = await author.value(`return (B.pipeline {
      B.stage "a" { agent = "x", input = B.from "c" },
      B.stage "b" { agent = "x", input = B.from "f" },
      B.stage "c" { agent = "x", out = "$.o.c", halt_on = { "NO" }, retry = { max = 1, fix = B.stage "f" { agent = "y", input = B.from "a" } } },
    })`);
    const text = canonicalize(value);
    expect(text).toContain(canonicalize(step("x", "$.o.c", "$.a")));
    expect(text).toContain(canonicalize(step("x", "$.f", "$.b")));
    expect(text).toContain(canonicalize(step("y", "$.a", "$.f")));
  });
});

describe("skip_on", () => {
  const guard = (input: string, values: string[], body: ReturnType<typeof seq>) =>
    branch({ op: "in", needle: path(`${input}.parts["verdict"]`), haystack: lit(values) }, noop, body);

  it("guards the stage by the verdict of what it reads", async () => {
    const value = await author.value(
      'return (B.pipeline { B.stage "a" { agent = "x" }, B.stage "b" { agent = "y", skip_on = { "N/A", "SKIP" } }, chain = true })',
    );
    expect(value).toEqual(
      seq(step("x", "$.d.a", "$.a"), seq(guard("$.a", ["N/A", "SKIP"], seq(step("y", "$.a", "$.b"))), noop)),
    );
  });

  it("stands before the gate, which stays outside the guard", async () => {
    const { value } = await author.build(
      'return (B.pipeline { B.stage "a" { agent = "x", skip_on = { "SKIP" }, halt_on = { "NO" } } })',
    );
    expect(value).toEqual(
      seq(guard("$.d.a", ["SKIP"], seq(step("x", "$.d.a", "$.a"))), gate(verdict("$.a", "NO"), "a", noop)),
    );
  });

  it("does nothing when empty", async () => {
    expect(await author.value('return (B.pipeline { B.stage "a" { agent = "x", skip_on = {} } })')).toEqual(
      seq(step("x", "$.d.a", "$.a"), noop),
    );
  });
});
