/**
 * The environment of child processes: an allow-listed part of the host's, and what they are told about their step.
 *
 * Secrets of the host (API keys, tokens) are not on the list, so no child sees them unless its template names them.
 */
import { createHash } from "node:crypto";
import type { StepCall } from "../../engine/index.ts";

const ALLOWED: ReadonlySet<string> = new Set(["PATH", "HOME", "LANG", "TMPDIR", "TZ", "TERM", "USER", "SHELL"]);

/** The variables of the host that children inherit: the list above and all `LC_*`. */
export function baseEnvironment(host: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const entries = Object.entries(host).filter((entry): entry is [string, string] => {
    const [name, value] = entry;
    return value !== undefined && (ALLOWED.has(name) || name.startsWith("LC_"));
  });
  return Object.fromEntries(entries);
}

/**
 * What a child is told about its step. The `MSE_*` names are those of mlua-swarm; its token variables carry no secret
 * here: the nonce only tells attempts apart.
 */
export function stepEnvironment(call: StepCall): Readonly<Record<string, string>> {
  return {
    MSE_TASK_ID: call.stepId,
    MSE_ATTEMPT: String(call.attempt),
    MSE_CTX_AGENT: call.agent,
    MSE_TOKEN_AGENT_ID: `worker-of-${call.stepId}`,
    MSE_TOKEN_NONCE: createHash("sha256").update(call.idempotencyKey).digest("hex").slice(0, 32),
    SWARM_RUN_ID: call.runId,
    SWARM_STEP_KEY: call.key,
    SWARM_IDEMPOTENCY_KEY: call.idempotencyKey,
  };
}
