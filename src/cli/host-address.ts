/**
 * Which host a command speaks to, and what it shows it.
 *
 * A host on this machine is found by its data directory, and is shown the directory's own credential, but only if it owns
 * the directory (running-host.ts). Any other is named by its URL, and shown the credential in $SWARM_HOST_TOKEN: never an
 * argument, which everybody on the machine can see.
 */
import type { HostAddress } from "../client/index.ts";
import { CliError } from "./cli-error.ts";
import { type DataDirFlag, dataDirectory } from "./data-directory.ts";
import { EXIT } from "./exit-code.ts";
import { findHost } from "./runs/running-host.ts";
import type { Surface } from "./surface.ts";

/** The variable with the credential for `--url`. */
export const TOKEN_VARIABLE = "SWARM_HOST_TOKEN";

/** Options as commander gives them. */
export interface HostFlags extends DataDirFlag {
  readonly url?: string;
}

/** Where the host is. @throws CliError where none is running, or nothing is there to show it. */
export async function hostAddress(surface: Surface, flags: HostFlags): Promise<HostAddress> {
  if (flags.url !== undefined) {
    const credential = surface.env[TOKEN_VARIABLE];
    if (credential !== undefined && credential !== "") return { url: flags.url, credential };
    throw new CliError("usage", "there is nothing to show the host", {
      place: "--url",
      hint: `set $${TOKEN_VARIABLE} to a token, for example one of \`swarm-host token mint\``,
    });
  }
  const path = dataDirectory(surface, flags);
  const host = await findHost(path);
  if (host !== undefined) return host.address;
  throw new CliError("usage", `no host is running on ${path}`, {
    hint: "start one with `swarm-host serve`, or name another with --data-dir or --url",
    exit: EXIT.failed,
  });
}
