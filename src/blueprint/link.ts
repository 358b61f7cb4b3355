/**
 * The linker: puts the text of files and the agents of agent.md files where the document refers to them.
 *
 * Owns: what is a ref, what it becomes, and the manifest of what was read.
 * Does not own: the cascade's directories (include-cascade.ts), looking files up (ref-reader.ts), agent.md (agent-md.ts).
 *
 * R1. `{"$file": "x"}` alone becomes the file's text. With keys beside it, it is data, and a warning.
 * R2. `{"$agent_md": "x", ...}` becomes the agent the file describes; keys beside it replace the agent's, each whole.
 * R3. What was linked in is not linked again.
 * R4. A ref is relative and does not climb; what it resolves to lies, links resolved, in its include directory.
 * R5. The first directory that holds a regular file of that name wins. A directory of that name is passed over.
 * R6. An agent's kind: beside the ref, else in the file, else the document's `default_agent_kind`, else the host's, else
 *     `operator`.
 * R7. All refs are tried; one that fails stays in the document, and its pointer is in `unlinked`.
 */
import { isJsonObject, type Json, type JsonObject } from "../flow/index.ts";
import type { AgentMd } from "./agent-md.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { DocumentFiles } from "./document-files.ts";
import { type DocumentRef, inspectDocument } from "./document-inspection.ts";
import { type IncludeDirectory, type IncludeSources, type IncludeTier, includeCascade } from "./include-cascade.ts";
import { parentPointer, pointerTo, valueAt } from "./json-pointer.ts";
import { diagnose } from "./lint-registry.ts";
import { type RefFile, type RefLimits, RefReader, refDiagnostic, refLimits } from "./ref-reader.ts";
import { AGENT_KINDS } from "./schema/words.ts";
import type { AgentKind } from "./schema.ts";
import { type LinkedSource, located, noSource, type SourceMap, withLinkedSources } from "./source-map.ts";

/** How to link. */
export interface LinkOptions {
  readonly files: DocumentFiles;
  readonly includes: IncludeSources;
  /** Map of the document as loaded. */
  readonly sourceMap?: SourceMap;
  /** The host's kind for agents whose document says none (R6). */
  readonly defaultAgentKind?: AgentKind;
  readonly limits?: RefLimits;
}

/** One ref and what it came from. */
export interface ManifestEntry {
  readonly key: "$file" | "$agent_md";
  readonly ref: string;
  /** Where in the document. */
  readonly pointer: string;
  readonly file: string;
  readonly directory: string;
  readonly tier: IncludeTier;
  /** Lower-case hex SHA-256 of the file's bytes. */
  readonly sha256: string;
  readonly bytes: number;
}

/** A document without refs, and where everything came from. */
export interface LinkedDocument {
  readonly document: Json;
  readonly manifest: readonly ManifestEntry[];
  /** The cascade that was searched, in order; empty where the document has no refs. */
  readonly cascade: readonly IncludeDirectory[];
  /** Pointers of the refs that failed. */
  readonly unlinked: readonly string[];
  /** Map of the linked document: places in agent.md files included. */
  readonly sourceMap: SourceMap;
  readonly diagnostics: readonly Diagnostic[];
}

/** Links a document. Never throws for bad input; the document is not changed. */
export async function linkDocument(document: Json, options: LinkOptions): Promise<LinkedDocument> {
  const sourceMap = options.sourceMap ?? noSource;
  const limits = options.limits ?? refLimits;
  const untouched = { document, manifest: [], cascade: [], unlinked: [], sourceMap };
  const inspected = inspectDocument(document);
  // The parser says what is wrong with such a document.
  if ("failure" in inspected) return { ...untouched, diagnostics: [] };
  const warnings = located(inspected.lookalikes.map(lookalike), sourceMap);
  const { refs } = inspected;
  if (refs.length === 0) return { ...untouched, diagnostics: warnings };
  if (refs.length > limits.maxRefs) {
    const message = `the document has ${refs.length} refs; it may have ${limits.maxRefs}`;
    const tooMany = diagnose("limit-exceeded", { stage: "link", pointer: "", message });
    return { ...untouched, unlinked: refs.map(({ pointer }) => pointer), diagnostics: [...warnings, tooMany] };
  }
  const { directories, diagnostics } = await includeCascade(document, options.includes, options.files);
  const linking = new Linking(new RefReader(options.files, directories, limits), defaultKind(document, options));
  for (const ref of refs) await linking.link(ref, siblingsOf(document, ref));
  const linkedMap = withLinkedSources(sourceMap, linking.sources);
  return {
    document: linking.rebuilt(document),
    manifest: linking.manifest,
    cascade: directories,
    unlinked: linking.unlinked,
    sourceMap: linkedMap,
    diagnostics: [...warnings, ...located([...diagnostics, ...linking.diagnostics], sourceMap)],
  };
}

/**
 * One error for each ref in a document that should have none, each named `key=path`: for hosts that take documents only
 * with everything embedded. Empty for what is no document at all.
 */
