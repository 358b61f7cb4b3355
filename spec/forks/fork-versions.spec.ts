/** Which Blueprint a fork or a rerun has, and what of it is executed: every effect counted. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BlueprintError, type CompiledBlueprint } from "../../src/blueprint/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { type ForkSide, type Host, openHost, type RunHandle } from "../../src/host.ts";
import { FunctionRegistry } from "../../src/workers/index.ts";
import { Workshop } from "../../src/workshop.ts";

const path = (at: string): object => ({ op: "path", at });
const step = (ref: string, input: object = { op: "lit", value: "" }): object => ({
  kind: "step",
  ref,
  in: input,
  out: path(`$.${ref}`),
});
const agent = (name: string, fnId = name): object => ({ name, kind: "function", spec: { fn_id: fnId } });

const flow = (...more: readonly object[]): object => ({
  kind: "seq",
  children: [step("draft", path("$.topic")), step("check", path("$.draft")), step("publish", path("$.check")), ...more],
});
const blueprint = (agents: readonly object[], of: object): object => ({
  schema_version: "0.1.0",
  id: "paper",
  agents,
  flow: of,
});
/** The second version checks anew, and tells somebody. */
const first = blueprint([agent("draft"), agent("check"), agent("publish"), agent("notify")], flow());
const second = blueprint(
  [agent("draft"), agent("check", "check-anew"), agent("publish"), agent("notify")],
  flow(step("notify")),
);
const bothRuns = { topic: "t", draft: "D", check: "C1", publish: "C1" };

let executed: string[];
let workshop: Workshop;
let host: Host;

beforeEach(async () => {
  executed = [];
  const functions = new FunctionRegistry();
  const answers: Record<string, (input: Json) => Json> = {
    draft: () => "D",
    check: () => "C1",
    "check-anew": () => "C2",
    publish: (input) => input,
    notify: () => "N",
  };
  for (const [id, answer] of Object.entries(answers)) {
    const run = (input: Json): Json => {
      executed.push(id);
      return answer(input);
    };
    functions.register(id, { pure: false, run });
  }
  workshop = new Workshop({ functions });
  host = await openHost({ data: { kind: "ephemeral" }, workshop });
});

afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

const compile = (document: object): Promise<CompiledBlueprint> => workshop.compile(document as Json);

/** What a run of it was executed, in order. */
async function effects(run: RunHandle): Promise<readonly string[]> {
  await run.result;
  return executed.splice(0);
}

/** A run of the first version, after which the second became the newest. */
async function earlier(): Promise<string> {
  const run = await host.launch(await compile(first), { input: { topic: "t" } });
  expect(await effects(run)).toEqual(["draft", "check", "publish"]);
  await effects(await host.launch(await compile(second), { input: { topic: "u" } }));
  return run.runId;
}

