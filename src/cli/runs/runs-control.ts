/** `swarm-host runs cancel`, `pause` and `rm`: what is done at once and needs no watching. */
import { ownValue } from "../../flow/index.ts";
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
  return told(surface, `${count(removed, "run")} removed`);
}

async function controlled(
  surface: Surface,
  flags: ControlFlags,
  done: string,
  act: { readonly own: (host: Host) => Promise<unknown>; readonly ask: (host: RunningHost) => Promise<unknown> },
): Promise<ExitCode> {
  await withHost(surface, dataDirectory(surface, flags), act);
  return told(surface, done);
}

function told(surface: Surface, done: string): ExitCode {
  const style = styleFor(surface.stderr, surface.env);
  surface.stderr.write(`${style.good(style.glyphs.pass)} ${done}\n`);
  return EXIT.done;
}
