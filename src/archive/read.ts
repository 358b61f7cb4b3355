/**
 * Reading an archive: bytes in, checked facts, Blueprint and entries out, one at a time.
 *
 * Owns: everything that can be proved about an archive without running it. Does not own: what becomes of it (import.ts).
 *
 * Z1  What is yielded last is `end`, and only where everything before it was what was written: V3, the journal's chain, the
 *     Blueprint's version, every blob's digest, and that the row says what the journal says.
 */
import { hash } from "node:crypto";
import type { Static, TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Blob, JournalRow } from "../../stores/ports.ts";
import { type ChainPosition, ChainReader, type JournalEntry, KernelError } from "../kernel/index.ts";
import { ArchiveError } from "./errors.ts";
import {
  ARCHIVE_VERSION,
  type ArchiveLimits,
  BodyLine,
  DocumentLine,
  EndLine,
  HeadLine,
  type RunFacts,
} from "./format.ts";
import { type ArchiveLine, archiveLines, damaged, truncated } from "./lines.ts";

/** What an archive holds, in order. */
export type ArchivePart =
  | { readonly kind: "run"; readonly facts: RunFacts; readonly document: string }
  | { readonly kind: "row"; readonly row: JournalRow; readonly blob?: Blob }
  | { readonly kind: "end"; readonly position: ChainPosition; readonly digest: string };

/** How an archive is read. */
export interface ReadOptions {
  readonly limits: ArchiveLimits;
  /** The version of the Blueprint with this canonical text. */
  readonly versionOf: (text: string) => string;
}

/**
 * The parts of an archive (Z1).
 * @throws ArchiveError, naming the first bad line or entry; KernelError `journal_newer`.
 */
export async function* readArchive(
  source: AsyncIterable<Uint8Array>,
  { limits, versionOf }: ReadOptions,
): AsyncGenerator<ArchivePart> {
  const lines = archiveLines(source, limits);
  const { run: facts } = headOf(await next(lines, 1));
  const { document } = parsed(await next(lines, 2), DocumentLine);
  if (versionOf(document) !== facts.blueprint.version) throw damaged(2, "it is not the Blueprint the run is pinned to");
  yield { kind: "run", facts, document };
  const journal = new ArchivedJournal(facts);
  let blob: Blob | undefined;
  for (let number = 3; ; number += 1) {
    const line = await next(lines, number);
    if (line.text.startsWith('{"end":')) {
      if (blob !== undefined) throw damaged(number - 1, "no entry after it names the blob");
      yield { kind: "end", position: journal.position, digest: endOf(line, journal) };
      const after = await lines.next();
      if (after.done !== true) throw damaged(number + 1, "nothing follows the end line");
      return;
    }
    const body = parsed(line, BodyLine);
    if ("blob" in body) {
      if (blob !== undefined) throw damaged(number - 1, "no entry after it names the blob");
      blob = { digest: `sha256:${hash("sha256", body.blob)}`, text: body.blob };
    } else {
      const row = journal.read(body.entry, blob?.digest, number);
      yield { kind: "row", row, ...(blob === undefined ? {} : { blob }) };
      blob = undefined;
    }
  }
}

/** A journal being read, held against the facts of its row. */
class ArchivedJournal {
  readonly #facts: RunFacts;
  readonly #reader = new ChainReader((text) => hash("sha256", text));
  readonly #blobs = new Set<string>();
  #last: JournalEntry | undefined;

  constructor(facts: RunFacts) {
    this.#facts = facts;
  }

  get position(): ChainPosition {
    return this.#reader.position;
  }

