/**
 * Writing and reading the digest chain: bodies in, stored rows out, and back.
 *
 * Owns: the text of an entry, the position at the journal's end, and the rule by which large values leave the entry.
 * Invariants: E1 to E3 of entry.ts. A chain is owned by exactly one writer, the run's current owner.
 */
import type { Json } from "../flow/index.ts";
import { ENTRY_VERSION, type EntryBody, GENESIS, type HashText, type JournalEntry, type ValueRecord } from "./entry.ts";
import { KernelError } from "./errors.ts";

/** JSON texts longer than this many UTF-16 units go to a blob (architecture: over 16 KiB). */
export const INLINE_VALUE_LIMIT: number = 16 * 1024;

/** A body whose value, if it has one, is added by `seal`. */
export type ValuelessBody = EntryBody extends infer B
  ? B extends { readonly type: string }
    ? Omit<B, "value">
    : never
  : never;

/** One sealed entry, ready for the store. */
export interface SealedEntry {
  readonly seq: number;
  readonly type: string;
  readonly key?: string;
  readonly attempt?: number;
  readonly text: string;
  /** The value's blob, where it was too large for the entry. */
  readonly blob?: { readonly digest: string; readonly text: string };
}

/** A place between two entries of a journal. */
export interface ChainPosition {
  /** The seq of the entry after it. */
  readonly nextSeq: number;
  /** The digest of the entry before it. */
  readonly prev: string;
}

/** Before the first entry. */
export const JOURNAL_START: ChainPosition = Object.freeze({ nextSeq: 1, prev: GENESIS });

/** The end of a journal, and the only way to make it longer. */
export class JournalChain {
  readonly #hash: HashText;
  #nextSeq: number;
  #prev: string;

  /** @param position where the journal ends; left out, a new journal. */
  constructor(hash: HashText, position: ChainPosition = JOURNAL_START) {
    this.#hash = hash;
    this.#nextSeq = position.nextSeq;
    this.#prev = position.prev;
  }

  /** The seq the next entry will have. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** The digest of the last entry. */
  get prev(): string {
    return this.#prev;
  }

  /** Appends one entry to the chain. `value` is stored in the entry or, where it is large, in a blob beside it. */
  seal(body: ValuelessBody, stamp: { readonly fence: number; readonly at: number }, value?: Json): SealedEntry {
    const seq = this.#nextSeq;
    // The head by hand: as JSON.stringify would have it, without copying every body into a larger object.
    const head = `{"v":${ENTRY_VERSION},"seq":${seq},"prev":"${this.#prev}","fence":${stamp.fence},"at":${stamp.at},`;
    let text = head + JSON.stringify(body).slice(1);
    let blob: SealedEntry["blob"];
    if (value !== undefined) {
      const valueText = JSON.stringify(value);
      let record = `{"inline":${valueText}}`;
      if (valueText.length > INLINE_VALUE_LIMIT) {
        blob = { digest: `sha256:${this.#hash(valueText)}`, text: valueText };
        record = JSON.stringify({ blob: blob.digest, bytes: valueText.length } satisfies ValueRecord);
      }
      text = `${text.slice(0, -1)},"value":${record}}`;
    }
    const sealed: SealedEntry = {
      seq,
      type: body.type,
      ...("key" in body && body.key !== undefined ? { key: body.key } : {}),
      ...("attempt" in body ? { attempt: body.attempt } : {}),
      text,
      ...(blob === undefined ? {} : { blob }),
    };
    this.#nextSeq += 1;
    this.#prev = this.#hash(text);
    return sealed;
  }
}

/** Reads stored texts back, checking the chain from the first entry on. */
export class ChainReader {
  readonly #hash: HashText;
  #nextSeq: number;
  #prev: string;

  /** @param position after which the first text comes; left out, the journal's start. */
  constructor(hash: HashText, position: ChainPosition = JOURNAL_START) {
    this.#hash = hash;
    this.#nextSeq = position.nextSeq;
    this.#prev = position.prev;
  }

  /** Where the entries read so far end: what a JournalChain continues from. */
  get position(): ChainPosition {
    return { nextSeq: this.#nextSeq, prev: this.#prev };
  }

  /**
   * The entry of the next stored text.
   * @throws KernelError `journal_corrupt` or `journal_newer`, naming the seq.
   */
  read(text: string): JournalEntry {
    const seq = this.#nextSeq;
    const entry = parseEntry(text, seq);
    if (entry.v > ENTRY_VERSION) {
      throw new KernelError(
        "journal_newer",
        `entry ${seq} has format version ${entry.v}; this host reads up to ${ENTRY_VERSION}: use a newer swarm-host`,
        {
          seq,
          version: entry.v,
        },
      );
    }
    if (entry.seq !== seq) throw corrupt(seq, `it says it is entry ${entry.seq}`);
    if (entry.prev !== this.#prev) throw corrupt(seq, "the entry before it is not the one it was written after");
    this.#nextSeq = seq + 1;
    this.#prev = this.#hash(text);
    return entry;
  }
}

function parseEntry(text: string, seq: number): JournalEntry {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw corrupt(seq, `its text is not JSON (${(cause as Error).message})`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw corrupt(seq, "its text is not an object");
  const { v, type } = parsed as { v?: unknown; type?: unknown };
  if (typeof v !== "number" || typeof type !== "string") throw corrupt(seq, "it has no version or type");
  return parsed as JournalEntry;
}

function corrupt(seq: number, why: string): KernelError {
  return new KernelError("journal_corrupt", `journal entry ${seq} is not what this host wrote: ${why}`, { seq });
}
