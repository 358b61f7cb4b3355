import { describe, expect, it } from "vitest";
import { openHost } from "../../src/index.ts";

const gate = {
  schema_version: "0.1.0",
  id: "gate",
  agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }],
  flow: { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } },
};

describe("a second cancel", () => {
  it("at the same time waits for the same end; after it, it is told that the run has ended", async () => {
    await using host = await openHost({ data: { kind: "ephemeral" } });
    const run = await host.launch(await host.workshop.compile(gate));
    const request = { reason: "enough", by: "test" };
    await Promise.all([host.cancel(run.runId, request), host.cancel(run.runId, { reason: "again", by: "test" })]);
    expect(await run.result).toMatchObject({ status: "cancelled", reason: "enough" });
    await expect(host.cancel(run.runId, request)).rejects.toMatchObject({ code: "run_ended" });
    const types = (await host.journal(run.runId)).map(({ entry }) => entry.type);
    expect(types.filter((type) => type === "cancel_requested")).toHaveLength(1);
    expect(types.at(-1)).toBe("run_finished");
  });
});
