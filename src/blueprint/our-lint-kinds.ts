/**
 * The lint kinds our compiler adds to those of the reference. One row a kind; alphabetical.
 *
 * A document the reference system compiles must compile here, so a kind is an error only where it is about something that
 * system does not have. The two exceptions are `lua-syntax`, since a chunk that does not parse cannot be run by either,
 * and `unknown-layer`, which the architecture wants refused; both obey `lints` maps.
 */
import type { LintKindRow } from "./lint-kinds.ts";

export const ourLintKinds = {
  "constant-condition": {
    level: "warn",
    category: "suspicious",
    summary: "a condition that always has the same value",
  },
  "context-not-object": {
    level: "warn",
    category: "correctness",
    summary: "an agent context that is not an object, and so has no effect",
  },
  "dead-gate": { level: "warn", category: "suspicious", summary: "a gate that can never fire" },
  "duplicate-name": {
    level: "warn",
    category: "correctness",
    summary: "two operators, metas, runners or templates share a name; the first counts",
  },
  "gate-on-fanout": {
    level: "warn",
    category: "suspicious",
    summary: "a condition that reads below the joined lanes of a fanout, which is an array",
  },
  "inert-field": { level: "warn", category: "suspicious", summary: "a field that has no effect" },
  "invalid-policy": {
    level: "error",
    category: "correctness",
    summary: "a policy that the agent's kind cannot have",
  },
  "lua-syntax": { level: "error", category: "correctness", summary: "a Lua chunk that does not parse" },
  "malformed-step-meta": {
    level: "warn",
    category: "correctness",
    summary: "a $step_meta that a dispatch will refuse",
  },
  "non-path-write-target": {
    level: "warn",
    category: "correctness",
    summary: "a write target that is not a path, which fails when it is reached",
  },
  "profile-tools-replaced": {
    level: "warn",
    category: "suspicious",
    summary: "the runner's tools replace tools that the profile declares",
  },
  "prompt-template": {
    level: "warn",
    category: "correctness",
    summary: "a system prompt that cannot be rendered",
  },
  "runner-kind-mismatch": {
    level: "warn",
    category: "correctness",
    summary: "a runner whose backend cannot serve the agent's kind",
  },
  "shared-step-name": {
    level: "warn",
    category: "suspicious",
    summary: "two steps claim one name; only one of them gets it",
  },
  "unguarded-verdict-read": {
    level: "warn",
    category: "suspicious",
    summary: "a condition reads a verdict that may not be there, which fails the run",
  },
  "unknown-audit-step": { level: "warn", category: "suspicious", summary: "an audit of a step the flow does not have" },
  "unknown-blueprint": {
    level: "error",
    category: "correctness",
    summary: "a swarm agent names a Blueprint that the host does not keep",
  },
  "unknown-extern": { level: "warn", category: "correctness", summary: "a call_extern of an unregistered function" },
  "unknown-hinted-agent": { level: "warn", category: "suspicious", summary: "hints for an agent that does not exist" },
  "unknown-host-grant": {
    level: "error",
    category: "correctness",
    summary: "a Lua agent asks for a host function that the host does not offer",
  },
  "unknown-layer": { level: "error", category: "correctness", summary: "a layer that the host does not know" },
  "unreachable-lane": { level: "warn", category: "suspicious", summary: "an arm that no item or value selects" },
  "unused-agent": { level: "warn", category: "style", summary: "an agent that no step and no audit names" },
  "unused-definition": {
    level: "info",
    category: "style",
    summary: "an operator, meta, runner or template that nothing names",
  },
  "verdict-source-unknown": {
    level: "info",
    category: "suspicious",
    summary: "a condition reads a verdict whose author cannot be told",
  },
  "verdict-values-malformed": {
    level: "warn",
    category: "contract",
    summary: "a verdict contract with no values, or with one value twice",
  },
  "verdict-without-contract": {
    level: "info",
    category: "contract",
    summary: "a condition compares the output of an agent that declares no verdict contract",
  },
  "write-under-scalar": {
    level: "warn",
    category: "correctness",
    summary: "a write below a value that is no object, which fails the run",
  },
} as const satisfies Record<string, LintKindRow>;
