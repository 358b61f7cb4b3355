import { describe, expect, it } from "vitest";
import { bindingOf, definitionOf, fanout, lit, path, ScriptedRun, seq, step } from "./scripted-run.ts";

const effect = bindingOf({ pure: false });
const retrying = bindingOf({
  pure: false,
  retry: { maxAttempts: 3, backoffMs: 100, backoffFactor: 2, maxBackoffMs: 1000, jitter: 0, nonRetryable: ["fatal"] },
});
const failure = (code = "boom", retryable = true) => ({
  kind: "error" as const,
  error: { code, message: `${code}!`, retryable },
});

describe("a run's journal", () => {
  it("records a pure step by its completion alone", () => {
    const run = ScriptedRun.start(definitionOf(step("a", lit(1), "$.a")));
    run.end("root");
    expect(run.log).toEqual(["run_started", "step_completed root", "run_finished"]);
    expect(run.kernel.result).toEqual({ status: "done", ctx: { a: 1 } });
  });

  it("records an effect as scheduled before it may start, and as started before a worker gets it", () => {
    const run = ScriptedRun.start(definitionOf(step("a", lit(1), "$.a"), { bindings: { a: effect } }));
    expect(run.wanted.get("root" as never)?.barrier).toBe(true);
    expect(run.log).toEqual(["run_started", "step_scheduled root"]);
    run.end("root");
    expect(run.log).toEqual([
      "run_started",
      "step_scheduled root",
      "step_started root",
      "step_completed root",
      "run_finished",
    ]);
  });

  it("records a failed flow with its error and the ctx it left", () => {
    const run = ScriptedRun.start(definitionOf(seq(step("a", lit(1), "$.a"), step("b", path("$.missing"), "$.b"))));
    run.end("0");
    expect(run.kernel.result).toMatchObject({ status: "failed", ctx: { a: 1 }, error: { kind: "path_not_found" } });
  });

  it("keeps values over 16 KiB in blobs", () => {
    const run = ScriptedRun.start(definitionOf(step("a", lit(1), "$.a")));
    run.end("root", { kind: "pass", value: "x".repeat(20_000) });
    const completed = run.journal.find(({ type }) => type === "step_completed");
    expect(completed?.blob?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(completed?.text.length).toBeLessThan(1000);
  });
});

describe("outcomes", () => {
  const attempt = (outcome: object) => {
    const run = ScriptedRun.start(
      definitionOf({ kind: "try", body: step("a", lit(1), "$.a"), catch: seq(), err_at: path("$.err") }),
    );
    run.end("body", outcome as never);
    return run.kernel.result?.ctx;
  };

  it("writes nothing for a skip", () => expect(attempt({ kind: "skip", value: 5 })).toEqual({}));
  it("turns blocked into an error that try catches", () =>
    expect(attempt({ kind: "blocked", value: { why: 1 } })).toEqual({
      err: `dispatcher error for ref 'a': blocked: {"why":1}`,
    }));
  it("turns a timeout into an error that try catches", () =>
    expect(attempt({ kind: "timeout", error: { code: "step_timeout", message: "too slow", retryable: true } })).toEqual(
      {
        err: "dispatcher error for ref 'a': too slow",
      },
    ));
  it("fails a step whose agent nobody declared, without dispatching it", () => {
    const run = ScriptedRun.start(definitionOf(step("ghost", lit(1), "$.a"), { bindings: {} }));
    expect(run.wanted.size).toBe(0);
    expect(run.kernel.result).toMatchObject({ status: "failed", error: { kind: "dispatcher_error" } });
  });
});

describe("retries", () => {
  const start = () => ScriptedRun.start(definitionOf(step("a", lit(1), "$.a"), { bindings: { a: retrying } }));

  it("tries again after a growing backoff and passes", () => {
    const run = start();
    run.end("root", failure());
    expect(run.wakes.get("root" as never)).toMatchObject({ at: 1100 });
    run.wake("root");
    run.end("root", failure());
    expect(run.wakes.get("root" as never)).toMatchObject({ at: 1300 });
    run.wake("root");
    expect(run.wanted.get("root" as never)?.attempt).toBe(3);
    run.end("root");
    expect(run.kernel.result?.status).toBe("done");
  });

  it("gives up after max_attempts, at once on a non-retryable code, at once where the worker says so", () => {
    const worn = start();
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      worn.end("root", failure());
      if (attempt < 3) worn.wake("root");
    }
    const listed = start();
    listed.end("root", failure("fatal"));
    const told = start();
    told.end("root", failure("boom", false));
    for (const run of [worn, listed, told]) expect(run.kernel.result?.status).toBe("failed");
  });

  it("does not repeat a blocked step", () => {
    const run = start();
    run.end("root", { kind: "blocked", value: null });
    expect(run.kernel.result?.status).toBe("failed");
  });

  it("ignores the late outcome of an attempt that was already replaced", () => {
    const run = start();
    run.end("root", failure());
    run.wake("root");
    expect(
      run.kernel.complete("root" as never, 1, { kind: "pass", value: 9, startedAt: 0 }, { now: 5, random: 0 }),
    ).toEqual([]);
  });
});

