/**
 * The command line as a few files: Node loads some 400 modules one by one in the time this bundle takes to finish a job.
 *
 * The library stays as tsc emits it. Packages stay outside, except those that every command loads at once.
 */
import { defineConfig } from "rolldown";

/** Loaded by every `run`; all are plain JavaScript without files of their own. */
const INSIDE = ["canonicalize", "cockatiel", "commander", "lru-cache", "semver"];

export default defineConfig({
  platform: "node",
  // Threads and the helper process find their entries beside the chunk that starts them, by these names.
  input: {
    main: "src/cli/main.ts",
    thread: "src/lua/thread.ts",
    helper: "src/workers/subprocess/helper.ts",
    "writer-thread": "stores/sqlite/writer-thread.ts",
    "maintenance-thread": "stores/sqlite/maintenance-thread.ts",
  },
  external: (id) => /^[a-z@]/u.test(id) && !INSIDE.some((name) => id === name || id.startsWith(`${name}/`)),
  output: { dir: "dist/bin", format: "esm", cleanDir: true },
  logLevel: "warn",
});
