/**
 * Any sequence of calls gives what a naive model gives. Writes of a wave are not awaited one by one, so that a backend
 * which groups them has something to group; the model takes them one after the other.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Append, AppendResult, JournalRow, RunRecord, RunStatus, Stores } from "../../stores/ports.ts";
import { aRun, type OpenStores, rows } from "./samples.ts";

/** The contract, as simply as it can be said. */
class Model {
  readonly runs = new Map<string, RunRecord>();
  readonly journals = new Map<string, JournalRow[]>();
  readonly blobs = new Map<string, string>();

  create(batch: readonly RunRecord[]): "created" | "run_exists" {
    const ids = batch.map(({ runId }) => runId);
    if (new Set(ids).size < ids.length || ids.some((id) => this.runs.has(id))) return "run_exists";
    for (const run of batch) {
      this.runs.set(run.runId, run);
      this.journals.set(run.runId, []);
    }
    return "created";
  }

  append(append: Append): AppendResult {
    const run = this.runs.get(append.runId);
    if (run === undefined) return "unknown_run";
    if (run.fence !== append.fence) return "fenced";
    if (run.nextSeq !== append.expectedSeq) return "lost_race";
    this.journals.get(append.runId)!.push(...append.rows);
    for (const { digest, text } of append.blobs ?? []) this.blobs.set(digest, text);
    const { wakeAt: _wakeAt, error: _error, ...patch } = append.patch ?? {};
    this.runs.set(append.runId, {
      ...run,
      ...patch,
      nextSeq: run.nextSeq + append.rows.length,
      updatedAt: append.at,
    });
    return "appended";
  }
}

interface PlannedAppend {
  readonly run: number;
  readonly fence: number;
  /** How far the expected seq is from the right one; mostly 0. */
  readonly off: number;
  readonly count: number;
  readonly status: RunStatus | undefined;
  readonly blob: string | undefined;
}

type Step =
  | {
      readonly kind: "create";
      readonly runs: readonly { readonly run: number; readonly fence: number; readonly at: number }[];
    }
  | { readonly kind: "append"; readonly batch: readonly PlannedAppend[] };

const someRun = fc.integer({ min: 0, max: 5 });
const someFence = fc.constantFrom(1, 1, 1, 2);
const someStatus = fc.option(fc.constantFrom<RunStatus>("running", "done", "failed", "suspended"), { nil: undefined });

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("create" as const),
    runs: fc.array(fc.record({ run: someRun, fence: someFence, at: fc.integer({ min: 0, max: 3 }) }), { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant("append" as const),
    batch: fc.array(
      fc.record({
        run: someRun,
        fence: someFence,
        off: fc.constantFrom(0, 0, 0, 0, -1, 1),
        count: fc.integer({ min: 0, max: 3 }),
        status: someStatus,
        blob: fc.option(fc.constantFrom("x", "y", "z"), { nil: undefined }),
      }),
      { maxLength: 5 },
    ),
  }),
);

const waves = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 });

/** @param open Opens an empty store. */
export function describeAgainstModel(name: string, open: OpenStores): void {
  describe(`${name}: against a model`, () => {
    it("answers and ends like the model, whatever is asked of it", async () => {
      await using stores = await open();
      let cases = 0;
      await fc.assert(
        fc.asyncProperty(waves, async (plan) => {
          // A prefix of its own for every case: one store serves them all.
          cases += 1;
          await follow(plan, stores, `case-${cases}`);
        }),
        { numRuns: 100 },
      );
    });
  });
}

async function follow(plan: readonly (readonly Step[])[], stores: Stores, prefix: string): Promise<void> {
  const model = new Model();
  const id = (run: number): string => `${prefix}/${run}`;
  for (const wave of plan) {
    const asked: Promise<unknown>[] = [];
    const expected: unknown[] = [];
    for (const [place, one] of wave.entries()) {
      if (one.kind === "create") {
        const batch = one.runs.map(({ run, fence, at }) =>
          aRun(id(run), { fence, createdAt: at, blueprintId: prefix }),
        );
        expected.push(model.create(batch));
        asked.push(stores.runs.create(batch).then(() => "created", codeOf));
      } else {
        const batch = one.batch.map((planned): Append => toAppend(planned, id(planned.run), prefix, place, model));
        // Planned one after the other: each is judged by the model as it is after the one before.
        expected.push(batch.map((append) => model.append(append)));
        asked.push(stores.journals.append(batch));
      }
    }
    expect(await Promise.all(asked)).toEqual(expected);
  }
  for (const [runId, record] of model.runs) {
    expect(await stores.runs.get(runId)).toEqual(record);
    expect(await stores.journals.read(runId, 1, 10_000)).toEqual(model.journals.get(runId));
  }
  const listed = await stores.runs.list({ blueprintId: prefix, limit: 100 });
  const newestFirst = [...model.runs.values()].sort(
    (a, b) => b.createdAt - a.createdAt || (a.runId < b.runId ? 1 : -1),
  );
  expect(listed).toEqual(newestFirst);
  const digests = ["x", "y", "z"].map((blob) => `${prefix}:${blob}`);
  expect(await stores.blobs.get(digests)).toEqual(digests.map((digest) => model.blobs.get(digest)));
}

function toAppend(planned: PlannedAppend, runId: string, prefix: string, place: number, model: Model): Append {
  const expectedSeq = (model.runs.get(runId)?.nextSeq ?? 1) + planned.off;
  const { fence, count, status, blob } = planned;
  return {
    runId,
    fence,
    expectedSeq,
    rows: rows(expectedSeq, count, `${place}`),
    at: expectedSeq,
    ...(status === undefined ? {} : { patch: { status } }),
    ...(blob === undefined ? {} : { blobs: [{ digest: `${prefix}:${blob}`, text: blob }] }),
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}
