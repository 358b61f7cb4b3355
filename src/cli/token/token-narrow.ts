/** `swarm-host token narrow`. */
import { narrow } from "../../capability/index.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { writeResult } from "../output.ts";
import type { Surface } from "../surface.ts";
import { endOf, tokenText, verbList } from "./token-text.ts";

/** Options as commander gives them. */
export interface NarrowFlags {
  readonly verbs?: string;
  readonly expiresIn?: string;
  readonly artifact?: string;
}

/** Prints a weaker token. */
export async function narrowCommand(surface: Surface, argument: string, flags: NarrowFlags): Promise<ExitCode> {
  const { verbs, expiresIn, artifact } = flags;
  const token = narrow(await tokenText(surface, argument), {
    ...(verbs === undefined ? {} : { verbs: verbList(verbs) }),
    ...(expiresIn === undefined ? {} : { expiresAt: endOf(expiresIn, surface.now()) }),
    ...(artifact === undefined ? {} : { artifact }),
  });
  await writeResult(surface.stdout, `${token}\n`);
  return EXIT.done;
}
