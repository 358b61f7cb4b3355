import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseBlueprint } from "../../src/blueprint/parse.ts";

const fixtures = new URL("./fixtures/", import.meta.url);
const nothing = { kind: "seq", children: [] };
const minimal = { id: "x", flow: nothing };
const agent = { name: "a", kind: "lua", spec: { source: "return 1" } };

/** `kind pointer` of each diagnostic. */
function found(document: unknown): readonly string[] {
  return parseBlueprint(document).diagnostics.map(({ kind, pointer }) => `${kind} ${pointer}`);
}

function only(document: unknown) {
  const { diagnostics } = parseBlueprint(document);
  expect(diagnostics).toHaveLength(1);
  return diagnostics[0]!;
}

describe("a valid document", () => {
  for (const name of readdirSync(fixtures).filter((file) => file.endsWith(".json"))) {
    it(`${name} parses without a finding`, () => {
      const parsed = parseBlueprint(JSON.parse(readFileSync(new URL(name, fixtures), "utf8")));
      expect(parsed.diagnostics).toEqual([]);
      expect(parsed.blueprint?.id).toMatch(/^fixture-/);
      for (const one of parsed.blueprint?.agents ?? []) expect(one.profile?.worker_binding).toBeUndefined();
    });
  }

  it("gets every default of the reference", () => {
    expect(parseBlueprint(minimal).blueprint).toEqual({
      schema_version: "0.1.0",
      id: "x",
      flow: nothing,
      agents: [],
      operators: [],
      metas: [],
      hints: { per_agent: {} },
      strategy: { strict_refs: true, strict_kind: true, strict_binding: false },
      metadata: { origin: { kind: "inline" }, tags: [] },
      spawner_hints: { layers: [] },
      default_agent_kind: "operator",
      audits: [],
      runners: [],
      subprocesses: [],
      blueprint_ref_includes: [],
    });
  });

  it("may carry the nulls mlua-swarm writes for what is absent", () => {
    const document = {
      ...minimal,
      agents: [
        { name: "a", kind: "lua", spec: null, profile: null, meta: null, runner: null, verdict: null, lints: null },
      ],
      operators: [{ name: "o", display_name: null, kind: null, spec: null, profile: null, meta: null }],
      hints: { per_agent: {}, global: null },
      metadata: { description: null, origin: { kind: "inline" }, tags: [] },
      default_init_ctx: null,
    };
    const { blueprint, diagnostics } = parseBlueprint(document);
    expect(diagnostics).toEqual([]);
    expect(blueprint?.agents).toEqual([{ name: "a", kind: "lua", spec: null }]);
    expect(blueprint?.operators).toEqual([{ name: "o" }]);
    expect(blueprint).not.toHaveProperty("default_init_ctx");
  });

  it("may have an origin with keys of its own", () => {
    const origin = { kind: "file", path: "a.json", line: 3 };
    expect(parseBlueprint({ ...minimal, metadata: { origin } }).blueprint?.metadata.origin).toEqual(origin);
  });

  it("accepts the kinds and the policy that are ours", () => {
    const policy = { timeout_ms: 500, retry: { max_attempts: 3 }, concurrency: 2, idempotent: true, pure: true };
    const agents = ["function", "llm", "swarm"].map((kind) => ({ name: kind, kind, policy }));
    const { blueprint, diagnostics } = parseBlueprint({ ...minimal, agents });
    expect(diagnostics).toEqual([]);
    expect(blueprint?.agents[0]?.policy?.retry).toEqual({
      max_attempts: 3,
      backoff_ms: 1000,
      backoff_factor: 2,
      max_backoff_ms: 60_000,
      jitter: 0.1,
      non_retryable: [],
    });
  });

  it("gives an inline agent the kind the document declares as default", () => {
    const document = {
      ...minimal,
      default_agent_kind: "lua",
      agents: [{ name: "a" }, { name: "b", kind: "function" }],
    };
    expect(parseBlueprint(document).blueprint?.agents.map(({ kind }) => kind)).toEqual(["lua", "function"]);
  });

  it("is not changed by parsing", () => {
    const text = JSON.stringify({ ...minimal, agents: [{ ...agent, profile: null }], default_agent_kind: "lua" });
    const document = JSON.parse(text);
    parseBlueprint(document);
    expect(JSON.stringify(document)).toBe(text);
  });
});

