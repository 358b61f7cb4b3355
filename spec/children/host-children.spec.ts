/** Parents and children over crashes: every state that one can leave between their two journals. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { CompiledBlueprint } from "../../src/blueprint/index.ts";
import { MAX_CHILDREN } from "../../src/child-limits.ts";
import { Engine, type Executable, type RunHandle, type StepCall } from "../../src/engine/index.ts";
import { HostChildren } from "../../src/host-children.ts";
import type { ChildEnd, ChildOrder } from "../../src/workers/index.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import type { RunRecord, Stores } from "../../stores/ports.ts";
import { ManualClock } from "../engine/manual-clock.ts";
import { bindingOf, definitionOf, lit, step } from "../kernel/scripted-run.ts";
import { aRun } from "../stores/samples.ts";
import { makeCall } from "../workers/step-fixture.ts";

const target = { kind: "id", id: "any" } as const;
const order = (): ChildOrder => ({ target, input: {} });

/** Lets promises settle that need no timer. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

interface Life {
  readonly engine: Engine;
  readonly children: HostChildren;
  /** How each attempt of the parent's that was entered in this life came back. */
  readonly seen: Promise<ChildEnd>[];
}

/** A parent with one swarm step and a child with one step that the test ends, over hosts that come and go. */
class Family {
  readonly stores: Stores = openMemoryStores();
  readonly clock = new ManualClock();
  readonly defects: unknown[] = [];
  /** The child's attempts, to be ended by hand. */
  readonly held: { readonly call: StepCall; readonly end: () => void }[] = [];
  #ids = 0;

  /** @param tells whether the end of a child is told to its parent: a host that dies in between tells nobody. */
  host(hostId: string, { tells = true, maxRecoveries = 5 } = {}): Life {
    const seen: Promise<ChildEnd>[] = [];
    const child: Executable = {
      ...definitionOf(step("work", lit("made"), "$.made"), { bindings: { work: bindingOf({ pure: false }) } }),
      workerKind: () => "test",
      dispatch: (call) =>
        new Promise((resolve) => {
          const end = (): void => resolve({ kind: "pass", value: call.input });
          call.signal.addEventListener("abort", () => resolve({ kind: "cancelled" }));
          this.held.push({ call, end });
        }),
    };
    const parent: Executable = {
      ...definitionOf(step("team", lit("x"), "$.team"), {
        bindings: { team: bindingOf({ pure: false, attach: true, digest: "parent" }) },
      }),
      workerKind: () => "swarm",
      dispatch: async (call) => {
        const end = life.children.see(call, order);
        seen.push(end);
        const { status } = await end;
        return { kind: "pass", value: status };
      },
    };
    const executables = new Map([parent, child].map((one) => [one.blueprint.version, one]));
    const engine: Engine = new Engine({
      stores: this.stores,
      clock: this.clock,
      hash: (text) => createHash("sha256").update(text).digest("hex"),
      newRunId: () => `R-${(this.#ids++).toString(16).padStart(16, "0")}`,
      hostId,
      version: "test",
      maxRecoveries,
      resolve: async (version) => executables.get(version) ?? Promise.reject(new Error(`no Blueprint ${version}`)),
      childEnded: (runId) => tells && life.children.childEnded(runId),
    });
    const children = new HostChildren({
      stores: this.stores,
      engine,
      clock: this.clock,
      compile: async () => ({ version: child.blueprint.version }) as CompiledBlueprint,
      launch: async (_compiled, { input, idempotencyKey, parent: of }) => {
        const handle = engine.launch({ executable: child, ctx: input, context: {}, idempotencyKey, parent: of });
        await handle.accepted;
        return handle;
      },
      onDefect: (error) => this.defects.push(error),
    });
    const life: Life = { engine, children, seen };
    this.parent = parent;
    return life;
  }

  parent: Executable | undefined;

  async launch(life: Life): Promise<RunHandle> {
    await this.stores.documents.put({ version: "v", blueprintId: "any", text: "{}", newest: true });
    const run = life.engine.launch({ executable: this.parent as Executable, ctx: {}, context: {} });
    await run.accepted;
    await settle();
    return run;
  }

