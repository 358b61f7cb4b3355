/**
 * What crosses between the main thread and the writer thread.
 *
 * Requests go as cells: strings, numbers and absences in one flat array for all requests of a message. Measured between
 * two threads it costs a third of cloning the objects, and an eighth of JSON. Rare requests are one cell each.
 *
 * Q1  Answers come in the order of the requests, one each.
 */
import type { Blob, RunStatus } from "../ports.ts";
import type { RareRequest, WriteAnswer, WriteRequest, WrittenAppend, WrittenRow, WrittenRun } from "./write-request.ts";

/** One value of a message. */
export type Cell = string | number | null | undefined | RareRequest;

/** To the thread: requests, or the word to close the database and end. */
export type WriterMessage = readonly Cell[] | "close";

/** From the thread: the answers to as many requests (Q1). */
export type WriterReply = readonly WriteAnswer[];

/** Adds a request's cells to a message. */
export function encodeRequest(request: WriteRequest, cells: Cell[]): void {
  switch (request.kind) {
    case "append":
      cells.push("append", request.batch.length);
      for (const append of request.batch) encodeAppend(append, cells);
      return;
    case "create":
      cells.push("create", request.batch.length);
      for (const run of request.batch) encodeRun(run, cells);
      return;
    case "document": {
      const { version, blueprintId, text, newest } = request.document;
      cells.push("document", version, blueprintId, text, newest === true ? 1 : 0, request.now);
      return;
    }
    default:
      cells.push("rare", request);
  }
}

function encodeAppend({ runId, fence, expectedSeq, at, patch, rows, blobs = [] }: WrittenAppend, cells: Cell[]): void {
  cells.push(runId, fence, expectedSeq, at, patch === undefined ? 0 : 1);
  if (patch !== undefined) cells.push(patch.status, patch.error, patch.recoveryAttempts, patch.wakeAt);
  cells.push(rows.length);
  for (const { seq, type, key, attempt, text } of rows) cells.push(seq, type, key, attempt, text);
  cells.push(blobs.length);
  for (const { digest, text } of blobs) cells.push(digest, text);
}

function encodeRun(run: WrittenRun, cells: Cell[]): void {
  const {
    runId,
    status,
    blueprintId,
    blueprintVersion,
    fence,
    owner,
    nextSeq,
    createdAt,
    updatedAt,
    error,
    parentRunId,
    forkedFrom,
    recoveryAttempts,
    wakeAt,
    idempotencyKey,
    held,
    parentStep,
  } = run;
  cells.push(
    runId,
    status,
    blueprintId,
    blueprintVersion,
    fence,
    owner,
    nextSeq,
    createdAt,
    updatedAt,
    error,
    parentRunId,
    forkedFrom,
    recoveryAttempts,
    wakeAt,
    idempotencyKey,
    held === true ? 1 : 0,
    parentStep?.key,
    parentStep?.attempt,
  );
}

/** The requests of a message. Trusts that `encodeRequest` of this very version made it. */
export function decodeRequests(cells: readonly Cell[]): readonly WriteRequest[] {
  const requests: WriteRequest[] = [];
  const reader = new CellReader(cells);
  while (reader.more) {
    requests.push(decodeRequest(reader));
  }
  return requests;
}

function decodeRequest(reader: CellReader): WriteRequest {
  const kind = reader.text();
  switch (kind) {
    case "append":
      return { kind, batch: reader.list(decodeAppend) };
    case "create":
      return { kind, batch: reader.list(decodeRun) };
    case "document":
      return {
        kind,
        document: {
          version: reader.text(),
          blueprintId: reader.text(),
          text: reader.text(),
          newest: reader.number() === 1,
        },
        now: reader.number(),
      };
    default:
      return reader.request();
  }
}

/** Takes cells one after the other. */
class CellReader {
  readonly #cells: readonly Cell[];
  #at = 0;

  constructor(cells: readonly Cell[]) {
    this.#cells = cells;
  }

  get more(): boolean {
    return this.#at < this.#cells.length;
  }

  text(): string {
    return this.#cells[this.#at++] as string;
  }

  number(): number {
    return this.#cells[this.#at++] as number;
  }

  request(): RareRequest {
    return this.#cells[this.#at++] as RareRequest;
  }

  optionalText(): string | undefined {
    return this.#cells[this.#at++] as string | undefined;
  }

  optionalNumber(): number | undefined {
    return this.#cells[this.#at++] as number | undefined;
  }

  /** As `change`, of a text. */
  textChange(): string | null | undefined {
    return this.#cells[this.#at++] as string | null | undefined;
  }

  /** A number, its absence, or the word to take it away. */
  change(): number | null | undefined {
    return this.#cells[this.#at++] as number | null | undefined;
  }

  /** A count, and as many of what `decode` takes. */
  list<T>(decode: (reader: CellReader) => T): T[] {
    const list: T[] = [];
    for (let left = this.number(); left > 0; left -= 1) list.push(decode(this));
    return list;
  }
}

// Fields are decoded in the order they are written here, which is the order they were encoded in.

function decodeAppend(reader: CellReader): WrittenAppend {
  return {
    runId: reader.text(),
    fence: reader.number(),
    expectedSeq: reader.number(),
    at: reader.number(),
    patch: reader.number() === 0 ? undefined : decodePatch(reader),
    rows: reader.list(decodeRow),
    blobs: reader.list(decodeBlob),
  };
}

function decodePatch(reader: CellReader): WrittenAppend["patch"] {
  return {
    status: reader.optionalText() as RunStatus | undefined,
    error: reader.textChange(),
    recoveryAttempts: reader.optionalNumber(),
    wakeAt: reader.change(),
  };
}

function decodeRow(reader: CellReader): WrittenRow {
  return {
    seq: reader.number(),
    type: reader.text(),
    key: reader.optionalText(),
    attempt: reader.optionalNumber(),
    text: reader.text(),
  };
}

function decodeBlob(reader: CellReader): Blob {
  return { digest: reader.text(), text: reader.text() };
}

function decodeRun(reader: CellReader): WrittenRun {
  return {
    runId: reader.text(),
    status: reader.text() as RunStatus,
    blueprintId: reader.text(),
    blueprintVersion: reader.text(),
    fence: reader.number(),
    owner: reader.optionalText(),
    nextSeq: reader.number(),
    createdAt: reader.number(),
    updatedAt: reader.number(),
    error: reader.optionalText(),
    parentRunId: reader.optionalText(),
    forkedFrom: reader.optionalText(),
    recoveryAttempts: reader.number(),
    wakeAt: reader.optionalNumber(),
    idempotencyKey: reader.optionalText(),
    held: reader.number() === 1 ? true : undefined,
    parentStep: decodeParentStep(reader),
  };
}

function decodeParentStep(reader: CellReader): WrittenRun["parentStep"] {
  const key = reader.optionalText();
  const attempt = reader.optionalNumber();
  return key === undefined || attempt === undefined ? undefined : { key, attempt };
}
