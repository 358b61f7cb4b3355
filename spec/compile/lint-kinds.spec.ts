/** Every lint kind is reported of its document, and leads to its place. */
import { describe, expect, it } from "vitest";
import { referenceLintKinds } from "../../src/blueprint/lint-kinds.ts";
import { ourLintKinds } from "../../src/blueprint/our-lint-kinds.ts";
import type { JsonObject } from "../../src/flow/index.ts";
import { compile, lint } from "./documents.ts";
import { compileRows, doctorRows } from "./lint-kind-rows.ts";

const rows = [...compileRows, ...doctorRows];

describe("every lint kind", () => {
  it.each(rows)("$kind: $what", (row) => {
    const { diagnostics } =
      row.linting === undefined
        ? compile(row.document, row.environment)
        : lint(row.document, row.environment, row.linting);
    const found = diagnostics.filter(({ kind }) => kind === row.kind);
    expect(found.map(({ level, pointer }) => ({ level, pointer }))).toContainEqual({
      level: row.level,
      pointer: row.pointer,
    });
    for (const diagnostic of found) {
      const registered = { ...referenceLintKinds, ...ourLintKinds }[row.kind as keyof typeof ourLintKinds];
      expect(diagnostic).toMatchObject({ category: registered.category, stage: "compile" });
      expect(diagnostic.message).not.toMatch(/undefined|\[object/);
    }
  });

  it.each(rows.filter(({ kind }) => !["unused-agent", "binding-requirements-info"].includes(kind)))(
    "$kind: $what: is all that is wrong with its document, apart from what follows from it",
    (row) => {
      const { diagnostics } =
        row.linting === undefined
          ? compile(row.document, row.environment)
          : lint(row.document, row.environment, row.linting);
      const errors = diagnostics.filter(({ kind, level }) => level === "error" && kind !== row.kind);
      expect(errors).toEqual([]);
    },
  );

  it("has a row here, but for those that the parser and a launch report", () => {
    const covered = new Set(rows.map(({ kind }) => kind));
    const kinds = [...Object.keys(referenceLintKinds), ...Object.keys(ourLintKinds)];
    expect(kinds.filter((kind) => !covered.has(kind))).toEqual(["halted-at-missing", "unknown-blueprint"]);
  });

  it("reports a document's place for every finding: the pointer leads somewhere", () => {
    for (const row of rows) {
      const { diagnostics } = lint(row.document, row.environment, row.linting ?? {});
      for (const { kind, pointer } of diagnostics) {
        if (pointer === undefined) continue;
        expect({ kind, pointer, found: leadsSomewhere(row.document, pointer) }).toMatchObject({ found: true });
      }
    }
  });
});

/** Whether a pointer leads to something the author wrote, or to a place right below it where something is missing. */
function leadsSomewhere(document: JsonObject, pointer: string): boolean {
  let value: unknown = { strategy: {}, ...document };
  const tokens = pointer.split("/").slice(1);
  for (const [index, token] of tokens.entries()) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null) return false;
    if (!Object.hasOwn(value, key)) return index === tokens.length - 1 && index > 0;
    value = (value as Record<string, unknown>)[key];
  }
  return true;
}
