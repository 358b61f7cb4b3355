/** Steps that another Blueprint does in a run of its own. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BlueprintError } from "../../src/blueprint/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { type Host, openHost, type RunRecord } from "../../src/host.ts";
import { FunctionRegistry } from "../../src/workers/index.ts";
import { Workshop } from "../../src/workshop.ts";

const path = (at: string): object => ({ op: "path", at });
const lit = (value: unknown): object => ({ op: "lit", value });
const step = (ref: string, input: object, out = `$.${ref}`): object => ({
  kind: "step",
  ref,
  in: input,
  out: path(out),
});
const agent = (name: string, fnId = name, policy?: object): object => ({
  name,
  kind: "function",
  spec: { fn_id: fnId },
  ...(policy === undefined ? {} : { policy }),
});
const swarm = (spec: object, policy?: object): object => ({
  name: "team",
  kind: "swarm",
  spec,
  ...(policy === undefined ? {} : { policy }),
});
const blueprint = (id: string, agents: readonly object[], flow: object, more: object = {}): object => ({
  schema_version: "0.1.0",
  id,
  agents,
  flow,
  ...more,
});

/** Says its topic in capitals. */
const loud = blueprint("loud", [agent("work")], step("work", path("$.topic"), "$.said"));
/** Waits for the signal `go`. */
const gate = blueprint("gate", [agent("work", "wait_signal")], step("work", lit("go"), "$.said"));
const failing = blueprint("failing", [agent("work", "fail")], step("work", lit(0), "$.said"));
const stuck = blueprint("stuck", [agent("work", "stuck")], step("work", lit(0), "$.said"));
const parentOf = (
  child: object | string,
  more: object = {},
  input: object = lit({ topic: "tea" }),
  policy?: object,
): object => blueprint("parent", [swarm({ blueprint: child, ...more }, policy)], step("team", input, "$.team"));

let executed: string[];
let stopped: number;
let workshop: Workshop;
let host: Host;

beforeEach(async () => {
  executed = [];
  stopped = 0;
  const functions = new FunctionRegistry();
  functions.register("work", {
    pure: false,
    run: (input, call) => {
      executed.push(call.runId);
      return String(input).toUpperCase();
    },
  });
  functions.register("fail", {
    pure: false,
    run: (_, call) => {
      executed.push(call.runId);
      throw new Error("out of tea");
    },
  });
  functions.register("stuck", {
    pure: false,
    run: (_, call) =>
      new Promise<Json>((_resolve, reject) => {
        executed.push(call.runId);
        call.signal.addEventListener("abort", () => {
          stopped += 1;
          reject(new Error("stopped"));
        });
      }),
  });
  workshop = new Workshop({ functions });
  host = await openHost({ data: { kind: "ephemeral" }, workshop });
});

afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

const launch = async (document: object, options: Parameters<Host["launch"]>[1] = {}) =>
  host.launch(await workshop.compile(document as Json), options);

const childrenOf = (runId: string): Promise<readonly RunRecord[]> => host.runs({ parentRunId: runId, limit: 99 });

/** What a look gives, once it gives something. */
async function once<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The first child of a run, once it stands so. */
const child = (runId: string, status: RunRecord["status"] = "running"): Promise<RunRecord> =>
  once(async () => (await childrenOf(runId)).find((row) => row.status === status));

