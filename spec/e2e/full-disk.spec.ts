/** A host whose disk fills up under a run: a real, small disk. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../cli/temporary.ts";
import { childEnvironment } from "./cli-process.ts";

const canMount = spawnSync("unshare", ["-rm", "true"]).status === 0;

it.skipIf(!canMount)(
  "suspends the run with the reason, loses nothing, and goes on with it when it is resumed",
  async () => {
    const directory = await temporaryDirectory();
    const script = 'mount -t tmpfs -o size=3m tmpfs "$0" && exec "$1" "$2" "$0"';
    const child = fileURLToPath(new URL("./full-disk-child.ts", import.meta.url));
    const args = ["-rm", "sh", "-c", script, directory, process.execPath, child];
    const { stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", env: childEnvironment() });
    expect(stderr).toBe("");
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      told: "journal_write",
      suspended: { status: "suspended", error: expect.stringMatching(/^store_full: .* room .*runs resume R-/u) },
      end: "done",
      kept: true,
    });
    // The one whose outcome found no room is executed once more.
    expect(report.callsUntilFull - report.completed).toBeLessThanOrEqual(1);
    expect(report.completed).toBeGreaterThan(10);
    expect(report.callsAfter).toBe(1);
  },
);
