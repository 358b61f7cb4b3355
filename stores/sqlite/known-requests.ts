/**
 * Open requests and seats that need not be read again: this process is the only writer of its directory, so what it has
 * read or written stands until it writes again.
 *
 * Owns: what is remembered, and for how long. Does not own: reading and writing.
 *
 * Q1  What a write changes is changed or forgotten here when it is known to be committed, and before whoever asked for it
 *     is told; what a write that failed would have changed is forgotten.
 * Q2  A request that is read while a change to it is under way is not remembered: it may be from before or after that change.
 * Q3  Closed requests are not remembered, nor texts beyond a bound, what was written longest ago first: forgetting costs a
 *     read.
 */
import { LRUCache } from "lru-cache";
import type { Material, RequestChange, RequestRecord, RequestStanding, SeatRecord } from "../ports.ts";
import { changedRequest } from "../request-rules.ts";
import { ENDED } from "../run-status.ts";
import type { ResultOf, WriteRequest, WriteResults, WrittenAppend } from "./write-request.ts";

/** Most requests, and most characters of all of them together. */
const MAX_REQUESTS = 10_000;
const MAX_CHARACTERS: number = 8 * 1024 * 1024;
/** Roughly what a request holds beside its texts, in characters. */
const RECORD_CHARACTERS = 500;
/** Most runs whose seats are remembered. */
const MAX_SEATED_RUNS = 2_000;

