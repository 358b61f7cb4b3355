import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ctx, type CtxSnapshot } from "../../src/flow/ctx.ts";
import { type FlowError, FlowPath, inspectJson, type Json, lookupPath, writePath } from "../../src/flow/index.ts";
import { WorkMeter } from "../../src/flow/work-meter.ts";
import { ctx as initialCtx, json, key, pathText, SEED } from "./random-flow.ts";

const bounds = { maxCtxDepth: 64, maxValues: 1_000_000 };
const depthOf = (value: Json): number => {
  const inspection = inspectJson(value, bounds);
  if ("problem" in inspection) throw new Error(inspection.problem.message);
  return inspection.depth;
};
const snapshotOf = (value: Json): CtxSnapshot => ({ value, depth: depthOf(value) });
const copy = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

type Action =
  | { readonly do: "write"; readonly at: string; readonly value: Json }
  | { readonly do: "move"; readonly from: string; readonly to: string }
  | { readonly do: "read"; readonly from: string }
  | { readonly do: "snapshot" }
  | { readonly do: "rollback"; readonly to: number }
  | { readonly do: "fork" };

const shortPath = fc.array(key, { minLength: 1, maxLength: 2 }).map((keys) => keys.map((k) => `["${k}"]`).join(""));
const at = fc.oneof({ weight: 9, arbitrary: shortPath.map((tail) => `$${tail}`) }, { weight: 1, arbitrary: pathText });
const value = fc.oneof(json, fc.constant<Json>({ a: {}, b: { a: {} } }));

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant("write" as const), at, value }),
  fc.record({ do: fc.constant("write" as const), at, value }),
  fc.record({ do: fc.constant("move" as const), from: at, to: at }),
  fc.record({ do: fc.constant("read" as const), from: at }),
  fc.record({ do: fc.constant("snapshot" as const) }),
  fc.record({ do: fc.constant("rollback" as const), to: fc.nat() }),
  fc.record({ do: fc.constant("fork" as const) }),
);

describe("a ctx", () => {
  it("agrees with a model that copies everything, and nothing handed out ever changes", () => {
    let writes = 0;
    fc.assert(
      fc.property(
        initialCtx,
        fc.array(fc.tuple(fc.nat(), action), { minLength: 20, maxLength: 40 }),
        (initial, actions) => {
          const handedOut: [Json, string][] = [];
          const handOut = (value: Json): Json => {
            handedOut.push([value, JSON.stringify(value)]);
            return value;
          };
          handOut(initial);
          // Scopes that forked off one another, each with its model.
          const scopes = [
            { ctx: new Ctx(snapshotOf(initial), bounds.maxCtxDepth, new WorkMeter(1e9)), model: copy(initial) },
          ];
          const snapshots: [CtxSnapshot, Json][] = [[snapshotOf(initial), copy(initial)]];

          for (const [which, step] of actions) {
            const scope = scopes[which % scopes.length] as (typeof scopes)[number];
            const write = (at: string, value: Json, depth: number) => {
              const path = FlowPath.parse(at);
              let expected: Json | undefined;
              try {
                expected = copy(writePath(path, scope.model, value));
              } catch (error) {
                expect(() => scope.ctx.write(path, value, depth)).toThrow((error as FlowError).message);
              }
              if (expected === undefined) return;
              scope.ctx.write(path, value, depth);
              scope.model = expected;
              writes += 1;
            };
            if (step.do === "write") {
              write(step.at, handOut(step.value), depthOf(step.value));
            } else if (step.do === "move") {
              const value = lookupPath(FlowPath.parse(step.from), scope.ctx.value);
              if (value !== undefined) write(step.to, handOut(scope.ctx.release(value)), depthOf(value));
            } else if (step.do === "read") {
              const value = lookupPath(FlowPath.parse(step.from), scope.ctx.value);
              if (value !== undefined) handOut(scope.ctx.release(value));
            } else if (step.do === "snapshot") {
              const snapshot = scope.ctx.snapshot();
              snapshots.push([snapshot, copy(scope.model)]);
              handOut(snapshot.value);
            } else if (step.do === "rollback") {
              const [snapshot, model] = snapshots[step.to % snapshots.length] as (typeof snapshots)[number];
              scope.ctx.replace(snapshot);
              scope.model = copy(model);
            } else {
              scopes.push({
                ctx: new Ctx(scope.ctx.snapshot(), bounds.maxCtxDepth, new WorkMeter(1e9)),
                model: copy(scope.model),
              });
            }
            for (const { ctx, model } of scopes) {
              expect(JSON.stringify(ctx.value)).toBe(JSON.stringify(model));
              expect(ctx.depth).toBeGreaterThanOrEqual(depthOf(ctx.value));
            }
            for (const [value, text] of handedOut) expect(JSON.stringify(value)).toBe(text);
          }
        },
      ),
      { seed: SEED, numRuns: 150 },
    );
    expect(writes).toBeGreaterThan(1000);
  });

  it("writes in place what only it can see", () => {
    const ctx = new Ctx(snapshotOf({ big: { k: 1 } }), 64, new WorkMeter(1e9));
    ctx.write(FlowPath.parse("$.n"), 0, 0);
    const root = ctx.value;
    ctx.write(FlowPath.parse("$.n"), 1, 0);
    ctx.write(FlowPath.parse("$.made.here"), 1, 0);
    expect(ctx.value).toBe(root);
    // Releasing a part leaves the rest writable in place.
    ctx.release(lookupPath(FlowPath.parse("$.made"), ctx.value) as Json);
    ctx.write(FlowPath.parse("$.made.here"), 2, 0);
    expect(ctx.value).toBe(root);
    const { value } = ctx.snapshot();
    ctx.write(FlowPath.parse("$.n"), 2, 0);
    expect(ctx.value).not.toBe(value);
    expect(lookupPath(FlowPath.parse("$.n"), value)).toBe(1);
  });

  it("measures before it calls itself too deep, and only then fails", () => {
    const ctx = new Ctx({ value: {}, depth: 1 }, 8, new WorkMeter(1e9));
    // The bound grows with every turn, the ctx does not.
    for (let turn = 0; turn < 100; turn += 1) ctx.write(FlowPath.parse("$.x.y"), {}, Math.min(8, ctx.depth));
    expect(ctx.depth).toBeLessThanOrEqual(8);
    const deep = JSON.parse("[".repeat(7) + "]".repeat(7)) as Json;
    ctx.write(FlowPath.parse("$.d"), deep, 7);
    expect(() => ctx.write(FlowPath.parse("$.d.e"), 1, 0)).toThrow("is not an object");
    expect(() => ctx.write(FlowPath.parse("$.f.d"), deep, 7)).toThrow("limit maxCtxDepth = 8");
  });
});
