/** The rows of all runs in one order, as every backend must give them. */
import { expect, it } from "vitest";
import type { Stores, TailRow } from "../../stores/ports.ts";
import { anAppend, aRow, aRun, type OpenStores, rows } from "./samples.ts";

/** Everything after a position, read in pages. */
async function follow(stores: Stores, after: number, limit: number): Promise<readonly TailRow[]> {
  const all: TailRow[] = [];
  for (;;) {
    const page = await stores.journals.tail(all.at(-1)?.position ?? after, limit);
    all.push(...page);
    if (page.length < limit) return all;
  }
}

const named = (all: readonly TailRow[]): readonly string[] => all.map(({ runId, seq }) => `${runId}${seq}`);

export function describeTail(open: OpenStores): void {
  it("gives the rows of all runs in the order they were committed, exactly as they are", async () => {
    await using stores = await open();
    await stores.runs.create([aRun("b"), aRun("a")]);
    await stores.journals.append([anAppend("b", 1, 2), anAppend("a", 1, 1)]);
    await stores.journals.append([anAppend("a", 2, 1), anAppend("b", 2, 1), anAppend("b", 3, 1)]);
    const all = await stores.journals.tail(0, 99);
    expect(named(all)).toEqual(["b1", "b2", "a1", "a2", "b3"]);
    const { position, ...first } = all[0]!;
    expect(first).toEqual({ runId: "b", ...aRow(1) });
    expect(position).toBeGreaterThan(0);
  });

  it("goes on from any position, in pages of any size, without losing or repeating a row", async () => {
    await using stores = await open();
    const ids = ["a", "b", "c"];
    await stores.runs.create(ids.map((id) => aRun(id)));
    for (let seq = 1; seq <= 9; seq += 3) {
      await Promise.all(ids.map((id) => stores.journals.append([anAppend(id, seq, 3)])));
    }
    const all = await stores.journals.tail(0, 999);
    expect(all).toHaveLength(27);
    const positions = all.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    for (const limit of [1, 2, 26, 27, 28]) expect(await follow(stores, 0, limit)).toEqual(all);
    for (const [index, { position }] of all.entries()) {
      expect(await stores.journals.tail(position, 2)).toEqual(all.slice(index + 1, index + 3));
    }
    expect(await stores.journals.tail(0, 0)).toEqual([]);
  });

  it("says where it ends, so that one may begin with what comes", async () => {
    await using stores = await open();
    expect(await stores.journals.end()).toBe(0);
    expect(await stores.journals.tail(0, 9)).toEqual([]);
    await stores.runs.create([aRun("r")]);
    await stores.journals.append([anAppend("r", 1, 2)]);
    const end = await stores.journals.end();
    expect(end).toBe((await stores.journals.tail(0, 9)).at(-1)!.position);
    expect(await stores.journals.tail(end, 9)).toEqual([]);
    await stores.journals.append([anAppend("r", 3, 1), anAppend("r", 9, 1)]);
    expect(named(await stores.journals.tail(end, 9))).toEqual(["r3"]);
  });

  it("loses the rows of removed runs, and never gives their positions out again", async () => {
    await using stores = await open();
    await stores.runs.create([aRun("kept"), aRun("gone", { status: "done" })]);
    await stores.journals.append([anAppend("kept", 1), anAppend("gone", 1, 5)]);
    const end = await stores.journals.end();
    await stores.runs.remove(["gone"]);
    expect(await stores.journals.end()).toBe(end);
    expect(named(await stores.journals.tail(0, 99))).toEqual(["kept1"]);
    await stores.journals.append([anAppend("kept", 2)]);
    const [next] = await stores.journals.tail(end, 99);
    expect(next).toMatchObject({ runId: "kept", seq: 2 });
    expect(next!.position).toBeGreaterThan(end);
  });

  it("shows a row as soon as its append has resolved (P3)", async () => {
    await using stores = await open();
    await stores.runs.create([aRun("r")]);
    let after = 0;
    for (let seq = 1; seq <= 20; seq += 1) {
      await stores.journals.append([anAppend("r", seq, 0, { rows: rows(seq, 1) })]);
      const fresh = await stores.journals.tail(after, 9);
      expect(named(fresh)).toEqual([`r${seq}`]);
      after = fresh[0]!.position;
    }
  });
}