export function checkEmbedded(document: unknown): readonly Diagnostic[] {
  const inspected = inspectDocument(document);
  if ("failure" in inspected) return [];
  return [...inspected.refs, ...inspected.lookalikes].map(({ key, ref, pointer }) =>
    diagnose("unexpanded-ref", {
      stage: "link",
      message: `the document refers to ${key}=${ref}, and must have everything embedded`,
      pointer,
      help: "send what `swarm-host bp build` writes",
    }),
  );
}

/** What a ref becomes. */
type Replacement =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "agent"; readonly agent: JsonObject };

class Linking {
  readonly manifest: ManifestEntry[] = [];
  readonly unlinked: string[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly sources: LinkedSource[] = [];
  readonly #reader: RefReader;
  readonly #defaultKind: AgentKind;
  readonly #replacements = new Map<string, Replacement>();
  /** Pointers of what holds a replacement, at any distance. */
  readonly #touched = new Set<string>();
  readonly #agents = new Map<string, AgentMd>();

  constructor(reader: RefReader, kind: AgentKind) {
    this.#reader = reader;
    this.#defaultKind = kind;
  }

  async link(ref: DocumentRef, siblings: readonly string[]): Promise<void> {
    const file = await this.#reader.read(ref.ref);
    if (!("text" in file)) {
      this.#fail(ref, [refDiagnostic(file, ref.pointer)]);
    } else if (ref.key === "$file") {
      const map = { position: () => ({ file: file.path, line: 1 }) };
      this.#put(ref, file, { kind: "text", text: file.text }, map, []);
    } else {
      await this.#linkAgent(ref, file, siblings);
    }
  }

  async #linkAgent(ref: DocumentRef, file: RefFile, siblings: readonly string[]): Promise<void> {
    const { agent, sourceMap, diagnostics } = await this.#agentMd(file);
    const placed = diagnostics.map((diagnostic) => ({ ...diagnostic, pointer: ref.pointer }));
    if (agent === undefined) return this.#fail(ref, placed);
    this.diagnostics.push(...placed);
    this.#put(ref, file, { kind: "agent", agent: { kind: this.#defaultKind, ...agent } }, sourceMap, siblings);
  }

  async #agentMd(file: RefFile): Promise<AgentMd> {
    const known = this.#agents.get(file.path);
    if (known !== undefined) return known;
    const { readAgentMd } = await import("./agent-md.ts");
    const read = readAgentMd(file.text, file.path);
    this.#agents.set(file.path, read);
    return read;
  }

  #put(ref: DocumentRef, file: RefFile, replacement: Replacement, map: SourceMap, siblings: readonly string[]): void {
    const { key, pointer } = ref;
    const { path, directory, sha256, bytes } = file;
    this.manifest.push({
      key,
      ref: ref.ref,
      pointer,
      file: path,
      directory: directory.path,
      tier: directory.tier,
      sha256,
      bytes,
    });
    this.sources.push({ pointer, siblings: new Set(siblings), map });
    this.#replacements.set(pointer, replacement);
    for (let at: string | undefined = pointer; at !== undefined; at = parentPointer(at)) this.#touched.add(at);
  }

  #fail(ref: DocumentRef, diagnostics: readonly Diagnostic[]): void {
    this.unlinked.push(ref.pointer);
    this.diagnostics.push(...diagnostics);
  }

  /** The value with every replacement in its place. Depth is bounded by inspection. */
  rebuilt(value: Json, pointer = ""): Json {
    if (!this.#touched.has(pointer)) return value;
    const replacement = this.#replacements.get(pointer);
    if (replacement?.kind === "text") return replacement.text;
    if (Array.isArray(value)) {
      return (value as readonly Json[]).map((part, index) => this.rebuilt(part, pointerTo(pointer, index)));
    }
    if (!isJsonObject(value)) return value;
    const parts = Object.entries(value)
      .filter(([key]) => replacement === undefined || key !== "$agent_md")
      .map(([key, part]) => [key, this.rebuilt(part, pointerTo(pointer, key))] as const);
    return { ...replacement?.agent, ...Object.fromEntries(parts) };
  }
}

function siblingsOf(document: Json, ref: DocumentRef): readonly string[] {
  const object = valueAt(document, ref.pointer);
  return isJsonObject(object) ? Object.keys(object).filter((key) => key !== ref.key) : [];
}

function defaultKind(document: Json, options: LinkOptions): AgentKind {
  const said =
    isJsonObject(document) && Object.hasOwn(document, "default_agent_kind")
      ? document["default_agent_kind"]
      : undefined;
  return AGENT_KINDS.find((kind) => kind === said) ?? options.defaultAgentKind ?? "operator";
}

function lookalike({ pointer }: DocumentRef): Diagnostic {
  return diagnose("ref-with-siblings", {
    stage: "link",
    message: "`$file` with other keys beside it is data, not a ref",
    pointer,
    help: 'to link the file, leave `{"$file": ...}` alone in its object',
  });
}
