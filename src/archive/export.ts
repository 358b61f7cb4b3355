/**
 * Writing a run's archive, a line at a time: never more than a page of the journal is in memory.
 *
 * Does not own: where the lines go. What is written is checked on the way: a damaged journal has no archive.
 */
import { createHash, hash } from "node:crypto";
import type { JournalRow, RunRecord, Stores } from "../../stores/ports.ts";
import { ChainReader, KernelError } from "../kernel/index.ts";
import { ArchiveError } from "./errors.ts";
import { ARCHIVE_LIMITS, ARCHIVE_VERSION, type ArchiveLimits, runFacts } from "./format.ts";

/** Entries read at once. */
const PAGE = 500;

/**
 * The lines of a run's archive, each with its newline. A run that has not ended is written as it is now.
 * @throws ArchiveError `document_missing` or `archive_too_large`; KernelError `journal_corrupt` or `journal_newer`.
 */
export async function* exportRun(
  record: RunRecord,
  stores: Pick<Stores, "journals" | "blobs" | "documents">,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): AsyncGenerator<string> {
  const whole = createHash("sha256");
  let lines = 0;
  let bytes = 0;
  const line = (value: object): string => {
    const text = `${JSON.stringify(value)}\n`;
    const size = Buffer.byteLength(text);
    lines += 1;
    bytes += size;
    if (size > limits.lineBytes || bytes > limits.bytes) throw tooLarge(record.runId, limits);
    whole.update(text);
    return text;
  };

  const document = await stores.documents.get(record.blueprintVersion);
  if (document === undefined) throw documentMissing(record);
  yield line({ archive: "swarm-host.run", v: ARCHIVE_VERSION, run: runFacts(record) });
  yield line({ document: document.text });
  const reader = new ChainReader((text) => hash("sha256", text));
  const written = new Set<string>();
  while (reader.position.nextSeq < record.nextSeq) {
    const rows = await page(stores, record, reader.position.nextSeq);
    for (const { text } of rows) {
      const entry = reader.read(text);
      const digest = "value" in entry && entry.value !== undefined && "blob" in entry.value ? entry.value.blob : "";
      if (digest !== "" && !written.has(digest)) {
        written.add(digest);
        yield line({ blob: await blobText(stores, digest, entry.seq) });
      }
      yield line({ entry: text });
    }
  }
  const end = { lines, sha256: whole.digest("hex") };
  yield `${JSON.stringify({ end })}\n`;
}

async function page(
  { journals }: Pick<Stores, "journals">,
  { runId, nextSeq }: RunRecord,
  from: number,
): Promise<readonly JournalRow[]> {
  const rows = await journals.read(runId, from, Math.min(PAGE, nextSeq - from));
  if (rows.length > 0) return rows;
  throw new KernelError("journal_corrupt", `journal entry ${from} is missing: the run has ${nextSeq - 1} entries`, {
    seq: from,
  });
}

async function blobText({ blobs }: Pick<Stores, "blobs">, digest: string, seq: number): Promise<string> {
  const [text] = await blobs.get([digest]);
  if (text !== undefined && `sha256:${hash("sha256", text)}` === digest) return text;
  const why = text === undefined ? "which the store does not have" : "whose text is not what was written";
  throw new KernelError("journal_corrupt", `journal entry ${seq} names the blob ${digest}, ${why}`, { seq });
}

function documentMissing({ runId, blueprintVersion }: RunRecord): ArchiveError {
  return new ArchiveError(
    "document_missing",
    `run ${runId} cannot be exported: its Blueprint ${blueprintVersion} is not in the store`,
    { details: { runId, version: blueprintVersion } },
  );
}

function tooLarge(runId: string, { bytes, lineBytes }: ArchiveLimits): ArchiveError {
  return new ArchiveError(
    "archive_too_large",
    `run ${runId} does not fit an archive: at most ${bytes} bytes, and ${lineBytes} for one value; back up the store instead`,
    { details: { runId } },
  );
}