/** What is remembered of one database. */
export class KnownRequests {
  readonly #requests = new LRUCache<string, RequestRecord>({
    max: MAX_REQUESTS,
    maxSize: MAX_CHARACTERS,
    sizeCalculation: charactersOf,
    noDisposeOnSet: true,
    dispose: (request) => this.#unlist(request),
  });
  /** Ids by run and attempt: what an append closes is found by them. */
  readonly #ofRuns = new Map<string, Map<string, Set<string>>>();
  readonly #seats = new LRUCache<string, readonly SeatRecord[]>({ max: MAX_SEATED_RUNS });
  /** Changes under way to a request, by its id (Q2). */
  readonly #underWay = new Map<string, number>();
  readonly #isSoleWriter: boolean;

  /** @param isSoleWriter whether nobody else writes to the database; else nothing is remembered. */
  constructor(isSoleWriter: boolean) {
    this.#isSoleWriter = isSoleWriter;
  }

  /** Has a write carried out and keeps in step with it (Q1). */
  async through<R extends WriteRequest>(request: R, write: (request: R) => Promise<ResultOf<R>>): Promise<ResultOf<R>> {
    const changes = request.kind === "change-requests" ? request.batch : [];
    for (const { requestId } of changes) this.#underWay.set(requestId, (this.#underWay.get(requestId) ?? 0) + 1);
    try {
      const result = await write(request);
      this.#written(request, result);
      return result;
    } catch (error) {
      this.#forget(request);
      throw error;
    } finally {
      for (const { requestId } of changes) this.#settled(requestId);
    }
  }

  /** A request, from memory or else read. */
  request(requestId: string, read: () => RequestRecord | undefined): RequestRecord | undefined {
    return this.#requests.peek(requestId) ?? this.#remember(read());
  }

  /** Requests as they were read. */
  requests(records: readonly RequestRecord[]): readonly RequestRecord[] {
    for (const record of records) if (!this.#requests.has(record.requestId)) this.#remember(record);
    return records;
  }

  /** How a request stands; undefined: that must be read. */
  standing(requestId: string, readSeats: (runId: string) => readonly SeatRecord[]): RequestStanding | undefined {
    const known = this.#requests.peek(requestId);
    if (known === undefined) return undefined;
    const { runId, seat, state, fence, submission } = known;
    const held = this.seats(runId, () => readSeats(runId)).find((one) => one.seat === seat);
    return { state, fence, digest: submission?.digest, seatGeneration: held?.generation };
  }

  /** What is staged for a request, from memory where that is nothing, or else read. */
  material(requestId: string, read: () => readonly Material[]): readonly Material[] {
    const known = this.#requests.peek(requestId);
    return known !== undefined && known.staged === undefined ? [] : read();
  }

  /** The seats of a run, from memory or else read. */
  seats(runId: string, read: () => readonly SeatRecord[]): readonly SeatRecord[] {
    const known = this.#seats.get(runId);
    if (known !== undefined) return known;
    const seats = read();
    if (this.#isSoleWriter) this.#seats.set(runId, seats);
    return seats;
  }

  #remember(record: RequestRecord | undefined): RequestRecord | undefined {
    if (record !== undefined && this.#isSoleWriter && !this.#underWay.has(record.requestId)) this.#set(record);
    return record;
  }

  #set(request: RequestRecord): void {
    const { requestId, runId, state } = request;
    if (state === "closed" || charactersOf(request) > MAX_CHARACTERS) {
      this.#requests.delete(requestId);
      return;
    }
    if (!this.#requests.has(requestId)) {
      const attempts = this.#ofRuns.get(runId) ?? new Map<string, Set<string>>();
      const attempt = attemptOf(request);
      this.#ofRuns.set(runId, attempts.set(attempt, (attempts.get(attempt) ?? new Set()).add(requestId)));
    }
    this.#requests.set(requestId, request);
  }

  #unlist(request: RequestRecord): void {
    const { requestId, runId } = request;
    const attempts = this.#ofRuns.get(runId);
    const attempt = attemptOf(request);
    const ids = attempts?.get(attempt);
    ids?.delete(requestId);
    if (ids?.size === 0) attempts?.delete(attempt);
    if (attempts?.size === 0) this.#ofRuns.delete(runId);
  }

  #written(request: WriteRequest, result: ResultOf<WriteRequest>): void {
    switch (request.kind) {
      case "open-requests":
        for (const record of result as WriteResults["open-requests"]) {
          if (record !== undefined && !this.#requests.has(record.requestId)) this.#set(record);
        }
        return;
      case "change-requests": {
        const results = result as WriteResults["change-requests"];
        for (const [index, change] of request.batch.entries()) if (results[index] === "done") this.#changed(change);
        return;
      }
      default:
        // What an append that was refused would have closed may be forgotten too.
        this.#forget(request);
    }
  }

  #changed(change: RequestChange): void {
    const known = this.#requests.peek(change.requestId);
    if (known !== undefined) this.#set(changedRequest(known, change));
  }

  /** What a write may have changed. */
  #forget(request: WriteRequest): void {
    switch (request.kind) {
      case "append":
        for (const append of request.batch) this.#forgetClosed(append);
        return;
      case "open-requests":
      case "change-requests":
        for (const { requestId } of request.batch) this.#requests.delete(requestId);
        return;
      case "remove":
        // They have ended: their requests were closed then.
        for (const runId of request.runIds) this.#seats.delete(runId);
        return;
      case "acquire":
      case "release":
        this.#seats.delete(request.order.runId);
        return;
      case "part":
        this.#seats.clear();
        return;
      default:
        return;
    }
  }

  #forgetClosed({ runId, rows, patch }: WrittenAppend): void {
    const attempts = this.#ofRuns.get(runId);
    if (attempts === undefined) return;
    if (patch?.status !== undefined && ENDED.has(patch.status)) {
      this.#forgetRun(runId);
      return;
    }
    for (const { type, key = "", attempt = 0 } of rows) {
      if (type !== "step_completed") continue;
      for (const requestId of [...(attempts.get(attemptOf({ key, attempt })) ?? [])]) this.#requests.delete(requestId);
    }
  }

  #forgetRun(runId: string): void {
    for (const ids of [...(this.#ofRuns.get(runId)?.values() ?? [])]) {
      for (const requestId of [...ids]) this.#requests.delete(requestId);
    }
  }

  #settled(requestId: string): void {
    const left = (this.#underWay.get(requestId) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(requestId);
    else this.#underWay.set(requestId, left);
  }
}

function attemptOf({ key, attempt }: { readonly key: string; readonly attempt: number }): string {
  return `${key}/${attempt}`;
}

function charactersOf({ body, terms = "", submission }: RequestRecord): number {
  return body.length + terms.length + (submission?.value?.length ?? 0) + RECORD_CHARACTERS;
}
