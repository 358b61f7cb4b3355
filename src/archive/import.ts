/**
 * Importing a run's archive.
 *
 * Owns: the order of it, and what a run is that had not ended. Does not own: what an archive proves (read.ts).
 *
 * I1  An archive is read twice: it is proved before anything is written, and must be the same when it is written.
 * I2  A run that had not ended is imported paused, and its journal says so: it may be going on where it came from, so
 *     nothing of it is executed before somebody resumes it.
 * I3  Until it is whole, an imported run is `dead_letter`: no host takes it up. Importing it again begins anew.
 */
import { hash } from "node:crypto";
import {
  type Blob,
  type JournalRow,
  type RunPatch,
  type RunRecord,
  StoreError,
  type Stores,
} from "../../stores/ports.ts";
import { type ChainPosition, JournalChain } from "../kernel/index.ts";
import { ArchiveError } from "./errors.ts";
import { ARCHIVE_LIMITS, type ArchiveLimits, type RunFacts } from "./format.ts";
import { type ReadOptions, readArchive } from "./read.ts";

/** Rows appended at once, or as many as hold so many characters. */
const PAGE = 500;
const PAGE_CHARACTERS = 4 * 1024 * 1024;

/** What a run says that is not whole yet (I3). */
const UNFINISHED = "its import did not finish: import the archive again, or remove the run";

/** What importing needs. */
export interface ImportPorts {
  readonly stores: Pick<Stores, "runs" | "journals" | "documents">;
  readonly versionOf: ReadOptions["versionOf"];
  readonly now: () => number;
  /** Default ARCHIVE_LIMITS. */
  readonly limits?: ArchiveLimits;
}

/**
 * Imports the run of an archive and gives its row.
 * @param open Opens the archive at its beginning; called twice.
 * @throws ArchiveError, KernelError `journal_newer`, or StoreError `run_exists` or `run_key_taken`; nothing was changed then.
 */
export async function importRun(open: () => AsyncIterable<Uint8Array>, ports: ImportPorts): Promise<RunRecord> {
  const { limits = ARCHIVE_LIMITS, versionOf, stores, now } = ports;
  const { facts, digest, position } = await proved(open(), { limits, versionOf });
  await removeUnfinished(stores, facts.run_id);
  const paused = hasEnded(facts) ? undefined : pausedEntry(facts, position, now());
  let pages: Pages | undefined;
  try {
    for await (const part of readArchive(open(), { limits, versionOf })) {
      if (part.kind === "run") {
        const { id: blueprintId, version } = facts.blueprint;
        await stores.documents.put({ version, blueprintId, text: part.document });
        await stores.runs.create([stagedRecord(facts)]);
        pages = new Pages(stores, facts);
      } else if (part.kind === "row") await pages?.add(part.row, part.blob);
      else {
        if (part.digest !== digest) throw changed();
        if (paused !== undefined) await pages?.add(paused.row);
        await pages?.finish(finalPatch(facts, paused !== undefined), paused?.at ?? facts.updated_at);
      }
    }
  } catch (error) {
    // Without pages there was no run of ours yet: the one of this id, if any, is somebody else's.
    if (pages !== undefined) await removeUnfinished(stores, facts.run_id);
    throw error;
  }
  const record = await stores.runs.get(facts.run_id);
  if (record === undefined) throw changed();
  return record;
}

/** Reads the archive to its end (Z1). */
async function proved(
  source: AsyncIterable<Uint8Array>,
  options: ReadOptions,
): Promise<{ readonly facts: RunFacts; readonly digest: string; readonly position: ChainPosition }> {
  let facts: RunFacts | undefined;
  let end: { readonly digest: string; readonly position: ChainPosition } | undefined;
  for await (const part of readArchive(source, options)) {
    if (part.kind === "run") facts = part.facts;
    else if (part.kind === "end") end = part;
  }
  if (facts === undefined || end === undefined) throw changed();
  return { facts, ...end };
}

