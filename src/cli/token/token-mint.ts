/** `swarm-host token mint`. */
import { Capabilities, type Role } from "../../capability/index.ts";
import { keyFile, readKeys } from "../../key-file.ts";
import { CliError } from "../cli-error.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { writeResult } from "../output.ts";
import type { Surface } from "../surface.ts";
import { endOf, verbList } from "./token-text.ts";

/** Options as commander gives them. */
export interface MintFlags extends DataDirFlag {
  readonly role: Role;
  readonly subject: string;
  readonly verbs?: string;
  readonly expiresIn: string;
}

/** Prints a new token. */
export async function mintCommand(surface: Surface, flags: MintFlags): Promise<ExitCode> {
  const dataDir = dataDirectory(surface, flags);
  const keys = await readKeys(dataDir);
  if (keys === undefined) {
    throw new CliError("unreadable", "there are no keys yet", {
      place: keyFile(dataDir),
      hint: "start the host there once: `swarm-host serve`",
      exit: EXIT.failed,
    });
  }
  const now = surface.now();
  const { role, subject, verbs, expiresIn } = flags;
  const token = new Capabilities(keys).mint(
    {
      role,
      subject,
      expiresAt: endOf(expiresIn, now),
      ...(verbs === undefined ? {} : { verbs: verbList(verbs) }),
    },
    now,
  );
  await writeResult(surface.stdout, `${token}\n`);
  return EXIT.done;
}
