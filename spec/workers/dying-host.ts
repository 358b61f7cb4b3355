/** A host process for the orphan test: it runs one child, argv[2] as a Node script, until it is killed itself. */
import { FairQueues } from "../../src/engine/index.ts";
import { systemClock } from "../../src/system-clock.ts";
import { SubprocessHost } from "../../src/workers/subprocess/subprocess-host.ts";

const places = new FairQueues(systemClock);
const host = new SubprocessHost({ environment: process.env, cwd: process.cwd(), places, limits: { graceMs: 200 } });
const ticket = { runId: "R-1", key: "root", attempt: 1, agent: "child", scheduledAt: 0 };
await host.run(
  { program: process.execPath, args: ["-e", process.argv[2] ?? ""], env: {}, cwd: process.cwd(), streamed: false },
  { ticket, signal: new AbortController().signal },
);