describe("a step that is a swarm", () => {
  it("is done by a run of its own: the input is its ctx, its last ctx the answer, and both name each other", async () => {
    const run = await launch(parentOf(loud), {
      taskInput: { work_dir: "/w", project_root: "/p", task_metadata: { n: 1 } },
    });
    expect(await run.result).toEqual({ status: "done", ctx: { team: { topic: "tea", said: "TEA" } } });
    const [row, ...others] = await childrenOf(run.runId);
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      status: "done",
      blueprintId: "loud",
      parentRunId: run.runId,
      parentStep: { key: "root", attempt: 1 },
    });
    const [{ entry } = {}] = await host.journal(row?.runId ?? "");
    expect(entry).toMatchObject({
      parent: { run: run.runId, key: "root", attempt: 1 },
      context: { work_dir: "/w", project_root: "/p", task_metadata: { n: 1 } },
    });
    const completion = (await host.journal(run.runId)).find((one) => one.entry.type === "step_completed");
    expect(completion?.entry).toMatchObject({
      outcome: "pass",
      stats: { worker_kind: "swarm", adapter_data: { run_id: row?.runId } },
    });
  });

  it("puts its input, and takes its answer, where the agent says", async () => {
    const run = await launch(parentOf(loud, { input: "$.topic", output: "$.said" }, lit("tea")));
    expect((await run.result).ctx).toEqual({ team: "TEA" });
  });

  it("runs a Blueprint that the host keeps, by version or as the newest of its id", async () => {
    const first = await workshop.compile(loud as Json);
    await (await host.launch(first, { input: { topic: "x" } })).result;
    const newer = blueprint("loud", [agent("work")], step("work", path("$.topic"), "$.shouted"));
    await (await launch(newer, { input: { topic: "x" } })).result;
    const byId = await launch(parentOf("loud"));
    expect((await byId.result).ctx).toEqual({ team: { topic: "tea", shouted: "TEA" } });
    const byVersion = await launch(parentOf(first.version));
    expect((await byVersion.result).ctx).toEqual({ team: { topic: "tea", said: "TEA" } });
    const again = await launch(parentOf("loud"));
    expect((await again.result).ctx, "a child's version is not the newest").toMatchObject({ team: { shouted: "TEA" } });
  });

  it("gives its Blueprint's own defaults to the child", async () => {
    const run = await launch(parentOf({ ...loud, default_init_ctx: { topic: "cake", more: 1 } }));
    expect((await run.result).ctx).toEqual({ team: { topic: "tea", more: 1, said: "TEA" } });
  });

  it("starts a child for each lane of a fanout", async () => {
    const flow = {
      kind: "fanout",
      items: lit(["a", "b", "c"]),
      bind: path("$.item"),
      body: step("team", path("$.item"), "$.out"),
      join: "all",
      out: path("$.all"),
    };
    const run = await launch(
      blueprint("parent", [swarm({ blueprint: loud, input: "$.topic", output: "$.said" })], flow),
    );
    expect((await run.result).status).toBe("done");
    const rows = await childrenOf(run.runId);
    expect(new Set(rows.map(({ parentStep }) => parentStep?.key)).size).toBe(3);
    expect(executed).toHaveLength(3);
  });
});

describe("a child that does not end well", () => {
  it("fails the step with its own words", async () => {
    const run = await launch(parentOf(failing));
    const result = await run.result;
    const [row] = await childrenOf(run.runId);
    expect(result).toMatchObject({ status: "failed" });
    const completion = (await host.journal(run.runId)).find((one) => one.entry.type === "step_completed");
    expect(completion?.entry).toMatchObject({ outcome: "error", error: { code: "swarm_failed" } });
    expect(JSON.stringify(completion?.entry)).toContain(`the child run ${row?.runId} of agent 'team' failed:`);
    expect(JSON.stringify(completion?.entry)).toContain("out of tea");
  });

  it("is followed by another where the agent retries", async () => {
    const retry = { retry: { max_attempts: 2, backoff_ms: 0 } };
    const run = await launch(parentOf(failing, {}, lit({}), retry));
    expect(await run.result).toMatchObject({ status: "failed" });
    const attempts = (await childrenOf(run.runId)).map(({ parentStep }) => parentStep?.attempt).sort();
    expect(attempts).toEqual([1, 2]);
    expect(executed).toHaveLength(2);
  });

  it("fails the step when somebody else cancels it", async () => {
    const run = await launch(parentOf(stuck));
    const { runId } = await child(run.runId);
    await host.cancel(runId, { reason: "enough tea", by: "test" });
    expect(await run.result).toMatchObject({ status: "failed" });
    const completion = (await host.journal(run.runId)).find((one) => one.entry.type === "step_completed");
    expect(completion?.entry).toMatchObject({
      error: { code: "swarm_cancelled", message: expect.stringContaining("enough tea") },
    });
  });

  it("fails the step where its answer is not where the agent looks, or its input is no ctx", async () => {
    const nothing = await launch(parentOf(loud, { output: "$.nowhere" }));
    expect(await nothing.result).toMatchObject({ status: "failed" });
    const text = await launch(parentOf(loud, {}, lit("tea")));
    expect(await text.result).toMatchObject({ status: "failed" });
    const codes = await Promise.all(
      [nothing, text].map(async ({ runId }) =>
        (await host.journal(runId)).flatMap(({ entry }) =>
          entry.type === "step_completed" ? [entry.error?.code] : [],
        ),
      ),
    );
    expect(codes).toEqual([["swarm_output"], ["swarm_input"]]);
    expect(await childrenOf(text.runId)).toEqual([]);
  });
});