describe("a document with mistakes", () => {
  it("gets all of them at once, each with its place", () => {
    const document = {
      idd: "x",
      flow: { kind: "seq", children: [{ kind: "step", ref: "a", in: { op: "path", at: "x" }, out: { op: "pth" } }] },
      agents: [{ name: 3, kind: "lau" }, "b", { name: "c", kind: "operator", runner: { backend: "ws_operator" } }],
      metas: {},
      audits: [{ agent: "a", mode: "later" }],
    };
    expect(found(document).toSorted()).toEqual(
      [
        "unknown-field /idd",
        "missing-field ",
        "wrong-type /agents/0/name",
        "invalid-value /agents/0/kind",
        "wrong-type /agents/1",
        "missing-field /agents/2/runner",
        "wrong-type /metas",
        "invalid-value /audits/0/mode",
        "invalid-flow /flow/children/0/in/at",
        "invalid-flow /flow/children/0/out/op",
      ].toSorted(),
    );
    expect(parseBlueprint(document).blueprint).toBeUndefined();
  });

  it("is told which field was meant, with a patch", () => {
    const diagnostic = only({ ...minimal, agents: [{ ...agent, profile: { system_promt: "hi" } }] });
    expect(diagnostic).toMatchObject({
      kind: "unknown-field",
      level: "error",
      message: "unknown field `system_promt` in AgentProfile",
      pointer: "/agents/0/profile/system_promt",
      help: "did you mean `system_prompt`?",
      suggestion: {
        patch: [{ op: "move", from: "/agents/0/profile/system_promt", path: "/agents/0/profile/system_prompt" }],
      },
      element: { type: "agent", name: "a" },
    });
  });

  it("is told the field whose beginning was written", () => {
    expect(only({ ...minimal, agents: [{ ...agent, policy: { timeout: 3 } }] }).help).toBe(
      "did you mean `timeout_ms`?",
    );
    expect(only({ ...minimal, agents: [{ ...agent, policy: { t: 3 } }] }).help).toBe(
      "remove it, or move it to a free field such as `spec`",
    );
  });

  it("is told that a tagged object lacks its tag", () => {
    expect(only({ ...minimal, agents: [{ ...agent, runner: { variant: "v" } }] })).toMatchObject({
      kind: "missing-field",
      message: "Runner lacks its field `backend`",
      pointer: "/agents/0/runner",
    });
  });

  it("is told which word was meant", () => {
    expect(only({ ...minimal, agents: [{ name: "a", kind: "opeartor" }] })).toMatchObject({
      kind: "invalid-value",
      help: "did you mean `operator`?",
    });
    expect(
      only({ ...minimal, agents: [{ ...agent, runner: { backend: "ws_operater", variant: "v" } }] }),
    ).toMatchObject({
      kind: "invalid-value",
      pointer: "/agents/0/runner/backend",
      help: "did you mean `ws_operator`?",
    });
  });

  it("is told the expected type in plain words", () => {
    expect(only({ ...minimal, metas: "none" }).message).toBe("`metas` must be a list, not the text `none`");
    expect(only({ ...minimal, agents: [null] }).message).toBe("entry 0 must be an object, not null");
    expect(only([]).message).toBe("the Blueprint must be an object, not a list");
  });

  it("is told the range a number must be in", () => {
    const document = { ...minimal, agents: [{ ...agent, policy: { retry: { max_attempts: 0 } } }] };
    expect(only(document)).toMatchObject({
      kind: "invalid-value",
      message: "`max_attempts` must be at least 1, not 0",
    });
  });

  it("may not put null where a list belongs, nor [] where an object does", () => {
    expect(found({ ...minimal, agents: null })).toEqual(["wrong-type /agents"]);
    expect(found({ ...minimal, hints: [] })).toEqual(["wrong-type /hints"]);
  });

  it("that is closed refuses unknown keys at every level", () => {
    const extra = { extra: 1 };
    const runner = { backend: "subprocess", template: "t", overrides: extra, ...extra };
    const document = {
      ...minimal,
      ...extra,
      agents: [
        {
          ...agent,
          ...extra,
          profile: extra,
          meta: { context_policy: extra, ...extra },
          verdict: { channel: "body", values: [], ...extra },
          policy: { retry: extra, ...extra },
          runner,
        },
      ],
      operators: [{ name: "o", ...extra }],
      metas: [{ name: "m", ctx: {}, ...extra }],
      runners: [{ name: "r", runner, ...extra }],
      subprocesses: [{ name: "s", argv: [], output: { stats: extra, ...extra }, ...extra }],
      audits: [{ agent: "a", ...extra }],
      hints: extra,
      strategy: extra,
      spawner_hints: extra,
      metadata: extra,
      default_context_policy: extra,
      projection_placement: extra,
    };
    const kinds = new Set(parseBlueprint(document).diagnostics.map(({ kind }) => kind));
    expect([...kinds]).toEqual(["unknown-field"]);
    expect(parseBlueprint(document).diagnostics).toHaveLength(25);
  });

  it("with hundreds of mistakes shows a hundred and says how many are left", () => {
    const { diagnostics } = parseBlueprint({ ...minimal, agents: Array.from({ length: 300 }, () => 1) });
    expect(diagnostics).toHaveLength(101);
    expect(diagnostics.at(-1)).toMatchObject({
      kind: "limit-exceeded",
      level: "error",
      message: "200 further findings are not shown",
    });
  });
});

