/**
 * A host on a small disk that fills up under a run, and gets room again. argv: a directory on that disk. Reports one line
 * of JSON.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../../src/flow/index.ts";
import { FunctionRegistry, openHost } from "../../src/index.ts";

const [, , directory = ""] = process.argv;
const data = { kind: "directory", path: join(directory, "data") } as const;
const ballast = join(directory, "ballast");
writeFileSync(ballast, Buffer.alloc(1024 * 1024));

const path = (at: string): Json => ({ op: "path", at });
let calls = 0;
let room = false;
const functions = new FunctionRegistry().register("grow", {
  pure: false,
  run: () => {
    calls += 1;
    return room ? "enough" : "x".repeat(10_000);
  },
});
const document = {
  schema_version: "0.1.0",
  id: "grow",
  agents: [{ name: "grower", kind: "function", spec: { fn_id: "grow" } }],
  flow: {
    kind: "loop",
    counter: path("$.n"),
    cond: { op: "ne", lhs: path("$.said"), rhs: { op: "lit", value: "enough" } },
    max: 10_000,
    body: { kind: "step", ref: "grower", in: path("$.n"), out: path("$.said") },
  },
};

await using host = await openHost({ data, functions });
const compiled = await host.workshop.compile(document);
const run = await host.launch(compiled, { input: { said: "" }, idempotencyKey: "grow" });
const { runId } = run;
const told = await run.result.then(
  ({ status }) => status,
  (error: { code?: string }) => error.code,
);
const acknowledged = await host.journal(runId);
const callsUntilFull = calls;
rmSync(ballast);
room = true;
// Waits until the row can say so.
const suspended = await host.launchedWith("grow");
await host.resume(runId, { reason: "there is room" });
const { result } = await host.attach(runId);
const end = await result;
const whole = await host.journal(runId);
const report = {
  told,
  suspended: { status: suspended?.status, error: suspended?.error },
  end: end.status,
  callsAfter: calls - callsUntilFull,
  kept: acknowledged.every(({ entry }, index) => JSON.stringify(entry) === JSON.stringify(whole[index]?.entry)),
  completed: acknowledged.filter(({ entry }) => entry.type === "step_completed").length,
  callsUntilFull,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
