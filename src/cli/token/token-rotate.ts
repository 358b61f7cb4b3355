/** `swarm-host token rotate`. */
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { withHost } from "../runs/open-existing.ts";
import { styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";

/** Rotates the keys of a data directory, through the host that is running there if one is. */
export async function rotateCommand(surface: Surface, flags: DataDirFlag): Promise<ExitCode> {
  await withHost<unknown>(surface, dataDirectory(surface, flags), {
    own: (host) => host.rotateKeys(),
    ask: (host) => host.ask("POST", "/v1/keys/rotate", {}),
  });
  const style = styleFor(surface.stderr, surface.env);
  surface.stderr.write(`${style.good(style.glyphs.pass)} tokens are signed with a new key\n`);
  return EXIT.done;
}
