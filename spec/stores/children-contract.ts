/** What a crash leaves between the journals of parents and children, as every backend must find it. */
import { expect, it } from "vitest";
import type { JournalRow, RunRecord, RunStatus, Stores } from "../../stores/ports.ts";
import { aRun, type OpenStores } from "./samples.ts";

const LIVE: readonly RunStatus[] = ["pending", "running", "waiting", "suspended", "paused"];
const ENDED: readonly RunStatus[] = ["done", "failed", "cancelled", "dead_letter"];

const child = (runId: string, status: RunStatus, over: Partial<RunRecord> = {}): RunRecord =>
  aRun(runId, { status, parentRunId: "parent", parentStep: { key: "0.@1", attempt: 2 }, createdAt: 2000, ...over });

const entry = (type: string, attempt: number, key = "0.@1"): Omit<JournalRow, "seq"> => ({
  type,
  key,
  attempt,
  text: `{"type":"${type}"}`,
});

/** What is found where the parent's journal has these entries. */
async function found(
  open: OpenStores,
  parent: RunStatus,
  children: readonly RunRecord[],
  ...entries: readonly Omit<JournalRow, "seq">[]
): Promise<{ answered: readonly string[]; orphaned: readonly string[] }> {
  await using stores = await open();
  await stores.runs.create([aRun("parent"), ...children]);
  const rows = entries.map((row, index) => ({ ...row, seq: index + 1 }));
  await stores.journals.append([{ runId: "parent", fence: 1, expectedSeq: 1, rows, at: 1, patch: { status: parent } }]);
  return await look(stores);
}

async function look(stores: Stores): Promise<{ answered: readonly string[]; orphaned: readonly string[] }> {
  return {
    answered: await stores.children.answered({ limit: 9 }),
    orphaned: await stores.children.orphaned({ limit: 9 }),
  };
}

export function describeChildren(open: OpenStores): void {
  const started = [entry("step_scheduled", 2), entry("step_started", 2), entry("step_memo", 2)];

  it.each(ENDED)("finds a waiting parent whose child has ended (%s) and that has not taken it", async (status) => {
    expect(await found(open, "waiting", [child("c", status)], ...started)).toEqual({
      answered: ["parent"],
      orphaned: [],
    });
  });

  it.each(LIVE)("finds nothing where both go on (%s)", async (status) => {
    for (const parent of LIVE)
      expect(await found(open, parent, [child("c", status)], ...started)).toEqual({ answered: [], orphaned: [] });
  });

  it("finds nothing where the parent has taken the end, or is in memory anyway, or has ended itself", async () => {
    const ended = [child("c", "done")];
    expect(await found(open, "waiting", ended, ...started, entry("step_completed", 2))).toMatchObject({ answered: [] });
    for (const parent of ["running", "paused", "suspended", ...ENDED] as const)
      expect(await found(open, parent, ended, ...started)).toEqual({ answered: [], orphaned: [] });
  });

  it.each(LIVE)("finds a child (%s) whose attempt is over: ended, or followed by another", async (status) => {
    const live = [child("c", status)];
    const orphaned = { answered: [], orphaned: ["c"] };
    expect(await found(open, "running", live, ...started, entry("step_completed", 2))).toEqual(orphaned);
    expect(await found(open, "waiting", live, ...started, entry("step_scheduled", 3))).toEqual(orphaned);
  });

  it.each(ENDED)("finds a child whose parent has ended (%s)", async (status) => {
    expect(await found(open, status, [child("c", "waiting")], ...started)).toEqual({ answered: [], orphaned: ["c"] });
  });

  it("goes by step and attempt: what is over of another says nothing", async () => {
    const others = [entry("step_completed", 1), entry("step_completed", 2, "0.@11"), entry("step_completed", 5, "0")];
    expect(await found(open, "waiting", [child("c", "running")], ...others)).toEqual({ answered: [], orphaned: [] });
    expect(await found(open, "waiting", [child("c", "failed")], ...others)).toMatchObject({ answered: ["parent"] });
  });

  it("leaves alone a child whose parent is not here, or that does not know its step", async () => {
    await using stores = await open();
    const { parentStep: _unknown, ...stepless } = child("b", "running", { parentRunId: "ended" });
    await stores.runs.create([
      child("a", "running", { parentRunId: "gone" }),
      aRun("ended", { status: "done" }),
      stepless,
    ]);
    expect(await look(stores)).toEqual({ answered: [], orphaned: [] });
  });

  it("gives them by age, a page at a time", async () => {
    await using stores = await open();
    const parents = ["p3", "p1", "p2"].map((runId, index) => aRun(runId, { status: "waiting", createdAt: 10 + index }));
    const of = (parentRunId: string | undefined) => ({ parentRunId: parentRunId ?? "" });
    const ended = parents.map(({ runId }) => child(`e${runId}`, "done", of(runId)));
    const live = ["c2", "c3", "c1"].map((runId, index) =>
      child(runId, "running", { ...of("over"), createdAt: 20 + Math.floor(index / 2) }),
    );
    await stores.runs.create([...parents, ...ended, aRun("over", { status: "failed" }), ...live]);
    expect(await look(stores)).toEqual({ answered: ["p3", "p1", "p2"], orphaned: ["c2", "c3", "c1"] });
    expect(await stores.children.answered({ limit: 1, after: "p3" })).toEqual(["p1"]);
    expect(await stores.children.orphaned({ limit: 9, after: "c3" })).toEqual(["c1"]);
    expect(await stores.children.answered({ limit: 0 })).toEqual([]);
    expect(await stores.children.orphaned({ limit: 9, after: "nowhere" })).toEqual([]);
  });
}
