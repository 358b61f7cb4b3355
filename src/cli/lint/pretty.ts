/**
 * Findings for people: message, place, code frame, notes, what to do.
 *
 * Owns: the layout. Does not own: the texts (each diagnostic is complete in itself) or reading the sources.
 */
import type { Diagnostic, DiagnosticLevel } from "../../blueprint/index.ts";
import { count, oneLine, type Paint, type Style } from "../style.ts";
import { codeFrame } from "./code-frame.ts";
import { countLevels, type FileReport, verdict } from "./lint-report.ts";

/** What the layout needs. */
export interface PrettyPorts {
  readonly style: Style;
  /** Columns. */
  readonly width: number;
  /** The text of a file a position names, or `undefined` where it cannot be read (any more). */
  readonly source: (file: string) => string | undefined;
}

/** All findings of all files, and one line that sums up. */
export function prettyReport(reports: readonly FileReport[], ports: PrettyPorts): string {
  const blocks: string[] = [];
  for (const report of reports) {
    for (const line of report.printed) blocks.push(ports.style.faint(`${report.file} printed: ${oneLine(line)}`));
    for (const diagnostic of report.diagnostics) blocks.push(prettyDiagnostic(diagnostic, report.file, ports));
  }
  blocks.push(...reports.map((report) => summaryLine(report, ports.style)));
  return `${blocks.join("\n")}\n`;
}

/** One finding, several lines. */
export function prettyDiagnostic(diagnostic: Diagnostic, file: string, { style, width, source }: PrettyPorts): string {
  const { level, kind, message, position, pointer, notes, help, suggestion, docs } = diagnostic;
  const lines = [`${levelPaint(level, style)(`${level}[${kind}]`)} ${style.strong(oneLine(message))}`];
  lines.push(`  ${style.faint("at")} ${placeText(position, pointer, file)}`);
  if (position !== undefined) {
    const text = source(position.file);
    if (text !== undefined) for (const line of codeFrame(text, position, width - 2, style)) lines.push(`  ${line}`);
  }
  for (const note of notes) lines.push(`  ${style.faint("note:")} ${oneLine(note)}`);
  if (help !== undefined) lines.push(`  ${style.active("help:")} ${oneLine(help)}`);
  if (suggestion !== undefined) {
    lines.push(`  ${style.active("fix:")} ${oneLine(suggestion.message)}`);
    for (const operation of suggestion.patch) lines.push(`       ${style.faint(oneLine(JSON.stringify(operation)))}`);
  }
  if (docs !== undefined) lines.push(`  ${style.faint("see:")} ${oneLine(docs)}`);
  return `${lines.join("\n")}\n`;
}

function summaryLine(report: FileReport, style: Style): string {
  const counts = countLevels([report]);
  const result = verdict(counts);
  const word = { ok: style.good("ok"), warn: style.warn("warnings"), error: style.bad("errors") }[result];
  const parts: string[] = [];
  if (counts.error > 0) parts.push(count(counts.error, "error"));
  if (counts.warn > 0) parts.push(count(counts.warn, "warning"));
  if (counts.info > 0) parts.push(count(counts.info, "remark"));
  if (report.suppressed.length > 0) parts.push(`${report.suppressed.length} suppressed`);
  if (report.agents !== undefined) parts.push(count(report.agents, "agent"));
  if (report.operators !== undefined && report.operators > 0) parts.push(count(report.operators, "operator"));
  return `${style.strong(oneLine(report.file))}: ${word}${parts.length === 0 ? "" : ` (${parts.join(", ")})`}`;
}

function placeText(position: Diagnostic["position"], pointer: string | undefined, file: string): string {
  const column = position?.column === undefined ? "" : `:${position.column}`;
  const place = position === undefined ? file : `${position.file}:${position.line}${column}`;
  const at = pointer === undefined ? "" : pointer === "" ? ", the document itself" : `, ${pointer}`;
  return oneLine(`${place}${at}`);
}

function levelPaint(level: DiagnosticLevel, style: Style): Paint {
  return { error: style.bad, warn: style.warn, info: style.active }[level];
}