describe("fanouts", () => {
  it("aborts and closes the losers of a race, in one decision with the winner", () => {
    const flow = fanout("race", lit([1, 2, 3]), step("a", path("$.item"), "$.r"), "$.won");
    const run = ScriptedRun.start(definitionOf(flow, { bindings: { a: effect } }));
    run.end("@1");
    expect(run.aborted.map(({ key, reason }) => `${key} ${reason}`)).toEqual(["@0 lost_join", "@2 lost_join"]);
    expect(run.log.slice(-5)).toEqual(
      ["step_completed @1", "fanout_joined root", "step_completed @0", "step_completed @2", "run_finished"].sort(
        (a, b) => run.log.indexOf(a) - run.log.indexOf(b),
      ),
    );
    expect(run.kernel.result).toMatchObject({ status: "done", ctx: { won: { item: 2, r: 2 } } });
  });

  it("aborts the other lanes when the run fails", () => {
    const flow = fanout("all", lit([1, 2]), step("a", path("$.item"), "$.r"), "$.all");
    const run = ScriptedRun.start(definitionOf(flow, { bindings: { a: effect } }));
    run.end("@0", failure("boom", false));
    expect(run.aborted.map(({ key }) => key)).toEqual(["@1"]);
    expect(run.kernel.result?.status).toBe("failed");
  });
});

describe("cancel", () => {
  it("journals the request, aborts what runs, takes late outcomes, and finishes once", () => {
    const flow = fanout("all", lit([1, 2]), step("a", path("$.item"), "$.r"), "$.all");
    const run = ScriptedRun.start(definitionOf(flow, { bindings: { a: effect } }));
    run.take(run.kernel.cancel({ reason: "enough", by: "me" }));
    expect(run.kernel.cancel({ reason: "again", by: "me" })).toEqual([]);
    expect(run.aborted).toHaveLength(2);
    run.take(run.kernel.complete("@0" as never, 1, { kind: "pass", value: 1, startedAt: 1 }, { now: 1, random: 0 }));
    expect(run.kernel.result).toBeUndefined();
    run.take(run.kernel.finishCancelled(5));
    expect(run.kernel.result).toMatchObject({ status: "cancelled", reason: "enough" });
    expect(run.log.slice(-3)).toEqual(["step_completed @0", "step_completed @1", "run_finished"]);
    expect(run.kernel.finishCancelled(6)).toEqual([]);
  });

  it("starts no retry", () => {
    const run = ScriptedRun.start(definitionOf(step("a", lit(1), "$.a"), { bindings: { a: retrying } }));
    run.end("root", failure());
    run.take(run.kernel.cancel({ reason: "enough", by: "me" }));
    run.wake("root");
    expect(run.wanted.size).toBe(0);
  });
});

