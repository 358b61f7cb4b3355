/**
 * Reading a directory of agent.md files: every agent in it, for lists and for `bp lint` of agents on their own.
 */
import { join } from "node:path";
import type { JsonObject } from "../flow/index.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { type DocumentFiles, decodeText, sizeText } from "./document-files.ts";
import { BlueprintError } from "./errors.ts";
import { diagnose, type LintKind } from "./lint-registry.ts";
import { refLimits } from "./ref-reader.ts";
import type { AgentKind } from "./schema.ts";

/** The agents of a directory. */
export interface AgentDirectory {
  /** In the order of their file names. AgentDefs as JSON, with a kind. */
  readonly agents: readonly { readonly file: string; readonly agent: JsonObject }[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads every `*.md` of a directory, not of those below it. A file without front matter is no agent and is passed over;
 * one that is broken is a diagnostic. `kind` is that of agents whose file says none. Throws BlueprintError
 * `agents_unreadable` where the directory cannot be listed.
 */
export async function readAgentDirectory(
  directory: string,
  kind: AgentKind,
  files: DocumentFiles,
  maxFileBytes: number = refLimits.maxFileBytes,
): Promise<AgentDirectory> {
  const names = await files.list(directory);
  if (names === undefined) {
    throw new BlueprintError("agents_unreadable", `${directory} is no directory that can be listed`, {
      details: { directory },
    });
  }
  const { readAgentMd } = await import("./agent-md.ts");
  const agents: { file: string; agent: JsonObject }[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const name of names.filter((entry) => entry.endsWith(".md")).toSorted()) {
    const file = join(directory, name);
    const text = await textOf(file, files, maxFileBytes);
    if (typeof text !== "string") {
      if (text !== undefined) diagnostics.push(text);
      continue;
    }
    const read = readAgentMd(text, file);
    if (!read.hasFrontMatter) continue;
    diagnostics.push(...read.diagnostics);
    if (read.agent !== undefined) agents.push({ file, agent: { kind, ...read.agent } });
  }
  return { agents, diagnostics };
}

/** The file's text, why there is none, or undefined for what is no file. */
async function textOf(file: string, files: DocumentFiles, maxBytes: number): Promise<string | Diagnostic | undefined> {
  const read = await files.read(file, maxBytes);
  const problem = (kind: LintKind, message: string): Diagnostic => diagnose(kind, { stage: "link", message });
  switch (read.kind) {
    case "file":
      return decodeText(read.bytes) ?? problem("unreadable-ref", `${file} is no UTF-8 text`);
    case "missing":
    case "not_a_file":
      return undefined;
    case "too_large":
      return problem("limit-exceeded", `${file} has ${sizeText(read.size)}; an agent may have ${sizeText(maxBytes)}`);
    case "unreadable":
      return problem("unreadable-ref", `${file} cannot be read: ${read.reason}`);
  }
}
