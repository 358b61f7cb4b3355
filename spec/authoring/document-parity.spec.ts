import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { useAuthor } from "./author.ts";

const author = useAuthor();
const fixture = (name: string) => readFile(new URL(`./fixtures/${name}`, import.meta.url), "utf8");

describe("a whole document", () => {
  it.each(["pipeline", "verdict-loop"])("%s: the script and the JSON are equal", async (name) => {
    const [script, json] = await Promise.all([fixture(`${name}.bp.lua`), fixture(`${name}.json`)]);
    expect(await author.value(script)).toEqual(JSON.parse(json));
  });
});

describe("what mlua-swarm's own bp_dsl printed", () => {
  const scripts: readonly [string, string][] = [
    [
      "legacy02.dsl.pipeline_halt_first",
      `B.stage "scout" { agent = "scout", gate = true },
       B.stage "plan" { agent = "planner", gate = true },
       chain = true, halt_on = { "BLOCKED" }, done = "$.done"`,
    ],
    [
      "legacy02.dsl.skip_on_hits",
      `B.stage "gate" { agent = "gate" },
       B.stage "worker" { agent = "worker", input = B.from "gate", skip_on = { "SKIP" } }`,
    ],
    [
      "legacy02.dsl.skip_on_then_own_gate_raises",
      `B.stage "gate" { agent = "gate" },
       B.stage "worker" { agent = "worker", input = B.from "gate", skip_on = { "SKIP" }, halt_on = { "BLOCKED" } },
       B.stage "pub" { agent = "pub", input = "$.gate" }`,
    ],
    [
      "legacy02.dsl.retry_exhausted_halts",
      `B.stage "review" { agent = "review", retry = { max = 2, fix = B.stage "fix" { agent = "fix", input = B.from "review" } } },
       halt_on = { "BLOCKED" }, done = "$.done"`,
    ],
    [
      "legacy02.dsl.fanout_lanes",
      `B.stage "lanes" { fanout = { lanes = { "danger", { lane = "leak", agent = "gate-leak" } } } },
       B.stage "agg" { agent = "agg", input = B.from "lanes" , gate = true },
       halt_on = { "BLOCKED" }, done = "$.done"`,
    ],
  ];

  it.each(scripts)("%s", async (id, fields) => {
    const file = new URL("../conformance/flow-ir-vectors.json", import.meta.url);
    const vectors = JSON.parse(await readFile(file, "utf8")) as readonly { readonly id: string; readonly node: Json }[];
    const vector = vectors.find((candidate) => candidate.id === id);
    const { value } = await author.build(`return (B.pipeline { ${fields} })`);
    expect(value).toEqual(vector?.node);
  });
});

describe("B.agent", () => {
  it("is a reference to an agent.md with what it replaces", async () => {
    expect(await author.value('return { B.agent { md = "a.md", name = "n", spec = F.obj() } }')).toEqual([
      { $agent_md: "a.md", name: "n", spec: {} },
    ]);
  });

  it("is an inline agent without md", async () => {
    expect(await author.value('return { B.agent { name = "n", kind = "lua" } }')).toEqual([{ name: "n", kind: "lua" }]);
  });
});
