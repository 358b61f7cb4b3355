/**
 * From the text of a document to raw JSON and a source map: JSON and YAML.
 *
 * T1. Every mistake is a diagnostic with its line and column; nothing is thrown for bad text.
 * T2. There is a document exactly where no diagnostic is an error.
 */
import type { Json } from "../flow/index.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { sizeText } from "./document-files.ts";
import { type DocumentLimits, documentLimits } from "./document-inspection.ts";
import { scanJson } from "./json-text.ts";
import { diagnose, type LintKind } from "./lint-registry.ts";
import { lazySourceMap, lineCounter, noSource, positionsByPointer, type SourceMap } from "./source-map.ts";

/** A document as it was written. */
export interface DocumentText {
  /** The raw value: refs unexpanded, nothing checked. Absent where a diagnostic is an error. */
  readonly document?: Json;
  readonly sourceMap: SourceMap;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a text. `file` is how positions name it. */
export async function readDocumentText(
  text: string,
  format: "json" | "yaml",
  file: string,
  limits: DocumentLimits = documentLimits,
): Promise<DocumentText> {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.maxBytes) return { sourceMap: noSource, diagnostics: [tooLarge(file, bytes, limits.maxBytes)] };
  const plain = text.startsWith("\ufeff") ? text.slice(1) : text;
  return format === "json" ? readJson(plain, file, limits) : readYamlText(plain, file);
}

/** The finding about a file past its limit. */
export function tooLarge(file: string, bytes: number, limit: number): Diagnostic {
  return diagnose("limit-exceeded", {
    stage: "load",
    message: `${file} has ${sizeText(bytes)}; a document may have ${sizeText(limit)}`,
    position: { file, line: 1 },
    help: "keep bulk data out of the Blueprint: hand it to the run as input",
  });
}

function readJson(text: string, file: string, limits: DocumentLimits): DocumentText {
  const place = placer(text, file);
  const scan = scanJson(text, limits.maxDepth);
  if (scan.error !== undefined) {
    const { message, offset, tooDeep } = scan.error;
    const kind = tooDeep ? "limit-exceeded" : "syntax-error";
    return {
      sourceMap: noSource,
      diagnostics: [found(kind, tooDeep ? message : `broken JSON: ${message}`, place(offset))],
    };
  }
  const sourceMap = lazySourceMap(() => {
    const positions = new Map<string, ReturnType<typeof place>>();
    scanJson(text, limits.maxDepth, (pointer, offset) => positions.set(pointer, place(offset)));
    return positionsByPointer(positions);
  });
  const diagnostics = scan.duplicates
    .slice(0, 20)
    .map(({ key, offset, pointer }) =>
      found("duplicate-key", `the key \`${key}\` is given twice`, place(offset), pointer),
    );
  return diagnostics.length > 0
    ? { sourceMap, diagnostics }
    : { document: JSON.parse(text) as Json, sourceMap, diagnostics };
}

async function readYamlText(text: string, file: string): Promise<DocumentText> {
  const { readYaml } = await import("./yaml-text.ts");
  const place = placer(text, file);
  const yaml = readYaml(text);
  const sourceMap: SourceMap = { position: (pointer) => place(yaml.offset(pointer)) };
  const diagnostics = yaml.problems.map(({ kind, message, offset, pointer }) =>
    found(kind, message, place(offset), pointer),
  );
  return yaml.value === undefined ? { sourceMap, diagnostics } : { document: yaml.value, sourceMap, diagnostics };
}

/** Places by offset; lines are counted when the first place is wanted. */
function placer(text: string, file: string) {
  let count: ReturnType<typeof lineCounter> | undefined;
  return (offset: number) => {
    count ??= lineCounter(text);
    return { file, ...count(offset) };
  };
}

function found(kind: LintKind, message: string, position: Diagnostic["position"], pointer?: string): Diagnostic {
  return diagnose(kind, {
    stage: "load",
    message,
    ...(position === undefined ? {} : { position }),
    ...(pointer === undefined ? {} : { pointer }),
  });
}
