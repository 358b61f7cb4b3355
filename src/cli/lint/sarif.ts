/**
 * Findings as SARIF 2.1.0, for code hosts and editors.
 *
 * Owns: the mapping. A diagnostic's kind is the rule, its file position the physical location, its JSON pointer the
 * logical location. Findings that the document suppresses are results with a suppression.
 */
import { pathToFileURL } from "node:url";
import { type Diagnostic, type DiagnosticLevel, lintRegistry } from "../../blueprint/index.ts";
import type { FileReport } from "./lint-report.ts";

/** What the log says about the tool and the place it ran in. */
export interface SarifContext {
  readonly version: string;
  /** Directory that relative file names start from, absolute. */
  readonly cwd: string;
}

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const LEVELS: Readonly<Record<DiagnosticLevel, "error" | "warning" | "note">> = {
  error: "error",
  warn: "warning",
  info: "note",
};

/** A SARIF log with one run. */
export function sarifLog(reports: readonly FileReport[], { version, cwd }: SarifContext): object {
  const found = reports.flatMap(({ file, diagnostics, suppressed }) => [
    ...diagnostics.map((diagnostic) => ({ file, diagnostic, source: undefined })),
    ...suppressed.map(({ diagnostic, source }) => ({ file, diagnostic, source })),
  ]);
  const kinds = [...new Set(found.map(({ diagnostic }) => diagnostic.kind))].sort();
  const ruleIndex = new Map(kinds.map((kind, index) => [kind, index]));
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "swarm-host", semanticVersion: version, rules: kinds.map(ruleOf) } },
        columnKind: "utf16CodeUnits",
        originalUriBaseIds: { CWD: { uri: pathToFileURL(cwd).href.replace(/\/?$/u, "/") } },
        artifacts: reports.map(({ file }) => ({ location: artifact(file) })),
        results: found.map(({ file, diagnostic, source }) => ({
          ruleId: diagnostic.kind,
          ruleIndex: ruleIndex.get(diagnostic.kind),
          ...resultOf(diagnostic, file),
          ...(source === undefined
            ? {}
            : { suppressions: [{ kind: "inSource", justification: `lints of ${source}` }] }),
        })),
      },
    ],
  };
}

function ruleOf(kind: string): object {
  const row = lintRegistry.get(kind);
  if (row === undefined) return { id: kind };
  return {
    id: kind,
    shortDescription: { text: row.summary },
    defaultConfiguration: { level: LEVELS[row.level] },
    properties: { tags: [row.category] },
  };
}

function resultOf(diagnostic: Diagnostic, file: string): object {
  const { level, message, notes, help, pointer, position } = diagnostic;
  const text = [
    message,
    ...notes.map((note) => `Note: ${note}`),
    ...(help === undefined ? [] : [`Help: ${help}`]),
  ].join("\n");
  const region =
    position === undefined
      ? {}
      : {
          region: {
            startLine: position.line,
            ...(position.column === undefined ? {} : { startColumn: position.column }),
          },
        };
  const logical = pointer === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: pointer, kind: "element" }] };
  return {
    level: LEVELS[level],
    message: { text },
    locations: [{ physicalLocation: { artifactLocation: artifact(position?.file ?? file), ...region }, ...logical }],
  };
}

/** Relative names stay relative, so that a log made in one checkout fits another. */
function artifact(file: string): object {
  if (file.startsWith("/") || /^[A-Za-z]:[\\/]/u.test(file)) return { uri: pathToFileURL(file).href };
  return { uri: file.replaceAll("\\", "/").split("/").map(encodeURIComponent).join("/"), uriBaseId: "CWD" };
}
