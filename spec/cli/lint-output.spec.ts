import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../src/blueprint/index.ts";
import { codeFrame } from "../../src/cli/lint/code-frame.ts";
import { jsonReport } from "../../src/cli/lint/json-report.ts";
import type { FileReport } from "../../src/cli/lint/lint-report.ts";
import { prettyDiagnostic, prettyReport } from "../../src/cli/lint/pretty.ts";
import { sarifLog } from "../../src/cli/lint/sarif.ts";
import { makeStyle } from "../../src/cli/style.ts";
import { sarifShape } from "./sarif-shape.ts";

const style = makeStyle(false);
const source = "local B = require \"bp_dsl\"\n\treturn B.bp {\n  agent = 'nobody',\n}\n";

const finding: Diagnostic = {
  kind: "unresolved-agent-ref",
  level: "error",
  category: "correctness",
  stage: "compile",
  message: "step 'nobody' names no agent",
  pointer: "/flow/ref",
  position: { file: "a.bp.lua", line: 3, column: 3 },
  notes: ["agents: somebody"],
  help: "declare the agent",
  suggestion: {
    message: "use somebody",
    patch: [{ op: "replace", path: "/flow/ref", value: "somebody" }],
    applicability: "maybe_incorrect",
  },
};

const report = (diagnostics: readonly Diagnostic[], more: Partial<FileReport> = {}): FileReport => ({
  file: "a.bp.lua",
  diagnostics,
  suppressed: [],
  printed: [],
  ...more,
});

describe("code frames", () => {
  it("show the line, its neighbours and a caret below the word", () => {
    expect(codeFrame(source, { line: 3, column: 3 }, 80, style)).toEqual([
      "  2 │     return B.bp {",
      "> 3 │   agent = 'nobody',",
      "    │   ^^^^^",
      "  4 │ }",
    ]);
  });

  it("mark the whole line where no column is known, tabs as blanks", () => {
    expect(codeFrame(source, { line: 2 }, 80, style).slice(1, 3)).toEqual([
      "> 2 │     return B.bp {",
      "    │     ^^^^^^^^^^^^^",
    ]);
  });

  it("are cut around the column of a long line", () => {
    const long = `${"x".repeat(5000)} here ${"y".repeat(5000)}`;
    const frame = codeFrame(long, { line: 1, column: 5002 }, 60, style);
    for (const line of frame) expect(line.length).toBeLessThanOrEqual(60);
    const [text = "", caret = ""] = frame;
    expect(text.slice(caret.indexOf("^"), caret.indexOf("^") + 4)).toBe("here");
    expect(caret.trimStart().endsWith("^^^^")).toBe(true);
  });

  it.each([{ line: 99 }, { line: 0 }, { line: 1, column: 9999 }])(
    "are harmless for a place that is not there: %j",
    (position) => {
      expect(codeFrame("one line", position, 40, style).length).toBeLessThanOrEqual(3);
    },
  );
});

describe("findings for people", () => {
  const ports = { style, width: 80, source: () => source };

  it("say what, where, and what to do", () => {
    expect(prettyDiagnostic(finding, "a.bp.lua", ports).split("\n")).toEqual([
      "error[unresolved-agent-ref] step 'nobody' names no agent",
      "  at a.bp.lua:3:3, /flow/ref",
      "    2 │     return B.bp {",
      "  > 3 │   agent = 'nobody',",
      "      │   ^^^^^",
      "    4 │ }",
      "  note: agents: somebody",
      "  help: declare the agent",
      "  fix: use somebody",
      '       {"op":"replace","path":"/flow/ref","value":"somebody"}',
      "",
    ]);
  });

  it("stand by themselves without a source or a position", () => {
    const { position: _position, ...placeless } = finding;
    const text = prettyDiagnostic({ ...placeless, pointer: "" }, "a.json", { ...ports, source: () => undefined });
    expect(text.split("\n")[1]).toBe("  at a.json, the document itself");
  });

  it("end in one line a file", () => {
    const clean = prettyReport([report([], { agents: 2, operators: 1 })], ports);
    expect(clean).toBe("a.bp.lua: ok (2 agents, 1 operator)\n");
    const mixed = prettyReport([report([finding, { ...finding, level: "warn" }], { printed: ["hi\u0007"] })], ports);
    expect(mixed.split("\n")[0]).toBe("a.bp.lua printed: hi");
    expect(mixed.trimEnd().split("\n").at(-1)).toBe("a.bp.lua: errors (1 error, 1 warning)");
  });
});

describe("findings for programs", () => {
  it("are one JSON object with counts", () => {
    expect(jsonReport([report([finding]), report([])])).toMatchObject({
      verdict: "error",
      counts: { error: 1, warn: 0, info: 0 },
      files: [{ verdict: "error", diagnostics: [finding] }, { verdict: "ok" }],
    });
  });

  it("are SARIF 2.1.0", () => {
    const { position: _position, ...placeless } = finding;
    const log = sarifLog(
      [
        report([finding, { ...placeless, level: "warn" }], {
          suppressed: [{ diagnostic: finding, source: "blueprint" }],
        }),
        {
          ...report([{ ...finding, level: "info", position: { file: "/abs/b.lua", line: 1 } }]),
          file: "dir with space/b.json",
        },
      ],
      { version: "1.2.3", cwd: "/srv/project" },
    );
    const validate = new Ajv({ strict: true, allErrors: true }).compile(sarifShape);
    validate(log);
    expect(validate.errors).toBeNull();
    expect(log).toMatchObject({
      version: "2.1.0",
      runs: [
        {
          tool: { driver: { rules: [{ id: "unresolved-agent-ref", defaultConfiguration: { level: "error" } }] } },
          originalUriBaseIds: { CWD: { uri: "file:///srv/project/" } },
          artifacts: [
            { location: { uri: "a.bp.lua", uriBaseId: "CWD" } },
            { location: { uri: "dir%20with%20space/b.json", uriBaseId: "CWD" } },
          ],
          results: [
            {
              ruleId: "unresolved-agent-ref",
              ruleIndex: 0,
              level: "error",
              locations: [
                {
                  physicalLocation: { artifactLocation: { uri: "a.bp.lua" }, region: { startLine: 3, startColumn: 3 } },
                  logicalLocations: [{ fullyQualifiedName: "/flow/ref" }],
                },
              ],
            },
            { level: "warning" },
            { level: "error", suppressions: [{ kind: "inSource" }] },
            { level: "note", locations: [{ physicalLocation: { artifactLocation: { uri: "file:///abs/b.lua" } } }] },
          ],
        },
      ],
    });
  });
});
