import { describe, expect, it } from "vitest";
import { formatDiagnostic, hasErrors } from "../../src/blueprint/diagnostic.ts";
import { invalidBlueprint } from "../../src/blueprint/errors.ts";
import { referenceLintKinds } from "../../src/blueprint/lint-kinds.ts";
import { diagnose, lintRegistry } from "../../src/blueprint/lint-registry.ts";
import { located, positionsByPointer, withLinkedSources } from "../../src/blueprint/source-map.ts";

const finding = diagnose("unknown-field", { stage: "parse", message: "unknown field `x`", pointer: "/x" });

describe("the lint registry", () => {
  it("has the reference's 32 kinds, with their levels and categories", () => {
    const rows = Object.entries(referenceLintKinds).map(
      ([kind, { level, category }]) => `${kind} ${level} ${category}`,
    );
    expect(rows).toHaveLength(32);
    expect(rows).toEqual([
      "bound-agent-resolution error correctness",
      "unknown-agent-kind error correctness",
      "invalid-agent-spec error correctness",
      "worker-binding-missing error contract",
      "unresolved-agent-ref error correctness",
      "duplicate-agent-name error correctness",
      "unresolved-operator-ref error correctness",
      "removed-spawner-hint error migration",
      "unresolved-meta-ref error correctness",
      "step-naming-collision error correctness",
      "invalid-projection-placement error correctness",
      "unresolved-audit-agent error correctness",
      "verdict-channel-mismatch error contract",
      "verdict-value-not-in-contract error contract",
      "verdict-value-unhandled warn suspicious",
      "halted-at-missing error correctness",
      "verdict-contract-never-read warn suspicious",
      "agent-md-size warn style",
      "tool-unknown-mcp-ref warn contract",
      "output-contract-missing warn contract",
      "binding-requirements-info info contract",
      "strict-binding-without-runners warn suspicious",
      "legacy-worker-binding warn migration",
      "binding-resolution-error warn correctness",
      "skip-on-missing-for-skip-like-verdict-value warn suspicious",
      "skip-on-declared-but-no-matching-verdict-value warn suspicious",
      "skip-on-pattern-conflicts-with-halt-on warn suspicious",
      "context-policy-strips-projection-roots warn suspicious",
      "projection-root-seed-missing warn contract",
      "wrapper-only-drift info contract",
      "unknown-lint-kind warn suspicious",
      "non-suppressible-lint warn suspicious",
    ]);
  });

  it("has one row a kind, and kinds in kebab case", () => {
    for (const kind of lintRegistry.keys()) expect(kind).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(lintRegistry.size).toBeGreaterThan(60);
  });

  it("gives a finding its level and category, unless the finding has a level of its own", () => {
    expect(finding).toMatchObject({ level: "error", category: "correctness", notes: [] });
    expect(diagnose("unknown-field", { stage: "parse", message: "m", level: "info" }).level).toBe("info");
  });
});

describe("a diagnostic as a line", () => {
  it("has place, level, kind, pointer, message and help", () => {
    const position = { file: "b.json", line: 3, column: 7 };
    expect(formatDiagnostic({ ...finding, position, help: "remove it" })).toBe(
      "b.json:3:7: error[unknown-field] at /x: unknown field `x` - remove it",
    );
  });

  it("leaves out what is not known", () => {
    const { pointer: _, ...bare } = finding;
    expect(formatDiagnostic(bare)).toBe("error[unknown-field]: unknown field `x`");
    expect(formatDiagnostic({ ...finding, pointer: "", position: { file: "b.json", line: 1 } })).toBe(
      "b.json:1: error[unknown-field] at the document: unknown field `x`",
    );
  });

  it("stays one line whatever the document holds", () => {
    expect(formatDiagnostic({ ...finding, message: "a\nb\u001b[31m\u009b" })).toBe(
      "error[unknown-field] at /x: a\\u000ab\\u001b[31m\\u009b",
    );
  });
});

describe("an error of findings", () => {
  it("shows the first error and counts the rest", () => {
    const warning = diagnose("unportable-id", { stage: "parse", message: "w" });
    const error = invalidBlueprint([warning, finding, finding]);
    expect(error).toMatchObject({ code: "blueprint_invalid", diagnostics: [warning, finding, finding] });
    expect(error.message).toBe("error[unknown-field] at /x: unknown field `x` (and 1 more)");
    expect(hasErrors([warning])).toBe(false);
  });
});

describe("positions", () => {
  const map = positionsByPointer(new Map([["/a", { file: "f", line: 2 }]]));

  it("are found for a pointer or the nearest place around it", () => {
    expect(map.position("/a/b/c")).toEqual({ file: "f", line: 2 });
    expect(map.position("/ab")).toBeUndefined();
    expect(located([finding, { ...finding, pointer: "/a/x" }], map).map(({ position }) => position?.line)).toEqual([
      undefined,
      2,
    ]);
  });

  it("that a diagnostic has already are kept", () => {
    const placed = { ...finding, pointer: "/a", position: { file: "g", line: 9 } };
    expect(located([placed], map)).toEqual([placed]);
  });

  it("in linked parts are those of the innermost linked file", () => {
    const linked = withLinkedSources(map, [
      { pointer: "/a", siblings: new Set(["own"]), map: { position: () => ({ file: "outer", line: 1 }) } },
      { pointer: "/a/own/deep", siblings: new Set(), map: { position: () => ({ file: "inner", line: 1 }) } },
    ]);
    expect(linked.position("/a/x")?.file).toBe("outer");
    expect(linked.position("/a/own")?.file).toBe("f");
    expect(linked.position("/a/own/deep/er")?.file).toBe("inner");
    expect(linked.position("/b")).toBeUndefined();
  });
});
