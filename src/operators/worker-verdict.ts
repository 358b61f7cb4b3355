/** What a submission decides: the two words of the contract, `verdict` and `ok`, as one verdict. */
import { OperatorError } from "./errors.ts";
import type { WorkerSubmission } from "./operator-desk.ts";

/** The verdicts a worker can give. */
export const VERDICTS = ["pass", "blocked", "skip"] as const satisfies readonly WorkerSubmission["verdict"][];

/**
 * The verdict of a submission. Neither word: pass; `ok` alone: pass or blocked; both must agree.
 * @throws OperatorError `verdict_conflict` where they do not, or where `verdict` is another word.
 */
export function verdictOf(verdict: string | undefined, ok: boolean | undefined): WorkerSubmission["verdict"] {
  if (verdict === undefined) return ok === false ? "blocked" : "pass";
  const known = VERDICTS.find((word) => word === verdict);
  if (known === undefined) {
    throw new OperatorError(
      "verdict_conflict",
      `the verdict ${JSON.stringify(verdict.slice(0, 50))} is none: it is one of ${VERDICTS.join(", ")}`,
      { details: { verdicts: [...VERDICTS] } },
    );
  }
  if (ok !== undefined && ok !== (known !== "blocked")) {
    throw new OperatorError("verdict_conflict", `verdict=${known} and ok=${ok} contradict one another: leave one out`);
  }
  return known;
}
