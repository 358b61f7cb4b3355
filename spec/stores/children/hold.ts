/**
 * Opens the store of the directory in argv[2] and says how that went in one line: `open`, or code and message of the
 * error. Holds it until standard input ends, then closes it; `leave` as argv[3]: neither waits nor closes.
 */
import { StoreError } from "../../../stores/ports.ts";
import { openSqliteStores } from "../../../stores/sqlite/index.ts";
import { aRun } from "../samples.ts";

const [, , dataDir = "", manner = "hold"] = process.argv;
try {
  const stores = await openSqliteStores({ dataDir });
  await stores.runs.create([aRun(`run of ${process.pid}`)]);
  process.stdout.write("open\n");
  if (manner === "hold") {
    await process.stdin.resume().toArray();
    await stores[Symbol.asyncDispose]();
  }
} catch (error) {
  if (!(error instanceof StoreError)) throw error;
  process.stdout.write(`${error.code} ${error.message}\n`);
}
