/**
 * Claims waiting runs, appends to each under its new fence and parks it again, four hosts at once, until it is killed.
 * Writes a line `run fence seq` for every run that was claimed and parked again, once that is acknowledged.
 * argv: data directory, prefix of the run ids.
 */
import { openSqliteStores } from "../../../stores/sqlite/index.ts";
import { anAppend, aRun, rows } from "../samples.ts";

const [, , dataDir = "", prefix = ""] = process.argv;
const stores = await openSqliteStores({ dataDir });
const ids = Array.from({ length: 12 }, (_, index) => `${prefix}-${index}`);
await stores.runs.create(ids.map((id) => aRun(id, { status: "waiting", wakeAt: 0 })));

async function claimForEver(hostId: string): Promise<void> {
  for (;;) {
    await stores.ownership.renew({ hostId, leaseMs: 60_000 });
    for (const { runId, fence, nextSeq } of await stores.ownership.claim({ hostId, which: "due", limit: 5 })) {
      const patch = { status: "waiting", wakeAt: 0 } as const;
      const append = anAppend(runId, nextSeq, 0, { fence, rows: rows(nextSeq, 1, `fence ${fence}`), patch });
      const [result] = await stores.journals.append([append]);
      if (result !== "appended") throw new Error(`append to ${runId} under fence ${fence}: ${result}`);
      await new Promise((written) => process.stdout.write(`${runId} ${fence} ${nextSeq}\n`, written));
    }
    await stores.ownership.leave(hostId);
  }
}

await Promise.all(["w", "x", "y", "z"].map(claimForEver));
