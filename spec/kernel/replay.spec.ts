import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { ChainReader, JournalChain, KernelError, replayRun } from "../../src/kernel/index.ts";
import { bindingOf, definitionOf, fanout, hash, lit, path, ScriptedRun, seq, step } from "./scripted-run.ts";

const retry = { maxAttempts: 2, backoffMs: 10, backoffFactor: 2, maxBackoffMs: 100, jitter: 0, nonRetryable: [] };
const bindings = {
  pure: bindingOf({ retry }),
  effect: bindingOf({ pure: false, retry }),
  sleep: bindingOf({ pure: false, waits: "sleep" }),
  wait_signal: bindingOf({ pure: false, waits: "wait_signal" }),
};

const flows: Arbitrary = fc.letrec<{ node: Json }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthIdentifier: "flow" },
    fc.constantFrom<Json>(
      step("pure", lit(1), "$.a"),
      step("effect", lit(2), "$.b"),
      step("sleep", lit(50), "$.c"),
      step("wait_signal", lit("go"), "$.d"),
    ),
    fc.array(tie("node"), { maxLength: 3 }).map((children) => seq(...children)),
    fc
      .tuple(fc.constantFrom("all", "any", "race", "all_settled"), tie("node"))
      .map(([join, body]) => fanout(join, lit([1, 2, 3]), body, "$.joined")),
    tie("node").map(
      (body): Json => ({
        kind: "try",
        body,
        catch: { kind: "assign", at: path("$.caught"), value: lit(true) },
        err_at: path("$.err"),
      }),
    ),
    tie("node").map((body): Json => ({ kind: "loop", counter: path("$.n"), cond: lit(true), body, max: 2 })),
  ),
})).node;
type Arbitrary = fc.Arbitrary<Json>;

/** Drives a run to its end; what happens next is drawn, so that one seed is one schedule. */
function drive(run: ScriptedRun, draw: () => number, turns = 500): void {
  for (let turn = 0; run.kernel.result === undefined && turn < turns; turn += 1) {
    const keys = [...run.wanted.keys()];
    const wakes = [...run.wakes.keys()];
    const choice = draw() % (keys.length + wakes.length + 1);
    if (choice < keys.length) {
      const key = keys[choice] as string;
      const fails = draw() % 3 === 0;
      run.end(key, fails ? { kind: "error", error: { code: "boom", message: "boom", retryable: true } } : {});
    } else if (choice < keys.length + wakes.length) run.wake(wakes[choice - keys.length] as string);
    else run.take(run.kernel.signal({ name: "go", id: `s${turn}`, value: turn }, run.now));
  }
}

/** Ends a run with every outcome a pass, in an order that depends on the keys alone. */
function finishInKeyOrder(run: ScriptedRun): void {
  for (let turn = 0; run.kernel.result === undefined; turn += 1) {
    const [wake] = [...run.wakes.keys()].sort();
    const [key] = [...run.wanted.keys()].sort();
    if (wake !== undefined) run.wake(wake);
    else if (key !== undefined) run.end(key);
    else run.take(run.kernel.signal({ name: "go", id: `f${turn}`, value: "last" }, run.now));
  }
}

const drawFrom = (numbers: readonly number[]) => {
  let index = 0;
  return () => numbers[index++ % numbers.length] as number;
};

