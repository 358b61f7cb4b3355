/**
 * The backend of tests and `--ephemeral`: the ports over plain Maps, gone with the process. Each call does its work
 * before it returns, so calls take effect in the order they are made.
 */
import { assertContiguous } from "../append-shape.ts";
import { OpenState } from "../open-state.ts";
import {
  type Append,
  type AppendResult,
  type Blob,
  DOCUMENT_GRACE_MS,
  type PinnedDocument,
  type Stores,
} from "../ports.ts";
import { refusalOf, withDescendants } from "../removal.ts";
import { ChildLinks } from "./child-links.ts";
import { ContentsShelf } from "./contents-shelf.ts";
import { JournalLog } from "./journal-log.ts";
import { Leases } from "./leases.ts";
import { memoryOperators } from "./memory-operators.ts";
import { RequestShelf } from "./request-shelf.ts";
import { RunShelf } from "./run-shelf.ts";
import { ScheduleShelf } from "./schedule-shelf.ts";
import { SeatShelf } from "./seat-shelf.ts";

/** How a memory store is opened. */
export interface MemoryOptions {
  /** The store's clock, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** Opens an empty store of its own. */
export function openMemoryStores({ now = Date.now }: MemoryOptions = {}): Stores {
  const state = new OpenState("memory");
  const shelf = new RunShelf();
  const log = new JournalLog();
  const leases = new Leases(shelf, now);
  const documents = new ContentsShelf<PinnedDocument>();
  const blobs = new ContentsShelf<Blob>();
  const seats = new SeatShelf(shelf);
  const requests = new RequestShelf(shelf, seats);
  const schedules = new ScheduleShelf();
  const newest = new Map<string, string>();
  const links = new ChildLinks(shelf);

  const append = (one: Append): AppendResult => {
    const result = shelf.append(one);
    if (result !== "appended") return result;
    log.append(one.runId, one.rows);
    requests.appended(one);
    for (const blob of one.blobs ?? []) {
      blobs.put(blob.digest, blob, now());
      blobs.use(blob.digest, one.runId);
    }
    return result;
  };

  return {
    name: "memory",
    durability: "none",
    journals: {
      async append(batch, options) {
        state.enter(options);
        assertContiguous(batch);
        return batch.map(append);
      },
      async read(runId, fromSeq, limit, options) {
        state.enter(options);
        return shelf.read(runId, fromSeq, limit);
      },
      async tail(after, limit, options) {
        state.enter(options);
        return log.tail(after, limit);
      },
      async end(options) {
        state.enter(options);
        return log.end;
      },
    },
    runs: {
      async create(batch, options) {
        state.enter(options);
        shelf.create(batch);
        for (const { runId, blueprintVersion } of batch) documents.use(blueprintVersion, runId);
      },
      async get(runId, options) {
        state.enter(options);
        return shelf.get(runId);
      },
      async byIdempotencyKey(key, options) {
        state.enter(options);
        return shelf.byIdempotencyKey(key);
      },
      async list(query, options) {
        state.enter(options);
        return shelf.list(query);
      },
      async remove(runIds, options) {
        state.enter(options);
        const removed = new Set(shelf.remove(runIds).map(({ runId }) => runId));
        log.remove(removed);
        seats.removeRuns(removed);
        requests.removeRuns(removed);
        for (const runId of removed) {
          documents.release(runId);
          blobs.release(runId);
        }
        return removed.size;
      },
      async hold(runId, held, options) {
        state.enter(options);
        return shelf.hold(runId, held);
      },
      async refusals(runIds, options) {
        state.enter(options);
        return runIds.map((runId) => refusalOf(runId, shelf.relations));
      },
      async sizes(runIds, options) {
        state.enter(options);
        return runIds.map((runId) => {
          const runs = withDescendants([runId], shelf.relations);
          const bytes = runs.reduce((sum, run) => sum + shelf.size(run.runId) + blobs.sizeOf(run.runId), 0);
          return { runs: runs.length, bytes };
        });
      },
    },
    ownership: {
      async renew({ hostId, leaseMs }, options) {
        state.enter(options);
        leases.renew(hostId, leaseMs);
      },
      async leave(hostId, options) {
        state.enter(options);
        leases.leave(hostId);
      },
      async claim(order, options) {
        state.enter(options);
        return leases.claim(order);
      },
      async nextWake(options) {
        state.enter(options);
        return leases.nextWake();
      },
    },
    snapshots: {
      async put(runId, snapshot, options) {
        state.enter(options);
        shelf.putSnapshot(runId, snapshot);
      },
      async get(runId, options) {
        state.enter(options);
        return shelf.snapshot(runId);
      },
    },
    operators: memoryOperators(state, seats, requests),
    schedules: {
      async create(schedule, options) {
        state.enter(options);
        schedules.create(schedule);
        documents.use(schedule.blueprintVersion, userName(schedule.name));
      },
      async get(name, options) {
        state.enter(options);
        return schedules.get(name);
      },
      async list({ limit, after }, options) {
        state.enter(options);
        return schedules.list(limit, after);
      },
      async upcoming(limit, options) {
        state.enter(options);
        return schedules.upcoming(limit);
      },
      async replace(schedule, options) {
        state.enter(options);
        return schedules.replace(schedule);
      },
      async remove(name, options) {
        state.enter(options);
        documents.release(userName(name));
        return schedules.remove(name);
      },
    },
    children: {
      async answered(query, options) {
        state.enter(options);
        return links.answered(query);
      },
      async orphaned(query, options) {
        state.enter(options);
        return links.orphaned(query);
      },
    },
    documents: {
      async put({ newest: isNewest = false, ...document }, options) {
        state.enter(options);
        documents.put(document.version, document, now());
        if (isNewest) newest.set(document.blueprintId, document.version);
      },
      async get(version, options) {
        state.enter(options);
        return documents.get(version);
      },
      async newest(blueprintId, options) {
        state.enter(options);
        return newest.get(blueprintId);
      },
      async collect({ limit }, options) {
        state.enter(options);
        return documents.collect(limit, now() - DOCUMENT_GRACE_MS, new Set(newest.values()));
      },
    },
    blobs: {
      async get(digests, options) {
        state.enter(options);
        return digests.map((digest) => blobs.get(digest)?.text);
      },
      async collect({ limit }, options) {
        state.enter(options);
        return blobs.collect(limit, Number.POSITIVE_INFINITY);
      },
    },
    async [Symbol.asyncDispose]() {
      state.close();
    },
  };
}

/** A schedule among those that use documents; no run is called so. */
function userName(schedule: string): string {
  return `schedule ${schedule}`;
}
