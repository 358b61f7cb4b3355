/** `swarm-host runs cancel`, `pause`, `hold`, `release` and `rm`. */
import { ownValue } from "../../flow/index.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import type { ExitCode } from "../exit-code.ts";
import { sayDone } from "../output.ts";
import { count } from "../style.ts";
import type { Surface } from "../surface.ts";
import { controlled } from "./controlled.ts";
import { withHost } from "./open-existing.ts";
import { runPath } from "./running-host.ts";

/** Options as commander gives them. */
export interface ControlFlags extends DataDirFlag {
  readonly reason?: string;
}

/** Cancels a run. */
export function cancelCommand(surface: Surface, runId: string, flags: ControlFlags): Promise<ExitCode> {
  const reason = flags.reason ?? "cancelled on the command line";
  return controlled(surface, flags, `run ${runId} is cancelled`, {
    own: (host) => host.cancel(runId, { reason, by: "cli" }),
    ask: (host) => host.ask("POST", runPath(runId, "/cancel"), { reason }),
  });
}

/** Pauses a run. */
export function pauseCommand(surface: Surface, runId: string, flags: ControlFlags): Promise<ExitCode> {
  const reason = flags.reason ?? "paused on the command line";
  return controlled(surface, flags, `run ${runId} is paused; go on with \`swarm-host runs resume ${runId}\``, {
    own: (host) => host.pause(runId, { reason }),
    ask: (host) => host.ask("POST", runPath(runId, "/pause"), { reason }),
  });
}

/** Holds a run, or releases it. */
export function holdCommand(surface: Surface, runId: string, held: boolean, flags: DataDirFlag): Promise<ExitCode> {
  const done = held ? `run ${runId} is kept until it is released` : `run ${runId} is held no more`;
  return controlled(surface, flags, done, {
    own: (host) => host.hold(runId, held),
    ask: (host) => host.ask("POST", runPath(runId, held ? "/hold" : "/release"), {}),
  });
}

/** Removes runs. An id that is not there is an error, so that a mistyped one is not taken for done. */
export async function removeCommand(
  surface: Surface,
  runIds: readonly string[],
  flags: ControlFlags,
): Promise<ExitCode> {
  const distinct = [...new Set(runIds)];
  const removed = await withHost(surface, dataDirectory(surface, flags), {
    own: (host) => host.remove(distinct),
    ask: async (host) =>
      Number(ownValue((await host.ask("POST", "/v1/removals", { run_ids: distinct })) ?? {}, "runs")),
  });
  return sayDone(surface, `${count(removed, "run")} removed`);
}
