import { describe, expect, it } from "vitest";
import { BEHAVIOURS, knownBehaviour, type RunKernel } from "../../src/kernel/index.ts";
import { bindingOf, definitionOf, lit, ScriptedRun, step } from "./scripted-run.ts";

const definition = definitionOf(step("a", lit(1), "$.a"), { bindings: { a: bindingOf({ pure: false }) } });

/** The journal of a run, as a host that knows these flags would have written it. */
function recordedWith(flags: readonly number[]): ScriptedRun["journal"] {
  const run = ScriptedRun.start(definition);
  const [first] = run.journal;
  if (first === undefined) throw new Error("nothing is journaled");
  const text = JSON.stringify({ ...JSON.parse(first.text), behaviour: flags });
  return [{ ...first, text }];
}

describe("behaviour flags", () => {
  it("are recorded with every new run, all that the host knows", () => {
    const [first] = ScriptedRun.start(definition).journal;
    expect(JSON.parse(first?.text ?? "{}")).toMatchObject({ type: "run_started", behaviour: [...BEHAVIOURS.keys()] });
  });

  it("are refused where this host does not know one, with what to do about it", () => {
    expect(() => ScriptedRun.recover(definition, recordedWith([4711]))).toThrow(
      expect.objectContaining({
        code: "journal_newer",
        message: expect.stringMatching(/flag 4711.*newer swarm-host/u),
        details: { seq: 1, flag: 4711 },
      }),
    );
    const saved = JSON.parse(JSON.stringify(ScriptedRun.start(definition).kernel.save())) as ReturnType<
      RunKernel["save"]
    >;
    const run = ScriptedRun.start(definition);
    expect(() => ScriptedRun.restore(run, { ...saved, behaviour: [4711] })).toThrow(
      expect.objectContaining({ code: "journal_newer" }),
    );
    expect(() => ScriptedRun.restore(run, saved)).not.toThrow();
  });

  it("are those of the run, not all that the host knows", () => {
    const known = new Map([
      [1, "one"],
      [2, "another"],
    ]);
    expect([...knownBehaviour([2], known)]).toEqual([2]);
    expect(() => knownBehaviour([2, 3], known)).toThrow(expect.objectContaining({ code: "journal_newer" }));
  });
});
