/**
 * Group commit: a list of requests as one transaction.
 *
 * Owns: the writing connection. Does not own: which requests make a group (writer-thread.ts).
 *
 * T1  A group is committed whole or not at all; where it is not, every request in it gets the reason.
 * T2  A request that is refused by itself (`run_exists`, a refused Append) changes nothing, and the others go on.
 * T3  A connection on which a transaction failed is not used again: the next group opens a new one, so that writing works
 *     again as soon as the disk does.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { StoreError } from "../ports.ts";
import { type AppendEntries, appendEntries } from "./sql/append-entries.ts";
import { type CreateRuns, createRuns } from "./sql/create-runs.ts";
import { type PutDocument, putDocument } from "./sql/put-document.ts";
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
    return {
      db,
      begin: db.prepare("BEGIN IMMEDIATE"),
      commit: db.prepare("COMMIT"),
      appendEntries: appendEntries(db),
      createRuns: createRuns(db),
      putDocument: putDocument(db),
    };
  } catch (cause) {
    db.close();
    throw cause;
  }
}

function write(connection: Connection, request: WriteRequest): WriteAnswer {
  switch (request.kind) {
    case "append": {
      const results = request.batch.map(connection.appendEntries);
      return results.every((result) => result === "appended") ? "done" : results;
    }
    case "create":
      try {
        connection.createRuns(request.batch);
        return "done";
      } catch (cause) {
        if (cause instanceof StoreError) return toFailure(cause);
        throw cause;
      }
    case "document":
      connection.putDocument(request.document);
      return "done";
  }
}
