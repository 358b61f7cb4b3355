/**
 * One finding about a Blueprint: plain data, made by the loader, the linker, the parser and the compiler alike.
 *
 * Owns the shape and its one-line text. Does not own: which kinds exist and how bad each is (`lint-registry.ts`), colours,
 * code frames and SARIF (the command line).
 *
 * D1. `kind` is stable: it never changes meaning and is never used again for something else.
 * D2. `pointer` addresses the linked document; `position` addresses the file the author wrote. Either may be missing.
 * D3. A diagnostic is complete in itself: the message names the offender, the notes and the help name the way out.
 */
import type { Json } from "../flow/index.ts";

/** How bad it is. Only `error` refuses a document. */
export type DiagnosticLevel = "error" | "warn" | "info";

/** What it is about: the groups that `lints` maps address as `category:<name>`. */
export type DiagnosticCategory = "correctness" | "suspicious" | "style" | "contract" | "migration";

/** The part of the way from file to CompiledBlueprint that found it. */
export type DiagnosticStage = "load" | "link" | "parse" | "compile";

/** A place in a file the author wrote. Lines and columns count from 1; columns count UTF-16 units. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

/** The part of the Blueprint a finding spans; `agents[].lints` apply to findings that span that agent. */
export type DiagnosticElement =
  | { readonly type: "agent"; readonly name: string }
  | { readonly type: "step"; readonly ref: string; readonly nodePath?: string }
  | { readonly type: "operator"; readonly name: string }
  | { readonly type: "meta"; readonly name: string }
  | { readonly type: "blueprint_root" };

/** One RFC 6902 operation against the linked document. */
export type PatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly from: string; readonly path: string };

/** A proposed edit. */
export interface Suggestion {
  readonly message: string;
  /** RFC 6902; empty where the edit cannot be written as a patch. */
  readonly patch: readonly PatchOperation[];
  /** `machine_applicable`: safe to apply unseen. `has_placeholders`: parts in `<angle brackets>` are the author's to fill. */
  readonly applicability: "machine_applicable" | "maybe_incorrect" | "has_placeholders" | "unspecified";
}

/** One finding. */
export interface Diagnostic {
  /** Stable name, a key of the lint registry. */
  readonly kind: string;
  readonly level: DiagnosticLevel;
  readonly category: DiagnosticCategory;
  readonly stage: DiagnosticStage;
  /** One sentence that names the offender. */
  readonly message: string;
  /** RFC 6901 pointer into the document; `""` is the whole document. */
  readonly pointer?: string;
  readonly position?: SourcePosition;
  /** Facts that help: the names that are defined, the directories that were searched. */
  readonly notes: readonly string[];
  /** What to do. */
  readonly help?: string;
  readonly suggestion?: Suggestion;
  readonly element?: DiagnosticElement;
  /** Where to read on: a path or address, with an anchor. */
  readonly docs?: string;
}

/** Whether any finding refuses the document. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.level === "error");
}

/**
 * The finding as one line: `file:line:column: error[kind] at /pointer: message`, with the help after a dash.
 * Control characters of the document are escaped, so that one finding stays one line.
 */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { position, pointer, help } = diagnostic;
  const column = position?.column === undefined ? "" : `:${position.column}`;
  const place = position === undefined ? "" : `${position.file}:${position.line}${column}: `;
  const at = pointer === undefined ? "" : ` at ${pointer === "" ? "the document" : pointer}`;
  const text = `${place}${diagnostic.level}[${diagnostic.kind}]${at}: ${diagnostic.message}`;
  return escapeControls(help === undefined ? text : `${text} - ${help}`);
}

function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
