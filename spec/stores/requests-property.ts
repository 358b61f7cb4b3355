/**
 * A request's life against a model, whatever is done to it and in whatever order, while its seat changes hands: it is
 * answered at most once, by whoever holds the seat, and by nobody after its end.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChangeResult, RequestChange, Stores } from "../../stores/ports.ts";
import { aRequest, aSession, aSubmission } from "./operators-contract.ts";
import { anAppend, aRow, aRun, type OpenStores } from "./samples.ts";

/** `back` is how many generations ago the token was made out; -1: by leave of the host. */
type Act =
  | { readonly do: "acquire" | "release" | "complete" | "end" | "open" }
  | { readonly do: "submit"; readonly back: number; readonly digest: string }
  | { readonly do: "deliver" | "work" | "stage"; readonly back: number }
  | { readonly do: "close" };

const back = fc.constantFrom(-1, 0, 0, 0, 1);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ do: fc.constantFrom("acquire" as const, "acquire" as const, "release" as const, "open" as const) }),
  fc.record({ do: fc.constant("submit" as const), back, digest: fc.constantFrom("x", "y") }),
  fc.record({ do: fc.constantFrom("deliver" as const, "work" as const, "stage" as const), back }),
  fc.record({ do: fc.constantFrom("close" as const, "complete" as const, "end" as const) }),
);

/** One request and its seat, as simply as they can be said. */
class Model {
  generation = 0;
  held = false;
  ended = false;
  completed = false;
  answer: string | undefined;
  taken = false;
  over = false;
  deliveries = 0;

  change(change: RequestChange): ChangeResult {
    if (change.kind === "submit" && this.answer !== undefined && (!this.over || this.taken))
      return this.answer === change.submission.digest ? "same" : "conflict";
    if (change.kind === "close") return this.over ? "same" : this.#finish();
    if (this.over) return "closed";
    if (this.answer !== undefined) return "conflict";
    if (change.generation !== undefined && (change.generation === 0 || change.generation !== this.generation))
      return "moved";
    if (change.kind === "submit") this.answer = change.submission.digest;
    if (change.kind === "deliver") this.deliveries += 1;
    return "done";
  }

  /** The run takes the answer, or no longer wants one. */
  take(): void {
    if (this.over) return;
    this.taken = this.answer !== undefined;
    this.over = true;
  }

  #finish(): ChangeResult {
    this.over = true;
    return "done";
  }
}

/** @param open Opens an empty store. */
export function describeRequestsAgainstModel(name: string, open: OpenStores): void {
  describe(`${name}: a request against a model`, () => {
    it("is answered at most once, whatever happens around it", async () => {
      await using stores = await open();
      await stores.operators.sessions.create(aSession("S-1"));
      let cases = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
          cases += 1;
          await follow(acts, stores, `r${cases}`);
        }),
        { numRuns: 150 },
      );
    });
  });
}

async function follow(acts: readonly Act[], stores: Stores, runId: string): Promise<void> {
  const { requests, seats } = stores.operators;
  const model = new Model();
  const requestId = `Q-${runId}`;
  let seq = 1;
  await stores.runs.create([aRun(runId)]);
  await requests.open([aRequest(requestId, { runId })]);
  for (const one of acts) {
    switch (one.do) {
      case "acquire": {
        const order = { runId, seat: "main", holder: "S-1", description: "d", at: 1 };
        const result = await seats.acquire(order);
        expect(result.kind).toBe(model.ended ? "run_ended" : "acquired");
        if (!model.ended) model.generation += 1;
        if (!model.ended) model.held = true;
        break;
      }
      case "release": {
        const result = await seats.release({ runId, seat: "main", generation: model.generation, at: 1 });
        expect(result.kind).toBe(model.held ? "released" : "stale");
        if (model.held) model.generation += 1;
        model.held = false;
        break;
      }
      case "open":
        expect((await requests.open([aRequest(requestId, { runId })]))[0]).toMatchObject({ requestId });
        break;
      case "complete":
        if (model.completed || model.ended) break;
        await stores.journals.append([anAppend(runId, seq, 1, { rows: [{ ...aRow(seq), key: "1", attempt: 1 }] })]);
        seq += 1;
        model.completed = true;
        model.take();
        break;
      case "end":
        await stores.journals.append([anAppend(runId, seq, 0, { patch: { status: "done" } })]);
        model.ended = true;
        model.take();
        break;
      default: {
        const change = toChange(one, requestId, model.generation);
        expect(await requests.change([change])).toEqual([model.change(change)]);
      }
    }
  }
  const state = model.over ? "closed" : model.answer === undefined ? "open" : "submitted";
  const record = await requests.get(requestId);
  expect(record).toMatchObject({ state, deliveries: model.deliveries });
  expect(record?.submission?.digest).toBe(model.answer);
  const waiting = (await requests.submittedRuns("", 1_000)).includes(runId);
  expect(waiting).toBe(state === "submitted");
}

function toChange(
  one: Exclude<Act, { do: "acquire" | "release" | "complete" | "end" | "open" }>,
  requestId: string,
  now: number,
): RequestChange {
  if (one.do === "close") return { kind: "close", requestId, reason: "cancelled", at: 1 };
  const under = one.back === -1 ? {} : { generation: Math.max(now - one.back, 0) };
  switch (one.do) {
    case "submit":
      return { kind: "submit", requestId, submission: aSubmission(one.digest), ...under };
    case "deliver":
      return { kind: "deliver", requestId, generation: Math.max(now - Math.max(one.back, 0), 0) };
    case "work":
      return { kind: "work", requestId, sessionId: "S-1", at: 1, ...under };
    case "stage":
      return { kind: "stage", requestId, material: { kind: "stats", text: "{}" }, at: 1, ...under };
  }
}