describe("fork", () => {
  const cases: readonly (readonly [flow: ForkSide, agents: ForkSide, effects: readonly string[], ctx: object])[] = [
    ["pinned", "pinned", [], bothRuns],
    ["head", "pinned", ["notify"], { ...bothRuns, notify: "N" }],
    ["pinned", "head", ["check-anew", "publish"], { ...bothRuns, check: "C2", publish: "C2" }],
    ["head", "head", ["check-anew", "publish", "notify"], { ...bothRuns, check: "C2", publish: "C2", notify: "N" }],
  ];

  it.each(cases)("with the %s flow and the %s agents executes only what changed", async (flow, agents, done, ctx) => {
    const runId = await earlier();
    const before = await host.journal(runId);
    const fork = await host.fork(runId, { flow, agents });
    expect(await fork.result).toEqual({ status: "done", ctx });
    expect(await effects(fork)).toEqual(done);
    const row = await host.run(fork.runId);
    expect(row).toMatchObject({ forkedFrom: runId, blueprintId: "paper" });
    const versions = [(await compile(first)).version, (await compile(second)).version];
    expect(versions.indexOf(row.blueprintVersion)).toBe(flow === agents ? (flow === "pinned" ? 0 : 1) : -1);
    expect(await host.journal(runId)).toEqual(before);

    const next = await host.fork(fork.runId, { flow: "head", agents: "head" });
    expect((await next.result).ctx, "what is made of two versions is not the newest").toMatchObject({
      check: "C2",
      notify: "N",
    });
  });

  it("has the pinned version unless it is said otherwise, and a Blueprint that is named in full", async () => {
    const runId = await earlier();
    expect(await effects(await host.fork(runId))).toEqual([]);
    const third = await compile(blueprint([agent("draft"), agent("check"), agent("publish", "notify")], flow()));
    const fork = await host.fork(runId, { head: third });
    expect(await effects(fork)).toEqual(["notify"]);
    const rerun = await host.rerun(runId);
    await rerun.result;
    expect((await host.run(rerun.runId)).blueprintVersion, "it is the newest from then on").toBe(third.version);
  });

  it("combines the flow of a run with the agents of a Blueprint that is named", async () => {
    const runId = await earlier();
    const other = await compile({
      ...second,
      agents: [agent("draft"), agent("check", "check-anew"), agent("publish")],
      flow: flow(),
    });
    expect(await effects(await host.fork(runId, { head: other, flow: "pinned", agents: "head" }))).toEqual([
      "check-anew",
      "publish",
    ]);
  });

  it("executes from the step that is named, with either version", async () => {
    const runId = await earlier();
    expect(await effects(await host.fork(runId, { from: "1" }))).toEqual(["check"]);
    const head = { flow: "head", agents: "head" } as const;
    expect(await effects(await host.fork(runId, { from: "0", ...head }))).toEqual([
      "draft",
      "check-anew",
      "publish",
      "notify",
    ]);
  });

  it("refuses flow and agents that do not fit together, with every finding, and starts nothing", async () => {
    const runId = await earlier();
    await host.launch(await compile(blueprint([agent("other", "draft")], step("other"))));
    const runs = (await host.runs({ limit: 99 })).length;
    for (const sides of [
      { flow: "head", agents: "pinned" },
      { flow: "pinned", agents: "head" },
    ] as const) {
      const error = await host.fork(runId, sides).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      expect(error).toBeInstanceOf(BlueprintError);
    }
    expect(await host.runs({ limit: 99 })).toHaveLength(runs);
  });

  it("refuses the newest version where none was ever named so", async () => {
    const run = await host.launch(await compile(first), { newest: false, input: { topic: "t" } });
    await run.result;
    await expect(host.fork(run.runId, { flow: "head" })).rejects.toMatchObject({
      code: "head_unknown",
      details: { blueprintId: "paper" },
    });
    await expect(host.fork("R-none")).rejects.toMatchObject({ code: "run_unknown" });
    expect(await host.runs({ limit: 9 })).toHaveLength(1);
  });
});

describe("rerun", () => {
  it("does everything again with the newest version and the same input, and names what it is of", async () => {
    const runId = await earlier();
    const rerun = await host.rerun(runId);
    expect(await effects(rerun)).toEqual(["draft", "check-anew", "publish", "notify"]);
    expect((await rerun.result).ctx).toMatchObject({ topic: "t", notify: "N" });
    expect(await host.run(rerun.runId)).toMatchObject({ forkedFrom: runId });
    const [{ entry } = {}] = await host.journal(rerun.runId);
    expect(entry).toMatchObject({ type: "run_started", forked_from: { run: runId, key: "start" } });
  });

  it("has the pinned version where it is told to, and where no other was ever the newest", async () => {
    const runId = await earlier();
    const pinned = await host.rerun(runId, { flow: "pinned", agents: "pinned" });
    expect(await effects(pinned)).toEqual(["draft", "check", "publish"]);
    const unnamed = await compile({ ...first, id: "unnamed" });
    const run = await host.launch(unnamed, { newest: false, input: { topic: "t" } });
    await effects(run);
    expect(await effects(await host.rerun(run.runId))).toEqual(["draft", "check", "publish"]);
  });

  it("changes ctx and task input key by key where it is told to", async () => {
    const run = await host.launch(await compile(first), {
      input: { topic: "t", kept: true },
      taskInput: { project_root: "/p", work_dir: "/w" },
    });
    await run.result;
    const rerun = await host.rerun(run.runId, {
      ctx: (initial) => ({ ...(initial as object), topic: "u" }),
      taskInput: { work_dir: "/other" },
    });
    expect((await rerun.result).ctx).toMatchObject({ topic: "u", kept: true });
    const [{ entry } = {}] = await host.journal(rerun.runId);
    expect(entry).toMatchObject({ context: { project_root: "/p", work_dir: "/other" } });
  });

  it("is refused while the run goes on", async () => {
    const waiting = {
      ...blueprint([agent("gate", "wait_signal")], step("gate", { op: "lit", value: "go" })),
      id: "gate",
    };
    const run = await host.launch(await compile(waiting));
    await expect(host.rerun(run.runId)).rejects.toMatchObject({ code: "fork_live" });
    await run.cancel({ reason: "enough", by: "test" });
    const rerun = await host.rerun(run.runId);
    await rerun.cancel({ reason: "enough", by: "test" });
    expect(await rerun.result).toMatchObject({ status: "cancelled" });
  });
});