  /** The family's next host, after the one before died. */
  async next(hostId: string): Promise<Life> {
    const life = this.host(hostId);
    await life.engine.recover();
    await life.children.start();
    await settle();
    return life;
  }

  childrenOf(runId: string): Promise<readonly RunRecord[]> {
    return this.stores.runs.list({ parentRunId: runId, limit: 99 });
  }

  async statusOf(runId: string): Promise<string | undefined> {
    return (await this.stores.runs.get(runId))?.status;
  }
}

describe("an attempt and its child", () => {
  it("are the same two after a crash: no second child, no second attempt", async () => {
    const family = new Family();
    const first = family.host("host-1");
    const run = await family.launch(first);
    expect(family.held).toHaveLength(1);
    const next = await family.next("host-2");
    expect(next.seen).toHaveLength(1);
    expect(
      family.held.map(({ call }) => call.attempt),
      "the child's own step is tried again",
    ).toEqual([1, 2]);
    family.held[1]?.end();
    await settle();
    expect(await family.statusOf(run.runId)).toBe("done");
    expect(await family.childrenOf(run.runId)).toHaveLength(1);
    const rows = await family.stores.journals.read(run.runId, 1, 99);
    expect(rows.map(({ type }) => type)).toEqual([
      "run_started",
      "step_scheduled",
      "step_started",
      "step_memo",
      "step_completed",
      "run_finished",
    ]);
  });

  it("are found by the launch key where the crash came before the memo", async () => {
    const family = new Family();
    const life = family.host("host-1");
    await family.launch(life);
    const call = makeCall();
    void life.children.see(call, order);
    await settle();
    const again = makeCall();
    const end = life.children.see(again, () => {
      throw new Error("there is a child already");
    });
    await settle();
    expect(await family.childrenOf(call.runId)).toHaveLength(1);
    family.held.at(-1)?.end();
    expect(await end).toMatchObject({ status: "done", ctx: { made: "made" } });
    expect(again.memo.get("swarm")).toEqual({ run_id: (await family.childrenOf(call.runId))[0]?.runId });
  });

  it("part where the child was removed before its end was taken: it is not started again", async () => {
    const family = new Family();
    const life = family.host("host-1");
    await family.launch(life);
    const call = makeCall();
    void life.children.see(call, order);
    await settle();
    family.held.at(-1)?.end();
    await settle();
    const [row] = await family.childrenOf(call.runId);
    await family.stores.runs.remove([row?.runId ?? ""]);
    expect(await life.children.see(call, order)).toMatchObject({ runId: row?.runId, status: "lost" });
    expect(await family.childrenOf(call.runId)).toEqual([]);
  });
});

describe("the end of a child", () => {
  it("wakes a parent that has left memory", async () => {
    const family = new Family();
    const life = family.host("host-1");
    const run = await family.launch(life);
    family.clock.advance(1_000);
    await settle();
    expect(await family.statusOf(run.runId)).toBe("waiting");
    family.held[0]?.end();
    expect((await run.result).ctx).toEqual({ team: "done" });
    expect(life.seen).toHaveLength(2);
  });

  it("is heard at the next start where a crash kept it from the parent", async () => {
    const family = new Family();
    const life = family.host("host-1", { tells: false });
    const run = await family.launch(life);
    family.clock.advance(1_000);
    await settle();
    family.held[0]?.end();
    await settle();
    expect(await family.statusOf(run.runId)).toBe("waiting");
    await family.next("host-1");
    expect(await family.statusOf(run.runId)).toBe("done");
    expect(family.defects).toEqual([]);
  });

  it("is heard where the child is put aside for good", async () => {
    const family = new Family();
    const run = await family.launch(family.host("host-1"));
    family.clock.advance(1_000);
    await settle();
    const [row] = await family.childrenOf(run.runId);
    const { runId = "", fence = 1, nextSeq = 1 } = row ?? {};
    const patch = { recoveryAttempts: 1 };
    await family.stores.journals.append([{ runId, fence, expectedSeq: nextSeq, rows: [], patch, at: 1 }]);
    const next = family.host("host-2", { maxRecoveries: 1 });
    await next.engine.recover();
    await settle();
    expect(await family.statusOf(runId)).toBe("dead_letter");
    expect(await family.statusOf(run.runId)).toBe("done");
    expect(await Promise.all(next.seen)).toMatchObject([{ runId, status: "lost" }]);
  });
});