describe("giving up", () => {
  it("cancels the child with its parent, and waits for it", async () => {
    const run = await launch(parentOf(parentOf(stuck)));
    const middle = await child(run.runId);
    const inner = await child(middle.runId);
    await once(async () => executed[0]);
    await run.cancel({ reason: "enough", by: "test" });
    expect(stopped).toBe(1);
    for (const { runId } of [run, middle, inner]) expect(await host.run(runId)).toMatchObject({ status: "cancelled" });
    const [request] = (await host.journal(inner.runId)).filter(({ entry }) => entry.type === "cancel_requested");
    expect(request?.entry).toMatchObject({ by: "parent", reason: expect.stringContaining(middle.runId) });
  });

  it("cancels the child of a lane that lost", async () => {
    const race = {
      kind: "fanout",
      items: lit([0, 1]),
      bind: path("$.item"),
      body: {
        kind: "branch",
        cond: { op: "eq", lhs: path("$.item"), rhs: lit(0) },
        // biome-ignore lint/suspicious/noThenProperty: flow.ir names it so.
        then: step("team", lit({}), "$.out"),
        else: step("late", lit("x"), "$.out"),
      },
      join: "race",
      out: path("$.won"),
    };
    const run = await launch(blueprint("parent", [swarm({ blueprint: stuck }), agent("late", "wait_signal")], race));
    const row = await child(run.runId);
    await host.signal(run.runId, { name: "x", id: "1", value: "won" });
    expect((await run.result).status).toBe("done");
    expect(await host.run(row.runId)).toMatchObject({ status: "cancelled" });
  });
});

describe("bounds", () => {
  it("stops a swarm that calls itself", async () => {
    const self = blueprint("self", [swarm({ blueprint: "self" })], step("team", lit({}), "$.team"));
    await (await launch(blueprint("self", [agent("work")], step("work", lit("x"))))).result;
    const run = await launch(self);
    expect(await run.result).toMatchObject({ status: "failed" });
    const runs = await host.runs({ blueprintId: "self", limit: 99 });
    expect(runs).toHaveLength(1 + 9);
    expect(runs[0]?.error).toContain("8 is the most");
  });

  it("refuses a launch that names a Blueprint which is not kept, with its place, and starts nothing", async () => {
    const unkept = [`sha256:${"0".repeat(64)}`, "nobody"];
    for (const name of unkept) {
      const refused = await launch(parentOf(name)).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(BlueprintError);
      expect((refused as BlueprintError).diagnostics).toMatchObject([
        { kind: "unknown-blueprint", pointer: "/agents/0/spec/blueprint" },
      ]);
    }
    expect(await host.runs({ limit: 9 })).toEqual([]);
  });
});

describe("waiting", () => {
  it("leaves memory while the child waits, and goes on when the child has ended", async () => {
    const run = await launch(parentOf(gate));
    const row = await child(run.runId, "waiting");
    await once(async () => ((await host.run(run.runId)).status === "waiting" ? true : undefined));
    await host.signal(row.runId, { name: "go", id: "1", value: "went" });
    expect(await run.result).toEqual({ status: "done", ctx: { team: { topic: "tea", said: "went" } } });
    expect(await childrenOf(run.runId)).toHaveLength(1);
  });
});
