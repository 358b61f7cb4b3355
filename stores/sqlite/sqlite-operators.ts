/** The operators' port over an opened database: reads happen on the caller's thread, writes are asked of the writer. */
import type { OpenState } from "../open-state.ts";
import type { OperatorStore, SeatRecord } from "../ports.ts";
import type { KnownRequests } from "./known-requests.ts";
import type { Reader } from "./reader.ts";
import type { ResultOf, WriteRequest } from "./write-request.ts";

/** Makes the port. */
export function sqliteOperators(
  state: OpenState,
  reader: Reader,
  known: KnownRequests,
  write: <R extends WriteRequest>(request: R) => Promise<ResultOf<R>>,
): OperatorStore {
  const ofRun = (runId: string): readonly SeatRecord[] => reader.seats((seats) => seats.ofRun(runId));
  return {
    sessions: {
      async create(session, options) {
        state.enter(options);
        return write({ kind: "join", session });
      },
      async get(sessionId, options) {
        state.enter(options);
        return reader.seats((seats) => seats.session(sessionId));
      },
      async list(query, options) {
        state.enter(options);
        return reader.seats((seats) => seats.sessions(query));
      },
      async touch(sessionIds, at, options) {
        state.enter(options);
        await write({ kind: "touch", sessionIds, at });
      },
      async remove(sessionIds, at, options) {
        state.enter(options);
        return write({ kind: "part", sessionIds, at });
      },
    },
    seats: {
      async acquire(order, options) {
        state.enter(options);
        return write({ kind: "acquire", order });
      },
      async release(order, options) {
        state.enter(options);
        return write({ kind: "release", order });
      },
      async ofRun(runId, options) {
        state.enter(options);
        return known.seats(runId, () => ofRun(runId));
      },
      async heldBy(sessionId, limit, options) {
        state.enter(options);
        return reader.seats((seats) => seats.heldBy(sessionId, limit));
      },
    },
    requests: {
      async open(batch, options) {
        state.enter(options);
        return batch.length === 0 ? [] : write({ kind: "open-requests", batch });
      },
      async change(batch, options) {
        state.enter(options);
        return batch.length === 0 ? [] : write({ kind: "change-requests", batch });
      },
      async get(requestId, options) {
        state.enter(options);
        return known.request(requestId, () => reader.requests((requests) => requests.get(requestId)));
      },
      async standing(requestId, options) {
        state.enter(options);
        return known.standing(requestId, ofRun) ?? reader.requests((requests) => requests.standing(requestId));
      },
      async byHandle(handleDigest, options) {
        state.enter(options);
        return reader.requests((requests) => requests.byHandle(handleDigest));
      },
      async list(query, options) {
        state.enter(options);
        return known.requests(reader.requests((requests) => requests.list(query)));
      },
      async material(requestId, options) {
        state.enter(options);
        return known.material(requestId, () => reader.requests((requests) => requests.material(requestId)));
      },
      async submittedRuns(after, limit, options) {
        state.enter(options);
        return reader.requests((requests) => requests.submittedRuns(after, limit));
      },
    },
  };
}
