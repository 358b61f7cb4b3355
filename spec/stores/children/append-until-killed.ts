/**
 * Appends to four runs, three appends of each under way at any time, until it is killed. Writes a line `run last-seq` for
 * every append once it is acknowledged. argv: data directory, prefix of the run ids.
 */
import { openSqliteStores } from "../../../stores/sqlite/index.ts";
import { anAppend, aRun, rows } from "../samples.ts";

const [, , dataDir = "", prefix = ""] = process.argv;
const stores = await openSqliteStores({ dataDir });

async function growForEver(runId: string): Promise<void> {
  await stores.runs.create([aRun(runId)]);
  let seq = 1;
  const one = async (): Promise<void> => {
    const count = 1 + (seq % 3);
    const first = seq;
    seq += count;
    const blobs = [{ digest: `${runId}:${first}`, text: `blob of ${runId}:${first}` }];
    const [result] = await stores.journals.append([
      anAppend(runId, first, 0, { rows: rows(first, count, runId), blobs }),
    ]);
    if (result !== "appended") throw new Error(`append to ${runId} at ${first}: ${result}`);
    await new Promise((written) => process.stdout.write(`${runId} ${first + count - 1}\n`, written));
  };
  const lane = async (): Promise<void> => {
    for (;;) await one();
  };
  await Promise.all([lane(), lane(), lane()]);
}

await Promise.all(["a", "b", "c", "d"].map((name) => growForEver(`${prefix}-${name}`)));
