/** What the steps of a run have put out: never behind what was durable when it was asked for, however it came to be known. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JournalBell } from "../../src/journal-bell.ts";
import { RunOutputs } from "../../src/operators/run-outputs.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import type { Append, JournalRow, Stores } from "../../stores/ports.ts";
import { aRun } from "../stores/samples.ts";

/** What one step put out; `blob`: its text stands elsewhere. */
interface Said {
  readonly agent: string;
  readonly kind: "inline" | "blob" | "refused" | "failed" | "other";
}

/** Somebody appends, asks, or both at once. */
interface Act {
  readonly rows: readonly Said[];
  readonly ask: boolean;
  readonly wait: boolean;
}

const said = fc.record({
  agent: fc.constantFrom("a", "b", "c"),
  kind: fc.constantFrom("inline", "inline", "inline", "blob", "refused", "failed", "other"),
});
const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.record({ rows: fc.array(said, { maxLength: 3 }), ask: fc.boolean(), wait: fc.boolean() }),
  { minLength: 1, maxLength: 20 },
);

function rowOf({ agent, kind }: Said, seq: number): JournalRow {
  if (kind === "other") return { seq, type: "timer_set", text: JSON.stringify({ type: "timer_set" }) };
  const key = `${seq}`;
  const value = kind === "blob" ? { blob: digestAt(seq), bytes: 6 } : { inline: `said ${seq}` };
  const outcome = kind === "failed" ? "failed" : "pass";
  const entry = { type: "step_completed", accepted: kind !== "refused", agent, key, attempt: 1, outcome, value };
  return { seq, type: "step_completed", key, attempt: 1, text: JSON.stringify(entry) };
}

const digestAt = (seq: number): string => `sha256:${seq}`;

function appendOf(rows: readonly Said[], from: number): Append {
  const blobs = rows.flatMap(({ kind }, index) =>
    kind === "blob" ? [{ digest: digestAt(from + index), text: `"blob ${from + index}"` }] : [],
  );
  return {
    runId: "r",
    fence: 1,
    expectedSeq: from,
    rows: rows.map((one, index) => rowOf(one, from + index)),
    blobs,
    at: 1,
  };
}

/** Of each agent the last seq it put something out at, before a seq. */
function expected(all: readonly Said[], before: number): ReadonlyMap<string, number> {
  const latest = new Map<string, number>();
  for (const [index, { agent, kind }] of all.slice(0, before - 1).entries()) {
    if (kind === "inline" || kind === "blob") latest.set(agent, index + 1);
  }
  return latest;
}

class CountingBell extends JournalBell {
  reads = 0;

  override read(...given: Parameters<JournalBell["read"]>): ReturnType<JournalBell["read"]> {
    this.reads += 1;
    return super.read(...given);
  }
}

async function opened(): Promise<{
  readonly stores: Stores;
  readonly bell: JournalBell;
  readonly outputs: RunOutputs;
}> {
  const stores = openMemoryStores();
  await stores.runs.create([aRun("r")]);
  const bell = new JournalBell(stores.journals);
  return { stores, bell, outputs: outputsOf(stores, bell) };
}

function outputsOf(stores: Stores, bell: JournalBell): RunOutputs {
  return new RunOutputs({ journals: bell, blobs: stores.blobs }, (heard) => void bell.listenToAll(heard));
}

describe("the outputs of a run", () => {
  it("are those of its journal, whenever they are asked for", async () => {
    await fc.assert(
      fc.asyncProperty(acts, async (given) => {
        const { stores, bell, outputs } = await opened();
        const all: Said[] = [];
        let durable = 1;
        const pending: Promise<void>[] = [];
        const ask = async (): Promise<void> => {
          const least = expected(all, durable);
          const found = new Map((await outputs.latest("r")).map(({ agent, seq }) => [agent, seq]));
          for (const [agent, seq] of least) expect(found.get(agent)).toBeGreaterThanOrEqual(seq);
        };
        for (const { rows, ask: asks, wait } of given) {
          const append = appendOf(rows, all.length + 1);
          all.push(...rows);
          const end = all.length + 1;
          pending.push(
            bell.append([append]).then(() => {
              durable = end;
            }),
          );
          if (asks) pending.push(ask());
          if (wait) await Promise.all(pending.splice(0));
        }
        await Promise.all(pending);
        const known = await outputs.latest("r");
        expect(known).toEqual(await outputsOf(stores, bell).latest("r"));
        expect(new Map(known.map(({ agent, seq }) => [agent, seq]))).toEqual(expected(all, durable));
      }),
      { numRuns: 500 },
    );
  });

  it("cost one reading of the journal, however often they are asked for while it grows", async () => {
    const { stores } = await opened();
    const bell = new CountingBell(stores.journals);
    const outputs = outputsOf(stores, bell);
    await outputs.latest("r");
    for (let seq = 1; seq <= 5; seq += 1) {
      await bell.append([appendOf([{ agent: "a", kind: "inline" }], seq)]);
      expect(await outputs.latest("r")).toMatchObject([{ agent: "a", seq }]);
    }
    expect(bell.reads).toBe(1);
    await bell.append([appendOf([{ agent: "a", kind: "blob" }], 6)]);
    expect(await outputs.latest("r")).toMatchObject([{ agent: "a", seq: 6, sizeBytes: 8 }]);
    expect(bell.reads).toBe(2);
  });
});
