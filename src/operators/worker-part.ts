/** Names of parts: what a worker may call what it stages beside its answer. */
import { partNameProblem } from "../workers/index.ts";
import { OperatorError } from "./errors.ts";

/**
 * A name that a part may have: one that can be a file's (workers/projection.ts), and that shows as what it is.
 * @throws OperatorError `part_name`.
 */
export function partName(name: string): string {
  const problem = partNameProblem(name) ?? deceptive(name);
  if (problem === undefined) return name;
  throw new OperatorError("part_name", `the part name ${JSON.stringify(name.slice(0, 100))} is refused: ${problem}`);
}

/** What Windows takes for a device, whatever ending it has. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:\.|$)/iu;

/** Names that look like, or become, others: blank, with what does not show, in two spellings, or not a file's elsewhere. */
function deceptive(name: string): string | undefined {
  if (name.trim() === "") return "it is blank";
  if (/[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/u.test(name)) return "it contains characters that do not show";
  if (DEVICE.test(name)) return "it is a device's on some systems";
  if (/[. ]$/u.test(name)) return "it ends in a dot or a space, which some systems drop";
  if (name !== name.normalize("NFC")) return "it is not in Unicode normal form C";
  return undefined;
}