describe("replay", () => {
  it("rebuilds the same run from its whole journal", () => {
    fc.assert(
      fc.property(flows, fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 }), (flow, numbers) => {
        const definition = definitionOf(flow, { bindings });
        const run = ScriptedRun.start(definition, { item: 0 });
        drive(run, drawFrom(numbers));
        const again = ScriptedRun.recover(definition, run.journal);
        expect(again.kernel.result?.status).toBe(run.kernel.result?.status);
        expect(again.kernel.ctx).toEqual(run.kernel.ctx);
      }),
      { numRuns: 300 },
    );
  });

  it("goes on from every prefix of a journal without a completed step being asked for again", () => {
    fc.assert(
      fc.property(flows, fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 }), (flow, numbers) => {
        const definition = definitionOf(flow, { bindings });
        const run = ScriptedRun.start(definition, { item: 0 });
        drive(run, drawFrom(numbers));
        for (let length = 1; length <= run.journal.length; length += 1) {
          const prefix = run.journal.slice(0, length);
          const recovered = ScriptedRun.recover(definition, prefix);
          const done = new Set(
            prefix
              .filter((entry) => entry.type === "step_completed" && entry.text.includes('"accepted":true'))
              .map(({ key }) => key),
          );
          for (const key of recovered.wanted.keys()) expect(done.has(key)).toBe(false);
          drive(recovered, drawFrom(numbers.toReversed()));
          const twice = recovered.journal
            .filter((entry) => entry.type === "step_completed" && entry.text.includes('"accepted":true'))
            .map(({ key }) => key);
          expect(new Set(twice).size).toBe(twice.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("goes on the same from a saved kernel as from the journal", () => {
    fc.assert(
      fc.property(
        flows,
        fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 }),
        fc.nat(20),
        (flow, numbers, turns) => {
          const definition = definitionOf(flow, { bindings });
          const run = ScriptedRun.start(definition, { item: 0 });
          drive(run, drawFrom(numbers), turns);
          if (run.kernel.result !== undefined) return;
          const saved = JSON.parse(JSON.stringify(run.kernel.save()));
          const again = ScriptedRun.recover(definition, run.journal);
          const restored = ScriptedRun.restore(run, saved);
          // A pure step that was tried again is journaled as failed only, so the journal's run wakes it once more.
          for (const each of [again, restored]) finishInKeyOrder(each);
          expect(restored.kernel.result?.status).toEqual(again.kernel.result?.status);
          // The two do not wake in the same order, so what depends on time and on the order of outcomes may differ.
          expect(Object.keys(restored.kernel.ctx as object).sort()).toEqual(
            Object.keys(again.kernel.ctx as object).sort(),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it("gives an attempt that a worker may have got the next number, and one that nobody got its own", () => {
    const definition = definitionOf(step("effect", lit(1), "$.a"), { bindings });
    const run = ScriptedRun.start(definition);
    expect(ScriptedRun.recover(definition, run.journal).wanted.get("root" as never)?.attempt).toBe(1);
    run.take(run.kernel.started("root" as never, 1, "test"));
    const recovered = ScriptedRun.recover(definition, run.journal);
    expect(recovered.wanted.get("root" as never)?.attempt).toBe(2);
    expect(recovered.log.at(-1)).toBe("step_scheduled root");
    recovered.end("root", { kind: "error", error: { code: "boom", message: "boom", retryable: true } });
    expect(recovered.kernel.result, "the interrupted attempt must not count as a failure").toBeUndefined();
  });

  it("reads impure externs back instead of calling them again", () => {
    let calls = 0;
    const flow = seq(
      { kind: "let", at: "$.t", value: { op: "call_extern", ref: "now", args: [] } },
      step("effect", path("$.t"), "$.a"),
    );
    const definition = definitionOf(flow, { bindings, impure: { now: () => 1000 + calls++ } });
    const run = ScriptedRun.start(definition);
    expect(run.log).toEqual(["run_started", "extern_value 0", "step_scheduled 1"]);
    const recovered = ScriptedRun.recover(definition, run.journal);
    recovered.end("1");
    expect(recovered.kernel.result).toMatchObject({ status: "done", ctx: { t: 1000, a: 1000 } });
    expect(calls).toBe(1);
  });

  it("finishes a cancel that a crash interrupted", () => {
    const definition = definitionOf(step("effect", lit(1), "$.a"), { bindings });
    const run = ScriptedRun.start(definition);
    run.take(run.kernel.cancel({ reason: "enough", by: "me" }));
    const recovered = ScriptedRun.recover(definition, run.journal);
    expect(recovered.wanted.size).toBe(0);
    expect(recovered.kernel.result).toMatchObject({ status: "cancelled", reason: "enough" });
  });

  it("stops with a divergence where the flow no longer asks for what is recorded", () => {
    const run = ScriptedRun.start(definitionOf(step("effect", lit(1), "$.a"), { bindings }));
    run.end("root");
    const other = {
      ...definitionOf(step("effect", lit(2), "$.a"), { bindings }),
      flowDigest: run.definition.flowDigest,
    };
    expect(() => ScriptedRun.recover(other, run.journal)).toThrow(expect.objectContaining({ code: "divergence" }));
    expect(() => ScriptedRun.recover(definitionOf(seq(), { bindings }), run.journal)).toThrow(
      expect.objectContaining({ code: "divergence" }),
    );
  });
});

describe("the digest chain", () => {
  const run = ScriptedRun.start(
    definitionOf(seq(step("effect", lit(1), "$.a"), step("effect", lit(2), "$.b")), { bindings }),
  );
  run.end("0");
  run.end("1");
  const texts = run.journal.map(({ text }) => text);
  const readAll = (all: readonly string[]): void => {
    const reader = new ChainReader(hash);
    for (const text of all) reader.read(text);
  };

  it("accepts what was written", () => expect(() => readAll(texts)).not.toThrow());

  it("names the first bad entry, whatever was edited, dropped or swapped", () => {
    fc.assert(
      fc.property(fc.nat(texts.length - 2), fc.constantFrom("edit", "drop", "swap"), (index, how) => {
        const bad = [...texts];
        if (how === "edit") bad[index] = (bad[index] as string).replace('"at":1000', '"at":1001');
        else if (how === "drop") bad.splice(index, 1);
        else [bad[index], bad[index + 1]] = [bad[index + 1] as string, bad[index] as string];
        try {
          readAll(bad);
          expect.unreachable("a changed journal must not be accepted");
        } catch (error) {
          expect(error).toBeInstanceOf(KernelError);
          expect((error as KernelError).code).toBe("journal_corrupt");
          expect((error as KernelError).details["seq"]).toBe(how === "edit" ? index + 2 : index + 1);
        }
      }),
    );
  });

  it("refuses an entry of a newer format and a text that is not JSON", () => {
    expect(() => readAll([(texts[0] as string).replace('"v":1', '"v":99')])).toThrow(
      expect.objectContaining({ code: "journal_newer" }),
    );
    expect(() => readAll([(texts[0] as string).slice(0, -5)])).toThrow(
      expect.objectContaining({ code: "journal_corrupt" }),
    );
    expect(() => replayRun(run.definition, [], { hash })).toThrow(expect.objectContaining({ code: "journal_corrupt" }));
  });

  it("continues where a reader ended", () => {
    const reader = new ChainReader(hash);
    for (const text of texts) reader.read(text);
    const more = new JournalChain(hash, reader.position).seal(
      { type: "run_resumed", reason: "test" },
      { fence: 2, at: 3 },
    );
    expect(() => readAll([...texts, more.text])).not.toThrow();
  });
});
