/** A host whose registrations have changed while a run waited in its directory. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Host, type Json, openHost } from "../../src/index.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "swarm-host-divergence-"));
});
afterAll(() => rm(directory, { recursive: true }));

const path = (at: string): Json => ({ op: "path", at });
const step = (ref: string, input: Json, out: string): Json => ({ kind: "step", ref, in: input, out: path(out) });
const document = {
  id: "judged",
  flow: {
    kind: "seq",
    children: [
      step("judge", path("$.n"), "$.judged"),
      step("wait", { op: "lit", value: "go" }, "$.go"),
      step("report", path("$.judged"), "$.report"),
    ],
  },
  agents: [
    { name: "judge", kind: "lua", spec: { fn_id: "judge" } },
    { name: "wait", kind: "function", spec: { fn_id: "wait_signal" } },
    { name: "report", kind: "lua", spec: { source: "return tostring(_CTX)" } },
  ],
};

/** A host over one directory in which `judge` is this script. */
const open = (name: string, source: string): Promise<Host> =>
  openHost({
    data: { kind: "directory", path: join(directory, name) },
    luaScripts: new Map([["judge", { source, label: "judge" }]]),
  });

/** A run that waits, judged by the first script. */
async function judged(name: string): Promise<string> {
  const file = join(directory, `${name}.json`);
  await writeFile(file, JSON.stringify(document));
  await using host = await open(name, "return _CTX + 1");
  const { compiled } = await host.workshop.check(file);
  if (compiled === undefined) throw new Error("the document does not compile");
  const { runId } = await host.launch(compiled, { input: { n: 1 } });
  await new Promise<void>((resolve) => {
    const look = (): void =>
      void host.journal(runId).then((entries) => {
        if (entries.some(({ entry }) => entry.type === "step_completed")) resolve();
      });
    host.onEntries(runId, look);
    look();
  });
  return runId;
}

describe("a run whose registered script has changed", () => {
  it("is not resumed, and says which agent's binding differs", async () => {
    const runId = await judged("strict");
    await using host = await open("strict", "return _CTX + 2");
    await expect(host.resume(runId, { reason: "try" })).rejects.toMatchObject({
      code: "run_stuck",
      details: { key: "0", agent: "judge", digest: "binding" },
    });
    expect(await host.run(runId)).toMatchObject({ status: "suspended", error: expect.stringContaining("judge") });
  });

  it.each([
    ["reuse", 2],
    ["rerun", 3],
  ] as const)("goes on under %s with the value %s", async (divergence, value) => {
    const runId = await judged(divergence);
    await using host = await open(divergence, "return _CTX + 2");
    const { result } = await host.attach(runId);
    await host.resume(runId, { reason: "changed on purpose", divergence });
    await host.signal(runId, { name: "go", id: "1", value: true });
    expect(await result).toMatchObject({ status: "done", ctx: { judged: value, report: String(value) } });
  });
});