/** Gathers rows and appends them a page at a time. */
class Pages {
  readonly #stores: Pick<Stores, "journals">;
  readonly #run: { readonly runId: string; readonly fence: number };
  #expectedSeq = 1;
  #rows: JournalRow[] = [];
  #blobs: Blob[] = [];
  #characters = 0;

  constructor(stores: Pick<Stores, "journals">, facts: RunFacts) {
    this.#stores = stores;
    this.#run = { runId: facts.run_id, fence: stagedFence(facts) };
  }

  async add(row: JournalRow, blob?: Blob): Promise<void> {
    if (this.#rows.length >= PAGE || this.#characters >= PAGE_CHARACTERS) await this.#flush(0);
    this.#rows.push(row);
    this.#characters += row.text.length + (blob?.text.length ?? 0);
    if (blob !== undefined) this.#blobs.push(blob);
  }

  /** Appends what is left and makes the run whole, in one transaction. */
  finish(patch: RunPatch, at: number): Promise<void> {
    return this.#flush(at, patch);
  }

  async #flush(at: number, patch?: RunPatch): Promise<void> {
    const append = {
      ...this.#run,
      expectedSeq: this.#expectedSeq,
      rows: this.#rows,
      blobs: this.#blobs,
      at,
      ...(patch === undefined ? {} : { patch }),
    };
    this.#expectedSeq += this.#rows.length;
    this.#rows = [];
    this.#blobs = [];
    this.#characters = 0;
    const [result] = await this.#stores.journals.append([append]);
    if (result !== "appended")
      throw new StoreError("store_io", `run ${this.#run.runId} was changed while it was imported (${result})`);
  }
}

/** The row of a run that is not whole yet (I3). */
function stagedRecord(facts: RunFacts): RunRecord {
  const { blueprint, parent_run_id: parentRunId, forked_from: forkedFrom, idempotency_key: idempotencyKey } = facts;
  return {
    runId: facts.run_id,
    status: "dead_letter",
    blueprintId: blueprint.id,
    blueprintVersion: blueprint.version,
    fence: stagedFence(facts),
    nextSeq: 1,
    createdAt: facts.created_at,
    updatedAt: facts.updated_at,
    error: UNFINISHED,
    recoveryAttempts: facts.recovery_attempts,
    ...(parentRunId === undefined ? {} : { parentRunId }),
    ...(forkedFrom === undefined ? {} : { forkedFrom }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

/** A paused run's journal goes on under a fence of its own. */
function stagedFence(facts: RunFacts): number {
  return hasEnded(facts) ? facts.fence : facts.fence + 1;
}

function finalPatch({ status, error }: RunFacts, paused: boolean): RunPatch {
  return { status: paused ? "paused" : status, error: error ?? null };
}

/** The entry that says that an imported run is paused (I2). */
function pausedEntry(
  facts: RunFacts,
  position: ChainPosition,
  now: number,
): { readonly row: JournalRow; readonly at: number } {
  const chain = new JournalChain((text) => hash("sha256", text), position);
  const reason = `imported from an archive of a run that was ${facts.status}`;
  const row = chain.seal({ type: "run_suspended", code: "paused", reason }, { fence: stagedFence(facts), at: now });
  return { row, at: now };
}

function hasEnded({ status }: RunFacts): boolean {
  return status === "done" || status === "failed" || status === "cancelled" || status === "dead_letter";
}

/** Removes what an import left that did not finish; any other run of that id is left alone. */
async function removeUnfinished({ runs }: Pick<Stores, "runs">, runId: string): Promise<void> {
  const record = await runs.get(runId);
  if (record?.status === "dead_letter" && record.error === UNFINISHED) await runs.remove([runId]);
}

function changed(): ArchiveError {
  return new ArchiveError("archive_damaged", "the archive was changed while it was imported: import it again");
}
