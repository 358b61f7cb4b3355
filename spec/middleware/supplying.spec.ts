/** The layers that only supply: context keys, another agent, events. */
import { describe, expect, it } from "vitest";
import type { Runner } from "../../src/blueprint/index.ts";
import { contextView } from "../../src/workers/context.ts";
import { makeAgent, makeBlueprint, makeCall } from "../workers/step-fixture.ts";
import { failing, hinted, scripted, stackAround } from "./layer-fixture.ts";

const plan = { kind: "function", fnId: "identity" } as const;

describe("layers that supply context", () => {
  it.each([
    ["input_inject", { refs: ["a", "b"] }, { input_refs: ["a", "b"] }],
    ["input_inject", { refs: [] }, { input_refs: [] }],
    ["sink", { endpoint: "http://127.0.0.1:1/" }, { data_sink_endpoint: "http://127.0.0.1:1/" }],
  ] as const)("%s with %j, over what was there, and only for the host", async (layer, options, context) => {
    const worker = scripted();
    const before = { input_refs: "old", data_sink_endpoint: "old", kept: 1 };
    await stackAround(worker, { compiled: hinted([layer], { [layer]: options }) })(makeCall({ context: before }));
    const seen = worker.calls[0] as ReturnType<typeof makeCall>;
    expect(seen.context).toEqual({ ...before, ...context });
    expect(contextView(seen, undefined).extra).toEqual({ kept: 1 });
  });

  it("worker_binding tells the binding of agents with a WebSocket runner, and leaves others as they are", async () => {
    const runner = { backend: "ws_operator", variant: "coder", tools: ["Write", "Read"] } as unknown as Runner;
    const compiled = makeBlueprint([
      makeAgent(plan, { runner, profile: { model: "large" } as never }),
      makeAgent(plan, { name: "other" }),
    ]);
    const worker = scripted();
    const stack = stackAround(worker, { compiled });
    await stack(makeCall());
    const untouched = makeCall({ agent: "other" });
    await stack(untouched);
    expect(worker.calls[0]?.context).toEqual({
      worker_binding: { variant: "coder", tools: ["Read", "Write"], requested_model: "large" },
    });
    expect(worker.calls[1]).toBe(untouched);
  });
});

describe("the resolver layer", () => {
  it("hands a step to another agent, with that agent's context", async () => {
    const compiled = makeBlueprint(
      [makeAgent(plan, { context: { tone: "first" } }), makeAgent(plan, { name: "second", context: { depth: 2 } })],
      { layers: ["resolver"], layerOptions: { resolver: { map: { scout: "second" } } } },
    );
    const worker = scripted();
    await stackAround(worker, { compiled })(makeCall());
    await stackAround(worker, { compiled })(makeCall({ agent: "second" }));
    expect(worker.calls.map(({ agent, context }) => [agent, context])).toEqual([
      ["second", { depth: 2 }],
      ["second", { depth: 2 }],
    ]);
  });

  it("takes no name from what every object has", async () => {
    const compiled = makeBlueprint([makeAgent(plan, { name: "constructor" })], {
      layers: ["resolver"],
      layerOptions: { resolver: { map: {} } },
    });
    const worker = scripted();
    await stackAround(worker, { compiled })(makeCall({ agent: "constructor" }));
    expect(worker.calls[0]?.agent).toBe("constructor");
  });
});

describe("the audit layer", () => {
  it("says when an attempt starts and how it ends", async () => {
    const call = makeCall();
    await stackAround(scripted(failing()), { compiled: hinted(["audit"]) })(call);
    expect(call.events).toEqual([
      { type: "progress", stage: "attempt_started", note: "attempt 1 of 'scout'" },
      { type: "progress", stage: "attempt_ended", note: "error after 0 ms" },
    ]);
  });
});

describe("the order of hint layers", () => {
  it("is the Blueprint's: the last listed sees the call first", async () => {
    const trail = async (...layers: ("retry" | "budget")[]): Promise<number> => {
      const worker = scripted(failing());
      const options = { retry: { attempts: 3, backoff_ms: 0 }, budget: { attempts: 1 } };
      await stackAround(worker, { compiled: hinted(layers, options) })(makeCall());
      return worker.calls.length;
    };
    // Inside the budget, all tries are one attempt of it; outside, each try needs a share of its own.
    expect(await trail("retry", "budget")).toBe(3);
    expect(await trail("budget", "retry")).toBe(1);
  });
});
