/** `swarm-host runs cancel`, `pause` and `rm`: what is done at once and needs no watching. */
import type { Host } from "../../host.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { count, type Style, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { openExisting } from "./open-existing.ts";

/** Options as commander gives them. */
export interface ControlFlags extends DataDirFlag {
  readonly reason?: string;
}

/** Cancels a run. */
export function cancelCommand(surface: Surface, runId: string, flags: ControlFlags): Promise<ExitCode> {
  return controlled(surface, flags, async (host) => {
    await host.cancel(runId, { reason: flags.reason ?? "cancelled on the command line", by: "cli" });
    return `run ${runId} is cancelled`;
  });
}

/** Pauses a run. */
export function pauseCommand(surface: Surface, runId: string, flags: ControlFlags): Promise<ExitCode> {
  return controlled(surface, flags, async (host) => {
    await host.pause(runId, { reason: flags.reason ?? "paused on the command line" });
    return `run ${runId} is paused; go on with \`swarm-host runs resume ${runId}\``;
  });
}

/** Removes runs. An id that is not there is an error, so that a mistyped one is not taken for done. */
export function removeCommand(surface: Surface, runIds: readonly string[], flags: ControlFlags): Promise<ExitCode> {
  return controlled(surface, flags, async (host) => {
    const distinct = [...new Set(runIds)];
    for (const runId of distinct) await host.run(runId);
    return `${count(await host.remove(distinct), "run")} removed`;
  });
}

async function controlled(
  surface: Surface,
  flags: ControlFlags,
  act: (host: Host) => Promise<string>,
): Promise<ExitCode> {
  await using host = await openExisting(surface, dataDirectory(surface, flags));
  const style: Style = styleFor(surface.stderr, surface.env);
  surface.stderr.write(`${style.good(style.glyphs.pass)} ${await act(host)}\n`);
  return EXIT.done;
}
