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

/** Names that look like others: blank, with invisible or direction-changing characters, or in two spellings. */
function deceptive(name: string): string | undefined {
  if (name.trim() === "") return "it is blank";
  if (/[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/u.test(name)) return "it contains characters that do not show";
  if (name !== name.normalize("NFC")) return "it is not in Unicode normal form C";
  return undefined;
}
