/**
 * Group commit: a list of requests as one transaction.
 *
 * Owns: the writing connection. Does not own: which requests make a group (writer-thread.ts).
 *
 * T1  A group is committed whole or not at all; where it is not, every request in it gets the reason.
 * T2  A request that is refused by itself (`run_exists`, `run_live`, `schedule_exists`, a refused Append) changes nothing, and the others
 *     go on.
 * T3  A connection on which a transaction failed is not used again: the next group opens a new one, so that writing works
 *     again as soon as the disk does.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { StoreError, type StoreErrorCode } from "../ports.ts";
import { type AppendEntries, appendEntries } from "./sql/append-entries.ts";
import { type ClaimRuns, claimRuns } from "./sql/claim-runs.ts";
import { closeRequests } from "./sql/close-requests.ts";
import { type CollectContents, collectContents } from "./sql/collect-contents.ts";
import { type CreateRuns, createRuns } from "./sql/create-runs.ts";
import { type HoldRun, holdRun } from "./sql/hold-run.ts";
import { type Leases, leases } from "./sql/leases.ts";
import { positions } from "./sql/positions.ts";
import { type PutDocument, putDocument } from "./sql/put-document.ts";
import { type RemoveRuns, removeRuns } from "./sql/remove-runs.ts";
import { type ChangeSchedules, changeSchedules } from "./sql/schedules.ts";
import { type PutSnapshot, putSnapshot } from "./sql/snapshots.ts";
import { type WriteRequests, writeRequests } from "./sql/write-requests.ts";
import { type WriteSeats, writeSeats } from "./sql/write-seats.ts";
import { storeError, toFailure } from "./store-failure.ts";
import type { WriteAnswer, WriteRequest } from "./write-request.ts";

/** An open connection with its statements. */
interface Connection {
  readonly db: DatabaseSync;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly appendEntries: AppendEntries;
  readonly createRuns: CreateRuns;
  readonly putDocument: PutDocument;
  readonly leases: Leases;
  readonly claimRuns: ClaimRuns;
  readonly putSnapshot: PutSnapshot;
  readonly removeRuns: RemoveRuns;
  readonly holdRun: HoldRun;
  readonly schedules: ChangeSchedules;
  readonly collect: CollectContents;
  readonly seats: WriteSeats;
  readonly requests: WriteRequests;
}

/** The only place that writes to the database. */
export class GroupCommit {
  readonly #path: string;
  readonly #open: () => DatabaseSync;
  #connection: Connection | undefined;

  /**
   * @param path The database's path, for messages.
   * @param open Opens a writing connection (T3).
   */
  constructor(path: string, open: () => DatabaseSync) {
    this.#path = path;
    this.#open = open;
  }

  /** Writes a group. The answers are in the order of the requests. Never throws. */
  commit(requests: readonly WriteRequest[]): readonly WriteAnswer[] {
    try {
      this.#connection ??= connect(this.#open());
      const connection = this.#connection;
      if (requests.length === 0) return [];
      connection.begin.run();
      const answers = requests.map((request) => write(connection, request));
      connection.commit.run();
      return answers;
    } catch (cause) {
      const failure = toFailure(storeError(cause, "write to", this.#path));
      this.close();
      return requests.map(() => failure);
    }
  }

  /** Closes the connection; an open transaction is rolled back. */
  close(): void {
    this.#connection?.db.close();
    this.#connection = undefined;
  }
}

function connect(db: DatabaseSync): Connection {
  try {
    const places = positions(db);
    const close = closeRequests(db);
    return {
      db,
      begin: db.prepare("BEGIN IMMEDIATE"),
      commit: db.prepare("COMMIT"),
      appendEntries: appendEntries(db, places, close),
      createRuns: createRuns(db),
      putDocument: putDocument(db),
      leases: leases(db),
      claimRuns: claimRuns(db),
      putSnapshot: putSnapshot(db),
      removeRuns: removeRuns(db, places),
      holdRun: holdRun(db),
      schedules: changeSchedules(db),
      collect: collectContents(db),
      seats: writeSeats(db),
      requests: writeRequests(db, close),
    };
  } catch (cause) {
    db.close();
    throw cause;
  }
}

function write(connection: Connection, request: WriteRequest): WriteAnswer {
  try {
    return writeOrThrow(connection, request) ?? "done";
  } catch (cause) {
    if (cause instanceof StoreError && REFUSALS.has(cause.code)) return toFailure(cause);
    throw cause;
  }
}

/** Thrown before anything was written (T2). */
const REFUSALS: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  "run_exists",
  "run_key_taken",
  "run_live",
  "run_held",
  "schedule_exists",
]);

/** Undefined where there is nothing to say but that it is done. */
function writeOrThrow(connection: Connection, request: WriteRequest): WriteAnswer | undefined {
  switch (request.kind) {
    case "append": {
      const results = request.batch.map(connection.appendEntries);
      return results.every((result) => result === "appended") ? undefined : results;
    }
    case "create":
      connection.createRuns(request.batch);
      return undefined;
    case "document":
      connection.putDocument(request.document, request.now);
      return undefined;
    case "renew":
      connection.leases.renew(request.hostId, request.until, request.now);
      return undefined;
    case "leave":
      connection.leases.end(request.hostId);
      return undefined;
    case "claim":
      return connection.claimRuns(request.order, request.now);
    case "snapshot":
      connection.putSnapshot(request.runId, request.snapshot);
      return undefined;
    case "remove":
      return connection.removeRuns(request.runIds);
    case "hold":
      return connection.holdRun(request.runId, request.held);
    case "join":
      return connection.seats.join(request.session);
    case "touch":
      connection.seats.touch(request.sessionIds, request.at);
      return undefined;
    case "part":
      return connection.seats.leave(request.sessionIds, request.at);
    case "acquire":
      return connection.seats.acquire(request.order);
    case "release":
      return connection.seats.release(request.order);
    case "open-requests":
      return request.batch.map(connection.requests.open);
    case "change-requests":
      return request.batch.map(connection.requests.change);
    case "create-schedule":
      connection.schedules.create(request.schedule);
      return undefined;
    case "replace-schedule":
      return connection.schedules.replace(request.schedule);
    case "remove-schedule":
      return connection.schedules.remove(request.name);
    case "collect-blobs":
      return connection.collect.blobs(request.limit);
    case "collect-documents":
      return connection.collect.documents(request.limit, request.newest);
  }
}
