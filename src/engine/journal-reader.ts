/**
 * Reading a run's journal back: rows in pages, the digest chain checked, blobs loaded.
 *
 * Does not own: what the entries mean (kernel) or how rows are kept (stores).
 */
import type { Stores } from "../../stores/ports.ts";
import type { Json } from "../flow/index.ts";
import {
  type ChainPosition,
  ChainReader,
  type HashText,
  JOURNAL_START,
  type JournalEntry,
  KernelError,
  type ReplayedEntry,
} from "../kernel/index.ts";

/** Rows read at once. */
const PAGE = 2_000;

/** A journal, or its part after a position. */
export interface ReadJournal {
  readonly entries: readonly ReplayedEntry[];
  /** Where it ends. */
  readonly position: ChainPosition;
}

/**
 * Reads a run's journal from a position on.
 * @throws KernelError `journal_corrupt` or `journal_newer`, naming the first bad entry.
 */
export async function readJournal(
  stores: Pick<Stores, "journals" | "blobs">,
  runId: string,
  options: { readonly hash: HashText; readonly from?: ChainPosition; readonly signal?: AbortSignal },
): Promise<ReadJournal> {
  const reader = new ChainReader(options.hash, options.from ?? JOURNAL_START);
  const entries: ReplayedEntry[] = [];
  const call = options.signal === undefined ? {} : { signal: options.signal };
  for (;;) {
    const rows = await stores.journals.read(runId, reader.position.nextSeq, PAGE, call);
    const page = rows.map(({ text }) => reader.read(text));
    const blobs = await loadBlobs(stores, page, options.hash);
    for (const entry of page) entries.push(withValue(entry, blobs));
    if (rows.length < PAGE) return { entries, position: reader.position };
  }
}

async function loadBlobs(
  stores: Pick<Stores, "blobs">,
  page: readonly JournalEntry[],
  hash: HashText,
): Promise<ReadonlyMap<string, Json>> {
  const wanted = new Map<string, number>();
  for (const entry of page) {
    if ("value" in entry && entry.value !== undefined && "blob" in entry.value) wanted.set(entry.value.blob, entry.seq);
  }
  if (wanted.size === 0) return new Map();
  const digests = [...wanted.keys()];
  const texts = await stores.blobs.get(digests);
  return new Map(
    digests.map((digest, index) => {
      const text = texts[index];
      const seq = wanted.get(digest) ?? 0;
      if (text === undefined)
        throw new KernelError(
          "journal_corrupt",
          `journal entry ${seq} names the blob ${digest}, which the store does not have`,
          { seq },
        );
      if (`sha256:${hash(text)}` !== digest)
        throw new KernelError("journal_corrupt", `the blob ${digest} of journal entry ${seq} is not what was written`, {
          seq,
        });
      return [digest, JSON.parse(text) as Json];
    }),
  );
}

function withValue(entry: JournalEntry, blobs: ReadonlyMap<string, Json>): ReplayedEntry {
  if (!("value" in entry) || entry.value === undefined) return { entry };
  const { value } = entry;
  return { entry, value: "inline" in value ? value.inline : (blobs.get(value.blob) ?? null) };
}