describe("a child that nobody waits for", () => {
  const parentEnded = async (family: Family): Promise<RunRecord> => {
    const life = family.host("host-1");
    const run = await family.launch(life);
    const [row] = await family.childrenOf(run.runId);
    // The parent's end is journaled, and the host dies before the child hears of it.
    const record = (await family.stores.runs.get(run.runId)) as RunRecord;
    await family.stores.journals.append([
      {
        runId: run.runId,
        fence: record.fence,
        expectedSeq: record.nextSeq,
        rows: [],
        patch: { status: "cancelled" },
        at: 1,
      },
    ]);
    return row as RunRecord;
  };

  it("is cancelled at the next start", async () => {
    const family = new Family();
    const row = await parentEnded(family);
    await family.next("host-2");
    expect(await family.statusOf(row.runId)).toBe("cancelled");
    const entries = (await family.stores.journals.read(row.runId, 1, 99)).map(({ text }) => JSON.parse(text));
    expect(entries).toContainEqual(expect.objectContaining({ type: "cancel_requested", by: "parent" }));
  });

  it("is left alone while the attempt it was started for is still under way", async () => {
    const family = new Family();
    const life = family.host("host-1");
    const run = await family.launch(life);
    const [row] = await family.childrenOf(run.runId);
    await family.next("host-2");
    expect(await family.statusOf(row?.runId ?? "")).toBe("running");
  });
});

describe("giving up", () => {
  const under = (family: Family, life: Life) => {
    const controller = new AbortController();
    const call = makeCall({ signal: controller.signal });
    const end = life.children.see(call, order);
    end.catch(() => {});
    return { controller, call, end, child: async () => (await family.childrenOf(call.runId))[0] };
  };

  it("leaves the child as it is where the attempt is only let go of", async () => {
    const family = new Family();
    const life = family.host("host-1");
    await family.launch(life);
    const { controller, end, child } = under(family, life);
    await settle();
    const reason = { kind: "parked", message: "later" };
    controller.abort(reason);
    await expect(end).rejects.toBe(reason);
    expect((await child())?.status).toBe("running");
  });

  it.each(["cancelled", "timeout"])(
    "cancels the child, and waits for that, where the attempt is over (%s)",
    async (kind) => {
      const family = new Family();
      const life = family.host("host-1");
      await family.launch(life);
      const { controller, end, child } = under(family, life);
      await settle();
      controller.abort({ kind, message: "enough" });
      await expect(end).rejects.toMatchObject({ kind });
      expect((await child())?.status).toBe("cancelled");
    },
  );

  it("starts nothing for an attempt that was given up before it had a child, and stops the one it had", async () => {
    const family = new Family();
    const life = family.host("host-1");
    await family.launch(life);
    const signal = AbortSignal.abort({ kind: "cancelled", message: "enough" });
    const call = makeCall({ signal });
    await expect(life.children.see(call, order)).rejects.toMatchObject({ kind: "cancelled" });
    expect(await family.childrenOf(call.runId)).toEqual([]);
    const { call: other, child } = under(family, life);
    await settle();
    await expect(life.children.see(makeCall({ ...other, signal }), order)).rejects.toMatchObject({ kind: "cancelled" });
    expect((await child())?.status).toBe("cancelled");
  });
});

describe("bounds", () => {
  it("a run starts so many children and no more", async () => {
    const family = new Family();
    const life = family.host("host-1");
    await family.launch(life);
    const call = makeCall();
    const rows = Array.from({ length: MAX_CHILDREN - 1 }, (_, index) =>
      aRun(`C${index}`, { status: "done", parentRunId: call.runId }),
    );
    await family.stores.runs.create(rows);
    void life.children.see(call, order);
    await settle();
    await expect(life.children.see(makeCall({ key: "2" }), order)).rejects.toMatchObject({ code: "swarm_children" });
    expect(await family.stores.runs.list({ parentRunId: call.runId, limit: 2_000 })).toHaveLength(MAX_CHILDREN);
  });
});
