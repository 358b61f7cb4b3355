/**
 * What the steps of a run have put out so far, read from its journal: the newest accepted answer of each agent.
 *
 * Owns: reading each journal once, and keeping up with it from there. Does not own: names, filters, files
 * (earlier-outputs.ts).
 *
 * O1  Only what is durable is seen: an answer that a crash could still lose is nobody's input.
 * O2  What is kept in memory is one small record an agent; texts stay in the store.
 * O3  An append that follows on what is known is taken as it is heard. The journal is read where one did not, or where its
 *     text stands elsewhere.
 */
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Append, Stores } from "../../stores/ports.ts";
import type { JournalEntry, ValueRecord } from "../kernel/index.ts";

/** Runs whose outputs are remembered; one more costs reading its journal again. */
const REMEMBERED = 500;
/** Rows read at once. */
const PAGE = 1_000;

/** One step's answer. */
export interface RunOutput {
  readonly agent: string;
  readonly key: string;
  /** The journal entry that holds it. */
  readonly seq: number;
  /** Whether it passed; a blocked answer is one too. */
  readonly ok: boolean;
  /** SHA-256 of its JSON text, in hex. */
  readonly sha256: string;
  /** Bytes of that text in UTF-8. */
  readonly sizeBytes: number;
}

interface Known {
  /** The first entry that is not taken yet. */
  nextSeq: number;
  /** One after the last that was heard of. */
  endSeq: number;
  /** Whether the journal was read to its end once. */
  wasRead: boolean;
  readonly latest: Map<string, RunOutput>;
  /** Resolves when the reading under way is over. */
  reading: Promise<void>;
}

/** The outputs of the runs of one store. */
export class RunOutputs {
  readonly #stores: Pick<Stores, "journals" | "blobs">;
  readonly #runs = new LRUCache<string, Known>({ max: REMEMBERED });

  /** @param listen called once, with what is to hear every append to the store that was accepted. */
  constructor(stores: Pick<Stores, "journals" | "blobs">, listen: (heard: (append: Append) => void) => void) {
    this.#stores = stores;
    listen((append) => this.#heard(append));
  }

  /** By agent, oldest first (O1). A run that is not here has none. */
  async latest(runId: string): Promise<readonly RunOutput[]> {
    let known = this.#runs.get(runId);
    if (known === undefined) {
      known = { nextSeq: 1, endSeq: 1, wasRead: false, latest: new Map(), reading: Promise.resolve() };
      this.#runs.set(runId, known);
    }
    if (!isLevel(known)) await this.#read(runId, known);
    return [...known.latest.values()].sort((a, b) => a.seq - b.seq);
  }

  /** An output's JSON text; undefined where the store no longer has it. */
  async text(runId: string, { seq }: RunOutput): Promise<string | undefined> {
    const [row] = await this.#stores.journals.read(runId, seq, 1);
    const value = row === undefined ? undefined : answerOf(row.text)?.value;
    return value === undefined ? undefined : this.#textOf(value);
  }

  #heard({ runId, rows }: Append): void {
    const known = this.#runs.peek(runId);
    const last = rows.at(-1);
    if (known === undefined || last === undefined) return;
    known.endSeq = Math.max(known.endSeq, last.seq + 1);
    for (const { seq, type, text } of rows) {
      if (seq !== known.nextSeq) continue;
      const answer = type === "step_completed" ? answerOf(text) : undefined;
      if (answer !== undefined) {
        if (!("inline" in answer.value)) return;
        take(known, outputOf(answer, seq, JSON.stringify(answer.value.inline)));
      }
      known.nextSeq = seq + 1;
    }
  }

  async #read(runId: string, known: Known): Promise<void> {
    // One reads at a time, for all who ask meanwhile; a failure is told to who asked for it, and the next one tries again.
    const reading = known.reading.then(() => (isLevel(known) ? undefined : this.#readOn(runId, known)));
    known.reading = reading.catch(() => {});
    await reading;
  }

  async #readOn(runId: string, known: Known): Promise<void> {
    for (;;) {
      const rows = await this.#stores.journals.read(runId, known.nextSeq, PAGE);
      for (const { seq, type, text } of rows) {
        const answer = type === "step_completed" ? answerOf(text) : undefined;
        const content = answer && (await this.#textOf(answer.value));
        // Heard meanwhile.
        if (seq !== known.nextSeq) continue;
        if (answer !== undefined && content !== undefined) take(known, outputOf(answer, seq, content));
        known.nextSeq = seq + 1;
      }
      if (rows.length < PAGE) break;
    }
    known.wasRead = true;
  }

  async #textOf(value: ValueRecord): Promise<string | undefined> {
    if ("inline" in value) return JSON.stringify(value.inline);
    return (await this.#stores.blobs.get([value.blob]))[0];
  }
}

/** Whether all that was heard of is known. */
function isLevel({ nextSeq, endSeq, wasRead }: Known): boolean {
  return wasRead && nextSeq >= endSeq;
}

function take({ latest }: Known, output: RunOutput): void {
  latest.set(output.agent, output);
}

function outputOf({ agent, key, ok }: Answer, seq: number, content: string): RunOutput {
  return { agent, key, seq, ok, sha256: hash("sha256", content), sizeBytes: Buffer.byteLength(content) };
}

interface Answer {
  readonly agent: string;
  readonly key: string;
  readonly ok: boolean;
  readonly value: ValueRecord;
}

/** The answer that an entry records, where it is one that the flow took. */
function answerOf(text: string): Answer | undefined {
  const entry = JSON.parse(text) as JournalEntry;
  if (entry.type !== "step_completed" || !entry.accepted || entry.value === undefined) return undefined;
  const { agent, key, outcome, value } = entry;
  return outcome === "pass" || outcome === "blocked" ? { agent, key, ok: outcome === "pass", value } : undefined;
}
