/** `swarm-host token rotate`. */
import type { DataDirFlag } from "../data-directory.ts";
import type { ExitCode } from "../exit-code.ts";
import { controlled } from "../runs/controlled.ts";
import type { Surface } from "../surface.ts";

/** Rotates the keys of a data directory, through the host that is running there if one is. */
export function rotateCommand(surface: Surface, flags: DataDirFlag): Promise<ExitCode> {
  return controlled(surface, flags, "tokens are signed with a new key", {
    own: (host) => host.rotateKeys(),
    ask: (host) => host.ask("POST", "/v1/keys/rotate", {}),
  });
}
