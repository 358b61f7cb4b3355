/**
 * The verdict contract: an agent decides in words that its Blueprint has declared.
 *
 * Checked on what was submitted, before folding. Blocked and skipped answers are exempt.
 */
import type { VerdictContract } from "../blueprint/schema.ts";
import type { Json } from "../flow/index.ts";
import { clip, WorkerError } from "./errors.ts";
import type { StagedPart } from "./worker.ts";

/** Name of the part that carries the word where the contract's channel is `part`. */
export const VERDICT_PART = "verdict";

/**
 * Checks a passing answer.
 * @throws WorkerError `verdict_rejected` naming agent, channel, value and the words that are allowed.
 */
export function checkVerdict(
  agent: string,
  contract: VerdictContract,
  value: Json,
  parts: readonly StagedPart[] | undefined,
): void {
  const { channel, values } = contract;
  const staged = channel === "part" ? parts?.findLast((part) => part.name === VERDICT_PART) : { content: value };
  if (staged === undefined) {
    throw rejected(agent, contract, `staged no part named '${VERDICT_PART}'`, null);
  }
  const word = typeof staged.content === "string" ? staged.content : JSON.stringify(staged.content);
  if (values.includes(word)) return;
  const where = channel === "part" ? `in its part '${VERDICT_PART}'` : "as its body";
  throw rejected(agent, contract, `answered '${clip(word)}' ${where}`, clip(word));
}

function rejected(
  agent: string,
  { channel, values }: VerdictContract,
  what: string,
  value: string | null,
): WorkerError {
  const allowed = values.length === 0 ? "nothing" : values.map((word) => `'${word}'`).join(", ");
  return new WorkerError(
    "verdict_rejected",
    `verdict contract violation: agent '${agent}' ${what}; allowed: ${allowed}. Change what the agent says, or agents[].verdict.values`,
    { details: { agent, channel, value, allowed: [...values] } },
  );
}