describe("a pipeline that halts nowhere", () => {
  const gate = (then: unknown) => ({
    ...minimal,
    flow: { kind: "branch", cond: { op: "lit", value: true }, then, else: nothing },
  });

  it("is a kind of its own, with a patch that repairs it", () => {
    const diagnostic = only(gate({ kind: "assign", at: { op: "path" }, value: { op: "lit", value: "s" } }));
    expect(diagnostic).toMatchObject({
      kind: "halted-at-missing",
      suggestion: { patch: [{ op: "add", path: "/flow/then/at/at", value: "$.halted_at" }] },
    });
    expect(only(gate({ kind: "assign", value: { op: "lit", value: "s" } }))).toMatchObject({
      kind: "halted-at-missing",
      suggestion: { patch: [{ op: "add", path: "/flow/then/at", value: { op: "path", at: "$.halted_at" } }] },
    });
  });

  it("is not what any other missing path is", () => {
    expect(found({ ...minimal, flow: { kind: "assign", at: { op: "path" }, value: { op: "lit", value: 1 } } })).toEqual(
      ["invalid-flow /flow/at"],
    );
    expect(found(gate({ kind: "step", ref: "halted_at", in: { op: "path" }, out: { op: "path", at: "$.x" } }))).toEqual(
      ["invalid-flow /flow/then/in"],
    );
  });
});

describe("an id", () => {
  const withId = (id: unknown) => found({ ...minimal, id });

  it("in the portable grammar is fine", () => {
    for (const id of ["a", "0", "release-notes", "a.b_c-1", "a".repeat(100)]) expect(withId(id)).toEqual([]);
  });

  it("that names another place than its own is refused", () => {
    for (const id of ["", ".", "..", "../x", "a/b", "a\\b", "a\u0000b", "a\nb", "x".repeat(201)]) {
      expect(withId(id)).toEqual(["invalid-id /id"]);
    }
  });

  it("that mlua-swarm takes and some stores do not is warned about, with a proposal", () => {
    for (const id of ["Main", "-x", "läufer", "a b", ".hidden", "x".repeat(101)]) {
      const { blueprint, diagnostics } = parseBlueprint({ ...minimal, id });
      expect(diagnostics.map(({ kind, level }) => [kind, level])).toEqual([["unportable-id", "warn"]]);
      expect(blueprint?.id).toBe(id);
    }
    expect(only({ ...minimal, id: "Läufer Eins" }).suggestion?.patch).toEqual([
      { op: "replace", path: "/id", value: "la-ufer-eins" },
    ]);
  });
});

