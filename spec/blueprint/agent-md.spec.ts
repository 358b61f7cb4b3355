import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { promptHash, readAgentMd } from "../../src/blueprint/agent-md.ts";

const read = (text: string) => readAgentMd(text, "a.md");
const withFront = (front: string, body = "Do it.\n") => read(`---\n${front}\n---\n${body}`);
const kinds = (text: string) => read(text).diagnostics.map(({ kind, position }) => `${kind}:${position?.line}`);

describe("the front matter of an agent.md", () => {
  it("fills the agent and its profile as mlua-swarm does", () => {
    const { agent, diagnostics } = withFront(
      [
        "name: reviewer",
        "description: '  judges  '",
        "model: large",
        "effort: high",
        "tools: Read, , Grep ,Glob",
        "worker_binding: general",
        "lints: { all: warn, verdict-value-unhandled: deny }",
        "expected_output: { kind: literal_enum, pattern: A|B }",
        "colour: blue",
      ].join("\n"),
    );
    expect(diagnostics).toEqual([]);
    expect(agent).toEqual({
      name: "reviewer",
      profile: {
        system_prompt: "Do it.\n",
        description: "judges",
        model: "large",
        effort: "high",
        tools: ["Read", "Grep", "Glob"],
        worker_binding: "general",
        extras: { expected_output: { kind: "literal_enum", pattern: "A|B" }, colour: "blue" },
        version_hash: promptHash("Do it.\n"),
      },
      lints: { all: "warn", "verdict-value-unhandled": "deny" },
    });
  });

  it("leaves out what it does not say", () => {
    expect(withFront("name: ''", "").agent).toEqual({
      name: "",
      profile: { system_prompt: "", version_hash: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262" },
    });
  });

  it("takes tools as a list", () => {
    expect(withFront("name: a\ntools: [Read, ' Grep ', '']").agent).toMatchObject({
      profile: { tools: ["Read", "Grep"] },
    });
  });

  it("may hold what is the agent's own", () => {
    const { agent, diagnostics } = withFront(
      [
        "name: a",
        "kind: lua",
        "spec: { source: return 1 }",
        "meta: { projection_name: notes }",
        "runner: { backend: ws_operator, variant: v }",
        "runner_ref: r",
        "verdict: { channel: body, values: [PASS] }",
        "policy: { timeout_ms: 5 }",
      ].join("\n"),
    );
    expect(diagnostics).toEqual([]);
    expect(agent).toMatchObject({
      kind: "lua",
      spec: { source: "return 1" },
      meta: { projection_name: "notes" },
      runner: { backend: "ws_operator", variant: "v" },
      runner_ref: "r",
      verdict: { channel: "body", values: ["PASS"] },
      policy: { timeout_ms: 5 },
    });
    expect(agent?.["profile"]).not.toHaveProperty("extras");
  });

  it("keeps what it cannot use among the extras, and says so with the line", () => {
    const { agent, diagnostics } = withFront("name: a\nkind: wizard\nmeta: none\nrunner: 3\nmodel: 4\ntools: 5");
    expect(diagnostics.map(({ kind, level, position }) => [kind, level, position?.line])).toEqual([
      ["agent-md-ignored-key", "warn", 3],
      ["agent-md-ignored-key", "warn", 4],
      ["agent-md-ignored-key", "warn", 5],
      ["agent-md-ignored-key", "warn", 6],
      ["agent-md-ignored-key", "warn", 7],
    ]);
    expect(agent).toMatchObject({ name: "a", profile: { extras: { kind: "wizard", meta: "none", runner: 3 } } });
    expect(agent).not.toHaveProperty("kind");
    expect(agent?.["profile"]).not.toHaveProperty("model");
  });

  it("says nothing about nulls", () => {
    const { agent, diagnostics } = withFront("name: a\nkind:\nrunner: null\nmodel: ~\ntools:\ndescription: null");
    expect(diagnostics).toEqual([]);
    expect(Object.keys(agent?.["profile"] as object)).toEqual(["system_prompt", "version_hash"]);
  });

  it("without a name is refused", () => {
    for (const front of ["model: x", "name: 3", "- a", "just text", ""]) {
      const { agent, diagnostics } = withFront(front);
      expect(agent).toBeUndefined();
      expect(diagnostics.map(({ kind }) => kind)).toEqual(["agent-md-invalid"]);
    }
  });

  it("with bad lints is refused, naming key and value", () => {
    const { agent, diagnostics } = withFront("name: a\nlints:\n  all: warn\n  agent-md-size: Warn\n  x: 3");
    expect(agent).toBeUndefined();
    expect(diagnostics.map(({ message, position }) => [message, position?.line])).toEqual([
      ['`lints` of a.md: agent-md-size is "Warn", not one of allow, warn, deny', 5],
      ["`lints` of a.md: x is 3, not one of allow, warn, deny", 6],
    ]);
    expect(withFront("name: a\nlints:").agent).toBeUndefined();
  });

  it("that is no YAML is refused with its line", () => {
    expect(kinds("---\nname: a\nx: [1\ny: 2\n---\n")).toContain("syntax-error:4");
    expect(kinds("---\nname: a\nname: b\n---\n")).toEqual(["duplicate-key:3"]);
    expect(kinds("---\nname: !tag a\n---\n")).toEqual(["syntax-error:2"]);
  });

  it("with keys of the object prototype harms nothing", () => {
    const { agent } = withFront("name: a\n__proto__: { polluted: true }\nconstructor: 1");
    const extras = (agent as { profile: { extras: object } }).profile.extras;
    expect(Object.getOwnPropertyNames(extras)).toEqual(["__proto__", "constructor"]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("where the front matter ends", () => {
  const prompt = (text: string) =>
    (read(text).agent?.["profile"] as { system_prompt: string } | undefined)?.system_prompt;

  it("is the first line that is exactly three dashes", () => {
    expect(prompt("---\nname: a\n---\nbody\n---\nmore")).toBe("body\n---\nmore");
    expect(prompt("---\nname: a\n---  \nbody")).toBe("body");
    expect(prompt("---\nname: a\n---")).toBe("");
    expect(prompt("---\nname: a\ntext: |\n  x\n---not the end: 1\n---\nbody")).toBe("body");
  });

  it("may be followed by an empty line, which is the prompt's", () => {
    expect(prompt("---\nname: a\n---\n\nbody")).toBe("\nbody");
  });

  it("may have carriage returns", () => {
    expect(prompt("---\r\nname: a\r\nmodel: m\r\n---\r\nbody\r\n")).toBe("body\r\n");
    expect(read("---\r\nname: a\r\nmodel: m\r\n---\r\n").agent).toMatchObject({ name: "a", profile: { model: "m" } });
  });

  it("may be preceded by a byte order mark", () => {
    expect(prompt("\ufeff---\nname: a\n---\nbody")).toBe("body");
  });

  it("may be a line that only starts so, as mlua-swarm has it, with a warning", () => {
    expect(prompt("---\nname: a\n----\nbody")).toBe("-\nbody");
    expect(prompt("---\nname: a\n---x\nbody\n---\n: : :")).toBe("x\nbody\n---\n: : :");
    expect(kinds("---\nname: a\n----\nbody")).toEqual(["agent-md-closing-line:3"]);
  });

  it("must be somewhere", () => {
    for (const text of ["name: a", "", "\n---\nname: a\n---\n", "--- \nname: a\n---\n", "---\nname: a\n"]) {
      expect(read(text)).toMatchObject({ hasFrontMatter: false, diagnostics: [{ kind: "agent-md-invalid" }] });
    }
  });
});

describe("places in an agent.md", () => {
  it("are those of the keys, and of the body for the prompt", () => {
    const { sourceMap } = withFront("name: a\nmodel: m\nruns: 1\nrunner:\n  backend: subprocess");
    const line = (pointer: string) => sourceMap.position(pointer)?.line;
    expect(line("/name")).toBe(2);
    expect(line("/profile/model")).toBe(3);
    expect(line("/profile/extras/runs")).toBe(4);
    expect(line("/runner")).toBe(5);
    expect(line("/runner/backend")).toBe(6);
    expect(line("/runner/template")).toBe(5);
    expect(line("/profile/system_prompt")).toBe(8);
  });
});

describe("the agents of the package", () => {
  it.each(["researcher", "reviewer", "bp-review"])("%s reads without a finding", (name) => {
    const { agent, diagnostics } = readAgentMd(
      readFileSync(new URL(`../../agents/${name}.md`, import.meta.url), "utf8"),
      name,
    );
    expect(diagnostics).toEqual([]);
    expect(agent).toMatchObject({ name, runner: { backend: "ws_operator" } });
  });
});