  /** The next entry's row. `blob`: the digest of the blob in the line before, if there was one. */
  read(text: string, blob: string | undefined, line: number): JournalRow {
    const entry = this.#entry(text, line);
    const { fence, blueprint, entries } = this.#facts;
    if (entry.seq > entries) throw damaged(line, `the run has ${entries} entries`);
    if (entry.fence > fence) throw damaged(line, `its fence ${entry.fence} is newer than the run's`);
    if (this.#last?.type === "run_finished") throw damaged(line, "the journal goes on after the run's end");
    if (entry.seq === 1) {
      const started = entry.type === "run_started" ? entry.blueprint : undefined;
      if (started?.id !== blueprint.id || started.version !== blueprint.version)
        throw damaged(line, "the journal was not begun with this Blueprint");
    }
    const named = "value" in entry && entry.value !== undefined && "blob" in entry.value ? entry.value.blob : undefined;
    if (blob !== undefined && blob !== named) throw damaged(line, "it does not name the blob before it");
    if (named !== undefined && named !== blob && !this.#blobs.has(named))
      throw damaged(line, `the blob ${named} is missing`);
    if (blob !== undefined) this.#blobs.add(blob);
    this.#last = entry;
    return {
      seq: entry.seq,
      type: entry.type,
      ...("key" in entry && entry.key !== undefined ? { key: entry.key } : {}),
      ...("attempt" in entry ? { attempt: entry.attempt } : {}),
      text,
    };
  }

  #entry(text: string, line: number): JournalEntry {
    try {
      return this.#reader.read(text);
    } catch (cause) {
      // The journal of an archive that is damaged, not of a run that is here.
      if (cause instanceof KernelError && cause.code === "journal_corrupt") throw damaged(line, cause.message, cause);
      throw cause;
    }
  }

  /** Why the row does not say what the journal says, where it does not. */
  contradiction(): string | undefined {
    const { status, entries } = this.#facts;
    const count = this.position.nextSeq - 1;
    if (count !== entries) return `the run has ${entries} entries, and ${count} are here`;
    const journaled = this.#last?.type === "run_finished" ? this.#last.status : undefined;
    const ended = status === "done" || status === "failed" || status === "cancelled" ? status : undefined;
    return journaled === ended ? undefined : `the run is ${status}, and its journal says ${journaled ?? "otherwise"}`;
  }
}

function headOf(line: ArchiveLine): Static<typeof HeadLine> {
  const foreign = (cause?: unknown): ArchiveError =>
    new ArchiveError("archive_foreign", "this is not an archive of a run: its first line does not say so", { cause });
  let head: unknown;
  try {
    head = JSON.parse(line.text);
  } catch (cause) {
    throw foreign(cause);
  }
  if (typeof head !== "object" || head === null || !("archive" in head) || head.archive !== "swarm-host.run")
    throw foreign();
  const version: unknown = "v" in head ? head.v : undefined;
  if (typeof version === "number" && version > ARCHIVE_VERSION) {
    throw new ArchiveError(
      "archive_newer",
      `the archive has format version ${version}; this host reads up to ${ARCHIVE_VERSION}: use a newer swarm-host`,
      { details: { version } },
    );
  }
  return checked(head, HeadLine, line.number);
}

function endOf(line: ArchiveLine, journal: ArchivedJournal): string {
  const { end } = parsed(line, EndLine);
  if (end.lines !== line.number - 1) throw damaged(line.number, `it counts ${end.lines} lines before it`);
  const digest = line.digestBefore();
  if (end.sha256 !== digest) throw damaged(line.number, "the digest of the lines before it is another");
  const contradiction = journal.contradiction();
  if (contradiction !== undefined) throw damaged(line.number, contradiction);
  return digest;
}

function parsed<S extends TSchema>(line: ArchiveLine, schema: S): Static<S> {
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (cause) {
    throw damaged(line.number, "it is not JSON", cause);
  }
  return checked(value, schema, line.number);
}

function checked<S extends TSchema>(value: unknown, schema: S, line: number): Static<S> {
  if (Value.Check(schema, value)) return value;
  const first = Value.Errors(schema, value).First();
  throw damaged(line, first === undefined ? "it has another shape" : `${first.message} at ${first.path || "its root"}`);
}

async function next(lines: AsyncGenerator<ArchiveLine>, number: number): Promise<ArchiveLine> {
  const { value, done } = await lines.next();
  if (done === true) throw truncated(number);
  return value;
}
