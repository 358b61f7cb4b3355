/**
 * The digest of an agent's binding: equal digests mean that a recorded outcome may stand for a new one.
 *
 * Everything that can change what an attempt ends with is in it, resolved: the template's text, not its name. What only
 * changes when an attempt is made (pauses, concurrency) or where its runner was written is not.
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { CompiledAgent } from "./compiled.ts";

/** Lower-case hex SHA-256 over canonical JSON, under its own domain prefix. */
export function bindingDigest(agent: Omit<CompiledAgent, "bindingDigest">): string {
  const { name, kind, plan, profile, runner, contextPolicy, context, verdict, policy } = agent;
  const { timeoutMs, heartbeatMs, retry } = policy;
  const text = canonicalize({
    name,
    kind,
    plan,
    profile,
    runner,
    contextPolicy,
    context,
    verdict,
    policy: { timeoutMs, heartbeatMs, maxAttempts: retry.maxAttempts, nonRetryable: retry.nonRetryable },
  });
  return createHash("sha256")
    .update("swarm-host/binding/v1\n")
    .update(text ?? "")
    .digest("hex");
}
