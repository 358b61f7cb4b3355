/** `swarm-host runs cancel`, `pause` and `rm`: what is done at once and needs no watching. */
import { ClientError } from "../../client/index.ts";
import { type JsonObject, ownValue } from "../../flow/index.ts";
import type { Host } from "../../host.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { count, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { withHost } from "./open-existing.ts";
import { type RunningHost, runPath } from "./running-host.ts";

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

/** Removes runs. An id that is not there is an error, so that a mistyped one is not taken for done. */
export function removeCommand(surface: Surface, runIds: readonly string[], flags: ControlFlags): Promise<ExitCode> {
  const distinct = [...new Set(runIds)];
  return controlled(surface, flags, `${count(distinct.length, "run")} removed`, {
    async own(host) {
      for (const runId of distinct) await host.run(runId);
      await host.remove(distinct);
    },
    async ask(host) {
      for (const runId of distinct) refuseKept(runId, await host.ask("GET", runPath(runId)));
      for (const runId of distinct) await host.ask("DELETE", runPath(runId));
    },
  });
}

/** All are looked at before the first is removed: a run that has ended stays so. */
function refuseKept(runId: string, row: JsonObject | null): void {
  if (row !== null && ownValue(row, "held") === true) {
    throw new ClientError("run_held", `run ${runId} is held: release it first; nothing was removed`);
  }
  const status = row === null ? undefined : ownValue(row, "status");
  if (status === "done" || status === "failed" || status === "cancelled" || status === "dead_letter") return;
  throw new ClientError("run_live", `run ${runId} has not ended; nothing was removed`);
}

async function controlled(
  surface: Surface,
  flags: ControlFlags,
  done: string,
  act: { readonly own: (host: Host) => Promise<unknown>; readonly ask: (host: RunningHost) => Promise<unknown> },
): Promise<ExitCode> {
  await withHost(surface, dataDirectory(surface, flags), act);
  const style = styleFor(surface.stderr, surface.env);
  surface.stderr.write(`${style.good(style.glyphs.pass)} ${done}\n`);
  return EXIT.done;
}
