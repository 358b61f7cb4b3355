/** A host process for the orphan test: it runs one child, argv[2] as a Node script, until it is killed itself. */
import { SubprocessHost } from "../../src/workers/subprocess/subprocess-host.ts";

const host = new SubprocessHost({ environment: process.env, cwd: process.cwd(), limits: { graceMs: 200 } });
await host.run(
  { program: process.execPath, args: ["-e", process.argv[2] ?? ""], env: {}, cwd: process.cwd(), streamed: false },
  { signal: new AbortController().signal },
);
