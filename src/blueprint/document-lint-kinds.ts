/**
 * The kinds of finding that the loader, the linker and the parser make: what is wrong with the document as such.
 *
 * None of these obeys a `lints` map where it is an error: a document that cannot be read has no settings yet.
 */
import type { LintKindRow } from "./lint-kinds.ts";

export const documentLintKinds = {
  // Load
  "unknown-format": { level: "error", category: "correctness", summary: "a file name that ends in no known format" },
  "unreadable-file": { level: "error", category: "correctness", summary: "a file that cannot be read as text" },
  "syntax-error": { level: "error", category: "correctness", summary: "text that is not JSON, YAML or Lua" },
  "duplicate-key": { level: "error", category: "correctness", summary: "an object that has one key twice" },
  "limit-exceeded": { level: "error", category: "correctness", summary: "a document past a size or depth limit" },
  "script-failed": { level: "error", category: "correctness", summary: "an authoring script that raised an error" },
  "script-warning": { level: "warn", category: "suspicious", summary: "something an authoring script warns about" },
  // Link
  "invalid-ref": {
    level: "error",
    category: "correctness",
    summary: "a ref that is absolute, climbs out or is no text",
  },
  "unresolved-ref": { level: "error", category: "correctness", summary: "a ref that no include directory holds" },
  "ref-escapes": {
    level: "error",
    category: "correctness",
    summary: "a ref whose real path leaves its include directory",
  },
  "unreadable-ref": {
    level: "error",
    category: "correctness",
    summary: "a ref to something that is no readable text file",
  },
  "ref-with-siblings": {
    level: "warn",
    category: "suspicious",
    summary: "a $file beside other keys, which is data, not a ref",
  },
  "include-refused": {
    level: "error",
    category: "correctness",
    summary: "an include directory outside what is allowed",
  },
  "include-missing": { level: "warn", category: "suspicious", summary: "an include directory that does not exist" },
  "agent-md-invalid": {
    level: "error",
    category: "correctness",
    summary: "an agent.md whose front matter cannot be used",
  },
  "agent-md-closing-line": {
    level: "warn",
    category: "migration",
    summary: "front matter closed by a line that only starts with ---",
  },
  "agent-md-ignored-key": {
    level: "warn",
    category: "migration",
    summary: "a front matter key whose value has the wrong shape",
  },
  // Parse
  "unknown-field": { level: "error", category: "correctness", summary: "a key that its object does not have" },
  "missing-field": { level: "error", category: "correctness", summary: "a required key that is absent" },
  "wrong-type": { level: "error", category: "correctness", summary: "a value of another type" },
  "invalid-value": { level: "error", category: "correctness", summary: "a value of the right type outside its range" },
  "invalid-flow": { level: "error", category: "correctness", summary: "a flow that is not flow.ir" },
  "invalid-id": { level: "error", category: "correctness", summary: "an id that no store can use as a name" },
  "unportable-id": { level: "warn", category: "style", summary: "an id outside the recommended grammar" },
  "unsupported-schema-version": { level: "error", category: "migration", summary: "a document of a newer schema" },
  "unexpanded-ref": {
    level: "error",
    category: "correctness",
    summary: "a ref left in a document that should be linked",
  },
} as const satisfies Record<string, LintKindRow>;
