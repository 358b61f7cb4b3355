/** Tries to open the store of argv[2] without root's right to write everywhere, and writes the error's code and message. */
import { StoreError } from "../../../stores/ports.ts";
import { openSqliteStores } from "../../../stores/sqlite/index.ts";

if (process.getuid?.() === 0) process.setuid?.(65534);
try {
  await openSqliteStores({ dataDir: process.argv[2] ?? "" });
  process.stdout.write("open\n");
} catch (error) {
  process.stdout.write(error instanceof StoreError ? `${error.code} ${error.message}\n` : `${error}\n`);
}
