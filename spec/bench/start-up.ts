/** The command line from cold start to exit, as a user runs it: the built package, a new process, a new data directory. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cost, medianMs, type Row } from "./row.ts";

const bin = fileURLToPath(new URL("../../bin/swarm-host.js", import.meta.url));
const hello = fileURLToPath(new URL("../../blueprints/hello/main.bp.lua", import.meta.url));

/** Rows about starting. */
export async function* startUpRows(): AsyncIterable<Row> {
  const directory = await mkdtemp(join(tmpdir(), "swarm-host-bench-"));
  try {
    const node = await medianMs(7, () => execFileSync(process.execPath, ["-e", "0"]));
    const sqlite = ["run", hello, "--quiet", "--data-dir", join(directory, "data")];
    for (const [configuration, args] of [
      ["SQLite", sqlite],
      ["--ephemeral", ["run", hello, "--quiet", "--ephemeral"]],
    ] as const) {
      const ms = await medianMs(7, () => execFileSync(process.execPath, [bin, ...args], { stdio: "ignore" }));
      yield cost("hello, cold start to exit", configuration, ms, "ms", node);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}