describe("a schema version", () => {
  it("of a newer major is refused with the way out", () => {
    const diagnostic = only({ ...minimal, schema_version: "1.0.0" });
    expect(diagnostic).toMatchObject({ kind: "unsupported-schema-version", pointer: "/schema_version" });
    expect(diagnostic.help).toContain("newer swarm-host");
  });

  it("of any 0.x is taken", () => {
    for (const version of ["0.1.0", "0.26.0", "0.1.0-rc.1+b"])
      expect(found({ ...minimal, schema_version: version })).toEqual([]);
  });

  it("must be complete", () => {
    for (const version of ["0.1", "one", ""]) {
      expect(found({ ...minimal, schema_version: version })).toEqual(["invalid-value /schema_version"]);
    }
  });
});

describe("hostile documents", () => {
  it("with keys of the object prototype are read as they are written", () => {
    const document = JSON.parse(
      '{"id":"x","flow":{"kind":"seq","children":[]},"__proto__":{"agents":1},"constructor":2,"agents":[{"name":"a","kind":"lua","spec":{"__proto__":{"polluted":true}}}]}',
    );
    expect(found(document)).toEqual(["unknown-field /__proto__", "unknown-field /constructor"]);
    delete document.constructor;
    Reflect.deleteProperty(document, "__proto__");
    const spec = parseBlueprint(document).blueprint?.agents[0]?.spec as object;
    expect(Object.getOwnPropertyNames(spec)).toEqual(["__proto__"]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("nested ten thousand levels deep are refused in one finding", () => {
    let deep: unknown = null;
    for (let level = 0; level < 10_000; level += 1) deep = [deep];
    expect(only({ ...minimal, default_init_ctx: deep })).toMatchObject({ kind: "limit-exceeded" });
  });

  it("that refer to themselves are refused", () => {
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    expect(only({ ...minimal, default_init_ctx: loop }).kind).toBe("limit-exceeded");
  });

  it("that are no JSON at all are refused", () => {
    for (const value of [undefined, () => 1, Number.NaN, "\ud800", 1n]) {
      expect(only({ ...minimal, default_init_ctx: { value } })).toMatchObject({
        kind: "wrong-type",
        pointer: "/default_init_ctx/value",
      });
    }
  });

  it("with more values than a document may hold are refused", () => {
    const limits = { maxBytes: 1, maxDepth: 10, maxValues: 100 };
    const { diagnostics } = parseBlueprint({ ...minimal, default_init_ctx: new Array(200).fill(0) }, { limits });
    expect(diagnostics.map(({ kind }) => kind)).toEqual(["limit-exceeded"]);
  });
});

describe("a ref that is left in the document", () => {
  it("is one finding, not several", () => {
    expect(found({ ...minimal, agents: [{ $agent_md: "a.md", kind: "lua" }] })).toEqual(["unexpanded-ref /agents/0"]);
    expect(found({ ...minimal, agents: [{ ...agent, profile: { system_prompt: { $file: "p.md" } } }] })).toEqual([
      "unexpanded-ref /agents/0/profile/system_prompt",
    ]);
    expect(found({ ...minimal, default_init_ctx: [{ $file: "p.md" }] })).toEqual([
      "unexpanded-ref /default_init_ctx/0",
    ]);
  });

  it("that the linker has complained about already is passed over, and yields no Blueprint", () => {
    const document = { ...minimal, agents: [{ $agent_md: "a.md" }], metas: 1 };
    const parsed = parseBlueprint(document, { unlinked: ["/agents/0"] });
    expect(parsed.diagnostics.map(({ pointer }) => pointer)).toEqual(["/metas"]);
    expect(parseBlueprint({ ...document, metas: [] }, { unlinked: ["/agents/0"] })).toEqual({ diagnostics: [] });
  });
});
