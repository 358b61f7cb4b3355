/**
 * The ports over an opened database: reads happen on the caller's thread, writes are asked of the writer, and what takes
 * long has threads of its own.
 * Does not own: how the database was opened and is closed (opening.ts).
 */
import { assertContiguous } from "../append-shape.ts";
import { OpenState } from "../open-state.ts";
import { DOCUMENT_GRACE_MS, type Maintenance, type Stores } from "../ports.ts";
import type { Durability } from "./connection.ts";
import type { KnownRequests } from "./known-requests.ts";
import type { Reader } from "./reader.ts";
import { sqliteOperators } from "./sqlite-operators.ts";
import type { ResultOf, WriteRequest } from "./write-request.ts";

/** Stores in a SQLite file. */
export interface SqliteStores extends Stores {
  readonly maintenance: Maintenance;
}

/** What stores are composed of. */
export interface OpenedDatabase {
  readonly durability: Durability;
  readonly reader: Reader;
  /** What of it need not be read again. */
  readonly known: KnownRequests;
  /** Resolves when it is committed. Rejects with StoreError. */
  readonly write: <R extends WriteRequest>(request: R) => Promise<ResultOf<R>>;
  readonly maintenance: Maintenance;
  /** The store's clock. */
  readonly now: () => number;
  /** Called once. */
  readonly close: () => Promise<void>;
}

/** Makes the ports. */
export function composeStores(database: OpenedDatabase): SqliteStores {
  const { durability, reader, known, maintenance, now, close } = database;
  const write: OpenedDatabase["write"] = (request) => known.through(request, database.write);
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
      async tail(after, limit, options) {
        state.enter(options);
        return reader.tail(after, limit);
      },
      async end(options) {
        state.enter(options);
        return reader.end();
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
      async byIdempotencyKey(key, options) {
        state.enter(options);
        return reader.runByKey(key);
      },
      async list(query, options) {
        state.enter(options);
        return reader.runs(query);
      },
      async remove(runIds, options) {
        state.enter(options);
        return write({ kind: "remove", runIds });
      },
      async hold(runId, held, options) {
        state.enter(options);
        return write({ kind: "hold", runId, held });
      },
      async refusals(runIds, options) {
        state.enter(options);
        return reader.refusals(runIds);
      },
      async sizes(runIds, options) {
        state.enter(options);
        return reader.sizes(runIds);
      },
    },
    ownership: {
      async renew({ hostId, leaseMs }, options) {
        state.enter(options);
        const at = now();
        await write({ kind: "renew", hostId, until: at + leaseMs, now: at });
      },
      async leave(hostId, options) {
        state.enter(options);
        await write({ kind: "leave", hostId });
      },
      async claim(order, options) {
        state.enter(options);
        return write({ kind: "claim", order, now: now() });
      },
      async nextWake(options) {
        state.enter(options);
        return reader.nextWake();
      },
    },
    snapshots: {
      async put(runId, snapshot, options) {
        state.enter(options);
        await write({ kind: "snapshot", runId, snapshot });
      },
      async get(runId, options) {
        state.enter(options);
        return reader.snapshot(runId);
      },
    },
    operators: sqliteOperators(state, reader, known, write),
    schedules: {
      async create(schedule, options) {
        state.enter(options);
        await write({ kind: "create-schedule", schedule });
      },
      async get(name, options) {
        state.enter(options);
        return reader.schedules((schedules) => schedules.get(name));
      },
      async list({ limit, after }, options) {
        state.enter(options);
        return reader.schedules((schedules) => schedules.list(limit, after));
      },
      async upcoming(limit, options) {
        state.enter(options);
        return reader.schedules((schedules) => schedules.upcoming(limit));
      },
      async replace(schedule, options) {
        state.enter(options);
        return write({ kind: "replace-schedule", schedule });
      },
      async remove(name, options) {
        state.enter(options);
        return write({ kind: "remove-schedule", name });
      },
    },
    children: {
      async answered(query, options) {
        state.enter(options);
        return reader.children((children) => children.answered(query));
      },
      async orphaned(query, options) {
        state.enter(options);
        return reader.children((children) => children.orphaned(query));
      },
    },
    documents: {
      async put(document, options) {
        state.enter(options);
        await write({ kind: "document", document, now: now() });
      },
      async get(version, options) {
        state.enter(options);
        return reader.document(version);
      },
      async newest(blueprintId, options) {
        state.enter(options);
        return reader.newest(blueprintId);
      },
      async collect({ limit }, options) {
        state.enter(options);
        return write({ kind: "collect-documents", limit, newest: now() - DOCUMENT_GRACE_MS });
      },
    },
    blobs: {
      async get(digests, options) {
        state.enter(options);
        return reader.blobs(digests);
      },
      async collect({ limit }, options) {
        state.enter(options);
        return write({ kind: "collect-blobs", limit });
      },
    },
    maintenance: {
      async backup(file, options) {
        state.enter(options);
        await maintenance.backup(file);
      },
      async usage(options) {
        state.enter(options);
        return maintenance.usage();
      },
      async integrityCheck(options) {
        state.enter(options);
        return maintenance.integrityCheck();
      },
    },
    async [Symbol.asyncDispose]() {
      if (state.close()) closed = close();
      await closed;
    },
  };
}