describe("a ctx that doubles with every turn", () => {
  const lanes = fanout("all", lit([1, 2]), { kind: "assign", at: path("$.x"), value: lit(1) }, "$.all");
  const doubling = { kind: "loop", counter: path("$.n"), cond: lit(true), max: 60, body: lanes };
  const options = { bindings: { a: effect }, limits: { maxValues: 10_000 } };

  it("fails its run, which leaves no ctx that nobody could print", () => {
    const run = ScriptedRun.start(definitionOf(doubling, options));
    expect(run.kernel.result).toMatchObject({
      status: "failed",
      ctx: null,
      error: { kind: "limit_exceeded", details: { limit: "maxValues" } },
    });
    expect(run.journal.at(-1)?.text).toContain('"value":{"inline":null}');
    expect(ScriptedRun.recover(run.definition, run.journal).kernel.result).toEqual(run.kernel.result);
  });

  it("is not printed either where its run is cancelled", () => {
    const run = ScriptedRun.start(definitionOf(seq(doubling, step("a", lit(1), "$.a")), options));
    expect(run.wanted.size).toBe(1);
    run.take(run.kernel.cancel({ reason: "enough", by: "me" }));
    run.take(run.kernel.finishCancelled(5));
    expect(run.kernel.result).toEqual({ status: "cancelled", ctx: null, reason: "enough" });
  });
});

describe("steps that wait", () => {
  const bindings = {
    sleep: bindingOf({ pure: false, waits: "sleep" }),
    sleep_until: bindingOf({ pure: false, waits: "sleep_until" }),
    wait_signal: bindingOf({ pure: false, waits: "wait_signal" }),
  };

  it("sleeps until its timer fires", () => {
    const run = ScriptedRun.start(definitionOf(step("sleep", lit(5000), "$.s"), { bindings }));
    expect(run.wanted.size).toBe(0);
    run.wake("root");
    expect(run.kernel.result).toEqual({ status: "done", ctx: { s: { due_at: 6000 } } });
    expect(run.log).toEqual([
      "run_started",
      "step_scheduled root",
      "timer_set root",
      "timer_fired root",
      "step_completed root",
      "run_finished",
    ]);
  });

  it("sleeps until a time written as ISO 8601", () => {
    const run = ScriptedRun.start(definitionOf(step("sleep_until", lit("1970-01-01T00:01:00Z"), "$.s"), { bindings }));
    expect(run.wakes.get("root" as never)?.at).toBe(60_000);
  });

  it.each([[-1], ["soon"], [null], [{ ms: 1e300 }]])("refuses to sleep %j", (input) => {
    const run = ScriptedRun.start(definitionOf(step("sleep", lit(input), "$.s"), { bindings }));
    expect(run.kernel.result).toMatchObject({ status: "failed", error: { kind: "dispatcher_error" } });
  });

  it("takes a signal that comes while it waits, and one that came before", () => {
    const run = ScriptedRun.start(
      definitionOf(seq(step("wait_signal", lit("go"), "$.a"), step("wait_signal", lit({ name: "go" }), "$.b")), {
        bindings,
      }),
    );
    run.take(run.kernel.signal({ name: "go", id: "1", value: "x" }, 1));
    expect(run.kernel.signal({ name: "go", id: "1", value: "x" }, 1)).toEqual([]);
    run.take(run.kernel.signal({ name: "go", id: "2", value: "y" }, 1));
    expect(run.kernel.result).toEqual({ status: "done", ctx: { a: "x", b: "y" } });

    const early = ScriptedRun.start(
      definitionOf(seq(step("a", lit(1), "$.a"), step("wait_signal", lit("go"), "$.b")), {
        bindings: { ...bindings, a: effect },
      }),
    );
    early.take(early.kernel.signal({ name: "go", id: "1", value: "x" }, 1));
    early.end("0");
    expect(early.kernel.result).toEqual({ status: "done", ctx: { a: 1, b: "x" } });
  });

  it("gives up waiting for a signal at its timeout", () => {
    const run = ScriptedRun.start(
      definitionOf(step("wait_signal", lit({ name: "go", timeout_ms: 10 }), "$.a"), { bindings }),
    );
    run.wake("root");
    expect(run.kernel.result).toMatchObject({
      status: "failed",
      error: { message: "dispatcher error for ref 'wait_signal': the signal did not come in time" },
    });
  });
});
