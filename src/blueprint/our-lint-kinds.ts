/**
 * The lint kinds our compiler adds to those of the reference. One row a kind; alphabetical.
 */
import type { LintKindRow } from "./lint-kinds.ts";

export const ourLintKinds = {
  "constant-condition": {
    level: "warn",
    category: "suspicious",
    summary: "a condition that always has the same value",
  },
  "dead-gate": { level: "warn", category: "suspicious", summary: "a gate that can never fire" },
  "duplicate-name": {
    level: "error",
    category: "correctness",
    summary: "two operators, metas, runners or templates share a name",
  },
  "non-path-write-target": { level: "error", category: "correctness", summary: "a write target that is not a path" },
} as const satisfies Record<string, LintKindRow>;
