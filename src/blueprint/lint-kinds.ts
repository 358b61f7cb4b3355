/**
 * The 32 lint kinds of the reference system, with the level and category each has when no `lints` map says otherwise.
 *
 * Owns the names that Blueprints, guides and scripts written for mlua-swarm refer to; they keep their meaning here. Kinds
 * of our own live in `document-lint-kinds.ts` (load, link, parse) and `our-lint-kinds.ts` (compile).
 */
import type { DiagnosticCategory, DiagnosticLevel } from "./diagnostic.ts";

/** What the registry knows of a kind. */
export interface LintKindRow {
  /** Level when no `lints` map names the kind. */
  readonly level: DiagnosticLevel;
  readonly category: DiagnosticCategory;
  /** One line for lists and documentation. */
  readonly summary: string;
}

export const referenceLintKinds = {
  // Compile errors of the reference.
  "bound-agent-resolution": {
    level: "error",
    category: "correctness",
    summary: "an agent's runner cannot be resolved",
  },
  "unknown-agent-kind": { level: "error", category: "correctness", summary: "no worker serves the agent's kind" },
  "invalid-agent-spec": { level: "error", category: "correctness", summary: "an agent's spec does not fit its kind" },
  "worker-binding-missing": {
    level: "error",
    category: "contract",
    summary: "an operator agent has no runner, and its backend needs one",
  },
  "unresolved-agent-ref": { level: "error", category: "correctness", summary: "a flow step names no agent" },
  "duplicate-agent-name": { level: "error", category: "correctness", summary: "two agents share a name" },
  "unresolved-operator-ref": { level: "error", category: "correctness", summary: "an agent names an undeclared seat" },
  "removed-spawner-hint": { level: "error", category: "migration", summary: "a layer key that no longer exists" },
  "unresolved-meta-ref": {
    level: "error",
    category: "correctness",
    summary: "a meta reference names no entry of metas",
  },
  "step-naming-collision": {
    level: "error",
    category: "correctness",
    summary: "a declared projection_name is claimed by another step",
  },
  "invalid-projection-placement": {
    level: "error",
    category: "correctness",
    summary: "projection_placement leaves its root or lacks {task_id}",
  },
  "unresolved-audit-agent": { level: "error", category: "correctness", summary: "an audit names no agent" },
  "verdict-channel-mismatch": {
    level: "error",
    category: "contract",
    summary: "a condition reads the verdict on the channel the agent does not use",
  },
  "verdict-value-not-in-contract": {
    level: "error",
    category: "contract",
    summary: "a condition compares with a value the agent never gives",
  },
  // An error in the reference's registry, but without a `deny` it never is more than a warning there either.
  "verdict-value-unhandled": {
    level: "warn",
    category: "suspicious",
    summary: "no condition handles a declared verdict value",
  },
  "halted-at-missing": { level: "error", category: "correctness", summary: "a gated pipeline has no halted_at path" },
  // Findings of the reference's report-only doctor.
  "verdict-contract-never-read": {
    level: "warn",
    category: "suspicious",
    summary: "no condition reads any value of an agent's verdict contract",
  },
  "agent-md-size": { level: "warn", category: "style", summary: "a prompt is long enough to dull its reader" },
  "tool-unknown-mcp-ref": { level: "warn", category: "contract", summary: "a tool name points at no live MCP tool" },
  "output-contract-missing": {
    level: "warn",
    category: "contract",
    summary: "profile.extras.expected_output is absent or malformed",
  },
  "binding-requirements-info": {
    level: "info",
    category: "contract",
    summary: "what an agent's runner asks of its provider",
  },
  "strict-binding-without-runners": {
    level: "warn",
    category: "suspicious",
    summary: "strict_binding has nothing to attest",
  },
  "legacy-worker-binding": {
    level: "warn",
    category: "migration",
    summary: "the runner comes from profile.worker_binding",
  },
  "binding-resolution-error": {
    level: "warn",
    category: "correctness",
    summary: "runner resolution failed while reporting",
  },
  "skip-on-missing-for-skip-like-verdict-value": {
    level: "warn",
    category: "suspicious",
    summary: "a verdict value reads like a skip, and no skip guard lists it",
  },
  "skip-on-declared-but-no-matching-verdict-value": {
    level: "warn",
    category: "suspicious",
    summary: "a skip guard lists a value that no agent gives",
  },
  "skip-on-pattern-conflicts-with-halt-on": {
    level: "warn",
    category: "suspicious",
    summary: "one value both skips a stage and halts the flow",
  },
  "context-policy-strips-projection-roots": {
    level: "warn",
    category: "suspicious",
    summary: "a context policy drops both work_dir and project_root",
  },
  "projection-root-seed-missing": {
    level: "warn",
    category: "contract",
    summary: "no root that a launch would seed survives the context policy",
  },
  "wrapper-only-drift": { level: "info", category: "contract", summary: "a declared tool only its wrapper provides" },
  "unknown-lint-kind": { level: "warn", category: "suspicious", summary: "a lints key is no kind, category or `all`" },
  "non-suppressible-lint": {
    level: "warn",
    category: "suspicious",
    summary: "a lints map tries to lower a hard error",
  },
} as const satisfies Record<string, LintKindRow>;
