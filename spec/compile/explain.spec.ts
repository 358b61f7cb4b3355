/** The dry run of one agent. */
import { describe, expect, it } from "vitest";
import { explainAgent } from "../../src/blueprint/index.ts";
import type { JsonObject } from "../../src/flow/index.ts";
import { agent, compile, operator, seq, step } from "./documents.ts";

function explain(document: JsonObject, name: string) {
  const { compiled, diagnostics } = compile(document);
  if (compiled === undefined) throw new Error(JSON.stringify(diagnostics));
  return explainAgent(compiled, name);
}

describe("explaining an agent", () => {
  it("says what an operator would be handed, and where each part comes from", () => {
    const explained = explain(
      {
        id: "bp",
        flow: step("o", "$.review.first"),
        operators: [{ name: "main" }],
        agents: [
          operator("o", {
            profile: { system_prompt: "Review {{ topic }}\nfor {{ who }}", model: "m", tools: ["Read"] },
            runner: { backend: "ws_operator", variant: "v", tools: ["Read", "Bash"] },
            meta: { ctx: { a: 1 }, meta_ref: "m", projection_name: "a/b" },
          }),
        ],
        metas: [{ name: "m", ctx: { a: 2, b: 2 } }],
        default_agent_ctx: { b: 3, c: 3 },
      },
      "o",
    );
    expect(explained).toMatchObject({
      blueprint: { id: "bp", version: expect.stringMatching(/^sha256:/) },
      agent: { name: "o", kind: "operator" },
      runner: { source: "agent_inline", resolved: { variant: "v" }, warning: null },
      tools: { declared: ["Read"], effective: ["Read", "Bash"] },
      system_prompt: {
        bytes: 32,
        lines: 2,
        rendered: true,
        template_variables: ["topic", "who"],
        template_error: null,
      },
      context: {
        a: { value: 1, tier: "agent_inline" },
        b: { value: 2, tier: "meta_ref" },
        c: { value: 3, tier: "bp_global" },
      },
      output: {
        name: "a/b",
        aliases: ["o", "a/b", "review"],
        file: expect.stringMatching(/^workspace\/tasks\/\{task_id\}\/ctx\/a_b~[0-9a-f]{12}\.md$/),
        lost_names: [],
      },
      pure: false,
    });
  });

  it("agrees with the compiled agent", () => {
    const { compiled } = compile({
      flow: step("a"),
      agents: [agent("a", { meta: { ctx: { x: 1 } } })],
      default_agent_ctx: { x: 2, y: 2 },
    });
    const explained = compiled && explainAgent(compiled, "a");
    const values = Object.fromEntries(Object.entries(explained?.context ?? {}).map(([key, { value }]) => [key, value]));
    expect(values).toEqual(compiled?.agents.get("a")?.context);
    expect(explained?.runner.binding_digest).toBe(compiled?.agents.get("a")?.bindingDigest);
  });

  it("takes a prompt as it stands where the kind does not render it", () => {
    const explained = explain(
      { flow: step("a"), agents: [agent("a", { profile: { system_prompt: "{{ not a template" } })] },
      "a",
    );
    expect(explained?.system_prompt).toEqual({
      bytes: 17,
      lines: 1,
      rendered: false,
      template_variables: [],
      template_error: null,
    });
  });

  it("says what is wrong with a prompt, a runner, and a name", () => {
    const explained = explain(
      {
        flow: seq(step("first", "$.r"), step("o", "$.r")),
        operators: [{ name: "main" }],
        agents: [
          agent("first", { runner: { backend: "ws_operator", variant: "v" } }),
          operator("o", { profile: { system_prompt: "{{ x" } }),
        ],
      },
      "o",
    );
    expect(explained?.system_prompt?.template_error).toContain("expected");
    expect(explained?.output.lost_names).toEqual([{ name: "r", owner: "first" }]);
  });

  it("warns of a runner that cannot serve the kind", () => {
    const explained = explain(
      { flow: step("a"), agents: [agent("a", { runner: { backend: "ws_operator", variant: "v" } })] },
      "a",
    );
    expect(explained?.runner.warning).toContain("cannot serve");
  });

  it("knows agents that no step dispatches, and no others", () => {
    const document = { agents: [agent("a")] };
    expect(explain(document, "a")?.output).toEqual({ name: null, aliases: [], file: null, lost_names: [] });
    expect(explain(document, "ghost")).toBeUndefined();
  });
});
