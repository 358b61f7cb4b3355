/**
 * All kinds of finding in one registry, and the one way to make a diagnostic of a registered kind.
 */
import type { Diagnostic } from "./diagnostic.ts";
import { documentLintKinds } from "./document-lint-kinds.ts";
import { type LintKindRow, referenceLintKinds } from "./lint-kinds.ts";
import { ourLintKinds } from "./our-lint-kinds.ts";

/** A registered kind. */
export type LintKind = keyof typeof referenceLintKinds | keyof typeof ourLintKinds | keyof typeof documentLintKinds;

/** Every kind with its default level and category. */
export const lintRegistry: ReadonlyMap<string, LintKindRow> = new Map<string, LintKindRow>([
  ...Object.entries(documentLintKinds),
  ...Object.entries(referenceLintKinds),
  ...Object.entries(ourLintKinds),
]);

/** What a finding says beyond its kind. `level` only where it differs from the kind's default. */
export type Finding = Omit<Diagnostic, "kind" | "level" | "category" | "notes"> &
  Partial<Pick<Diagnostic, "level" | "notes">>;

/** A diagnostic of a registered kind, with the kind's category, and its level unless the finding names another. */
export function diagnose(kind: LintKind, finding: Finding): Diagnostic {
  const row = lintRegistry.get(kind);
  if (row === undefined) throw new TypeError(`lint kind ${kind} is not registered`);
  return { kind, level: row.level, category: row.category, notes: [], ...finding };
}
