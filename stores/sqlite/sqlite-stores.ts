/**
 * The ports over an opened database: reads happen on the caller's thread, writes are asked of the writer.
 * Does not own: how the database was opened and is closed (opening.ts).
 */
import { assertContiguous } from "../append-shape.ts";
import { OpenState } from "../open-state.ts";
import type { AppendResult, Stores } from "../ports.ts";
import type { Durability } from "./connection.ts";
import type { Reader } from "./reader.ts";
import type { WriteRequest } from "./write-request.ts";

/** Stores in a SQLite file. */
export interface SqliteStores extends Stores {
  /** Reads the whole store and tells what is damaged, a line each; empty where it is sound. Takes its time. */
  integrityCheck(): Promise<readonly string[]>;
}

/** What stores are composed of. */
export interface OpenedDatabase {
  readonly durability: Durability;
  readonly reader: Reader;
  /** Resolves when it is committed: with the results of an append. Rejects with StoreError. */
  readonly write: (request: WriteRequest) => Promise<readonly AppendResult[]>;
  /** Called once. */
  readonly close: () => Promise<void>;
}

/** Makes the ports. */
export function composeStores({ durability, reader, write, close }: OpenedDatabase): SqliteStores {
  const state = new OpenState("sqlite");
  let closed: Promise<void> | undefined;
  return {
    name: "sqlite",
    durability,
    journals: {
      async append(batch, options) {
        state.enter(options);
        assertContiguous(batch);
        return batch.length === 0 ? [] : write({ kind: "append", batch });
      },
      async read(runId, fromSeq, limit, options) {
        state.enter(options);
        return reader.entries(runId, fromSeq, limit);
      },
    },
    runs: {
      async create(batch, options) {
        state.enter(options);
        await write({ kind: "create", batch });
      },
      async get(runId, options) {
        state.enter(options);
        return reader.run(runId);
      },
      async list(query, options) {
        state.enter(options);
        return reader.runs(query);
      },
    },
    documents: {
      async put(document, options) {
        state.enter(options);
        await write({ kind: "document", document });
      },
      async get(version, options) {
        state.enter(options);
        return reader.document(version);
      },
    },
    blobs: {
      async get(digests, options) {
        state.enter(options);
        return reader.blobs(digests);
      },
    },
    async integrityCheck() {
      state.enter();
      return reader.damage();
    },
    async [Symbol.asyncDispose]() {
      if (state.close()) closed = close();
      await closed;
    },
  };
}
