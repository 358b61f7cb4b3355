/** What `runs show` makes of a journal's steps. */
import { describe, expect, it } from "vitest";
import { stepHistory, stepObject } from "../../src/cli/runs/step-history.ts";
import type { JournalEntry } from "../../src/host.ts";

const head = { v: 1, seq: 1, prev: "0".repeat(64), fence: 1, at: 10 } as const;
const digests = { node: "n", binding: "b", input: "i" };

const scheduled = (attempt: number): JournalEntry => ({
  ...head,
  type: "step_scheduled",
  key: "0",
  attempt,
  agent: "a",
  digests,
});

const completed = (attempt: number, tool: string): JournalEntry => ({
  ...head,
  type: "step_completed",
  outcome: attempt === 1 ? "error" : "pass",
  accepted: attempt === 2,
  started_at: 4,
  degradations: [{ tool, error: "refused", fallback: "guessed" }],
  key: "0",
  attempt,
  agent: "a",
  digests,
});

describe("a step's history", () => {
  it("keeps the degradations of all attempts", () => {
    const entries = [scheduled(1), completed(1, "grep"), scheduled(2), completed(2, "search")];
    const [step] = stepHistory(entries.map((entry) => ({ entry })));
    expect(step && stepObject(step)).toMatchObject({
      outcome: "pass",
      attempts: 2,
      degradations: [
        { attempt: 1, tool: "grep", error: "refused", fallback: "guessed" },
        { attempt: 2, tool: "search" },
      ],
    });
  });
});
