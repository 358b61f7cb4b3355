/**
 * Appends to a store until the disk refuses, then reports one line of JSON. argv: a directory on a small disk or under
 * a file size limit; `make-room` where the ballast is then removed and writing must work again.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../../../stores/ports.ts";
import { openSqliteStores } from "../../../stores/sqlite/index.ts";
import { anAppend, aRun } from "../samples.ts";

const [, , directory = "", after = ""] = process.argv;
const RUNS = Array.from({ length: 16 }, (_, index) => `run-${index}`);
const ballast = join(directory, "ballast");
if (after === "make-room") writeFileSync(ballast, Buffer.alloc(1024 * 1024));

const stores = await openSqliteStores({ dataDir: join(directory, "data") });
await stores.runs.create(RUNS.map((runId) => aRun(runId)));
const acknowledged = new Map(RUNS.map((runId) => [runId, 0]));
const codes = new Set<string>();

/** Appends until one is refused by the disk. */
async function grow(runId: string): Promise<void> {
  for (let seq = acknowledged.get(runId)! + 1; ; seq += 1) {
    try {
      await stores.journals.append([anAppend(runId, seq, 0, { rows: [{ seq, type: "big", text: "x".repeat(5000) }] })]);
      acknowledged.set(runId, seq);
    } catch (error) {
      codes.add(error instanceof StoreError ? error.code : String(error));
      return;
    }
  }
}

await Promise.all(RUNS.map(grow));
const kept = async (): Promise<boolean> => {
  const runs = await Promise.all(RUNS.map((runId) => stores.runs.get(runId)));
  return runs.every((run) => run?.nextSeq === acknowledged.get(run!.runId)! + 1);
};
const report = {
  codes: [...codes],
  appended: [...acknowledged.values()].reduce((sum, count) => sum + count),
  kept: await kept(),
};

let resumed: unknown;
if (after === "make-room") {
  rmSync(ballast);
  const next = acknowledged.get("run-0")! + 1;
  resumed = (await stores.journals.append([anAppend("run-0", next)]))[0];
  acknowledged.set("run-0", next);
}
process.stdout.write(
  `${JSON.stringify({ ...report, resumed, keptAfter: await kept(), damage: await stores.maintenance.integrityCheck() })}\n`,
);
await stores[Symbol.asyncDispose]();
