import { describe, expect, it } from "vitest";
import { queuesText } from "../../src/cli/runs/runs-queue.ts";
import { makeStyle } from "../../src/cli/style.ts";
import { queueObject } from "../../src/queue-object.ts";

const ticket = (key: string, agent = "scout") => ({ runId: "R-00", key, attempt: 1, agent, scheduledAt: 0 });

describe("runs queue", () => {
  it("says who has passed and who waits, in their order", () => {
    const queue = queueObject({
      key: "model",
      limits: { concurrency: 2, rate: { limit: 5, perMs: 1_000 }, maxWaiting: 10 },
      holding: 1,
      holders: [ticket("0")],
      waiting: 3,
      waiters: [ticket("1"), ticket("2", "a\u001b[31mb")],
    });
    const text = queuesText([queue], makeStyle(false));
    expect(text).toContain("model  1 of 2 places taken, 5 in 1000 ms, 3 waiting");
    expect(text).toMatch(/has passed +R-00 +0 +scout/);
    expect(text).toMatch(/1\. +R-00 +1 +scout/);
    expect(text).toContain("and 1 more");
    expect(text).not.toContain("\u001b");
  });

  it("bounds nothing that is not bounded", () => {
    const limits = { concurrency: 1 };
    const queue = queueObject({ key: "subprocesses", limits, holding: 0, holders: [], waiting: 0, waiters: [] });
    expect(queue.limits).toEqual({ concurrency: 1 });
    expect(queuesText([queue], makeStyle(false))).toContain("subprocesses  0 of 1 place taken, 0 waiting\n");
  });

  it("says so where nobody waits", () => expect(queuesText([], makeStyle(false))).toBe("nobody waits\n"));
});
