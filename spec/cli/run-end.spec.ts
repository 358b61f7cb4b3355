import { describe, expect, it } from "vitest";
import { errorObject, failureReport, resultObject, runExit } from "../../src/cli/run/run-end.ts";
import { MAX_RECORDS, StepLog } from "../../src/cli/run/step-log.ts";
import { decodeFlow } from "../../src/flow/index.ts";
import { completed, started } from "./run-events.ts";

const run = { runId: "R-1", blueprintId: "demo", version: "sha256:00" };
const failure = { kind: "dispatcher_error", message: "dispatcher error for ref 'a': no" };

describe("the exit code of a run", () => {
  it.each([
    [{ status: "done", ctx: {} }, undefined, 0],
    [{ status: "done", ctx: {} }, "SIGINT", 0],
    [{ status: "failed", ctx: {}, error: failure }, "SIGINT", 1],
    [{ status: "cancelled", ctx: {}, reason: "x" }, "SIGINT", 130],
    [{ status: "cancelled", ctx: {}, reason: "x" }, "SIGTERM", 143],
    [{ status: "cancelled", ctx: {}, reason: "x" }, "SIGHUP", 129],
    [{ status: "cancelled", ctx: {}, reason: "x" }, undefined, 130],
  ] as const)("%j after %s is %d", (result, signal, code) => {
    expect(runExit(result, signal)).toBe(code);
  });
});

describe("the result object", () => {
  it("says how the run ended, and has its ctx and steps", () => {
    expect(resultObject(run, { status: "failed", ctx: { a: 1 }, error: failure }, { steps: [] })).toEqual({
      run_id: "R-1",
      blueprint: { id: "demo", version: "sha256:00" },
      status: "failed",
      ctx: { a: 1 },
      error: failure,
      steps: [],
    });
    expect(resultObject(run, { status: "cancelled", ctx: {}, reason: "enough" }, {})).toMatchObject({
      reason: "enough",
    });
  });

  it("says whether anything ran where there is no result", () => {
    const report = { code: "store_full", message: "full", exit: 1 } as const;
    expect(errorObject(report, undefined, [])).toEqual({
      status: "refused",
      error: { code: "store_full", message: "full" },
      diagnostics: [],
    });
    expect(errorObject(report, run, [])).toMatchObject({ status: "interrupted", run_id: "R-1" });
  });
});

describe("a run's failure", () => {
  const flow = decodeFlow({
    kind: "seq",
    children: [
      {
        kind: "loop",
        counter: { op: "path", at: "$.n" },
        cond: { op: "lit", value: true },
        max: 1,
        body: { kind: "step", ref: "a", in: { op: "path", at: "$.x" }, out: { op: "path", at: "$.y" } },
      },
    ],
  });

  it("names the step and the author's line", () => {
    const asked: string[] = [];
    const locate = (pointer: string): string => {
      asked.push(pointer);
      return "main.bp.lua:12";
    };
    const report = failureReport(
      { ...failure, key: "0.~0", details: { node: "0.body" } },
      { flow, locate, said: "killed by SIGKILL" },
    );
    expect(report.message).toBe(`${failure.message} (killed by SIGKILL)`);
    expect(asked).toEqual(["/flow/children/0/body"]);
    expect(report).toMatchObject({ code: "dispatcher_error", place: "step 0.~0, main.bp.lua:12", exit: 1 });
  });

  it("names the place in the document where no line is known", () => {
    const report = failureReport(
      { ...failure, details: { node: "0.body" } },
      { flow, locate: () => undefined, said: undefined },
    );
    expect(report.place).toBe("/flow/children/0/body");
  });

  it("has no place where none is known", () => {
    expect(failureReport({ kind: "internal", message: "? no" }, { flow, locate: () => "x", said: "no" })).toEqual({
      code: "internal",
      message: "? no",
      exit: 1,
    });
  });
});

describe("the steps of a result object", () => {
  it("are one record a step, of its last attempt", () => {
    const log = new StepLog();
    log.apply(started("0", "a", 0));
    log.apply(completed("0", "a", 5, 5, { outcome: "error", message: "no", retryAt: 9 }));
    log.apply(started("0", "a", 9, 2));
    log.apply(completed("0", "a", 12, 3, { attempt: 2 }));
    log.apply(started("1", "b", 12));
    expect(log.toJson()).toEqual({
      steps: [
        { key: "0", agent: "a", outcome: "pass", attempts: 2, duration_ms: 3 },
        { key: "1", agent: "b", outcome: "running", attempts: 1, duration_ms: 0 },
      ],
    });
  });

  it("are bounded, and say how many are missing", () => {
    const log = new StepLog();
    for (let step = 0; step < MAX_RECORDS + 7; step += 1) {
      log.apply(started(`${step}`, "a", step));
      log.apply(completed(`${step}`, "a", step, 0));
    }
    const { steps, steps_omitted: omitted } = log.toJson();
    expect(steps).toHaveLength(MAX_RECORDS);
    expect(omitted).toBe(7);
  });
});
