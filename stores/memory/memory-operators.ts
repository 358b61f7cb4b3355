/** The operators' port over a memory store's shelves. */
import type { OpenState } from "../open-state.ts";
import type { OperatorStore } from "../ports.ts";
import type { RequestShelf } from "./request-shelf.ts";
import type { SeatShelf } from "./seat-shelf.ts";

/** Makes the port. */
export function memoryOperators(state: OpenState, seats: SeatShelf, requests: RequestShelf): OperatorStore {
  return {
    sessions: {
      async create(session, options) {
        state.enter(options);
        return seats.create(session);
      },
      async get(sessionId, options) {
        state.enter(options);
        return seats.session(sessionId);
      },
      async list(query, options) {
        state.enter(options);
        return seats.sessions(query);
      },
      async touch(sessionIds, at, options) {
        state.enter(options);
        seats.touch(sessionIds, at);
      },
      async remove(sessionIds, at, options) {
        state.enter(options);
        return seats.remove(sessionIds, at);
      },
    },
    seats: {
      async acquire(order, options) {
        state.enter(options);
        return seats.acquire(order);
      },
      async release(order, options) {
        state.enter(options);
        return seats.release(order);
      },
      async ofRun(runId, options) {
        state.enter(options);
        return seats.ofRun(runId);
      },
      async heldBy(sessionId, limit, options) {
        state.enter(options);
        return seats.heldBy(sessionId, limit);
      },
    },
    requests: {
      async open(batch, options) {
        state.enter(options);
        return batch.map((request) => requests.open(request));
      },
      async change(batch, options) {
        state.enter(options);
        return batch.map((change) => requests.change(change));
      },
      async get(requestId, options) {
        state.enter(options);
        return requests.get(requestId);
      },
      async standing(requestId, options) {
        state.enter(options);
        return requests.standing(requestId);
      },
      async byHandle(handleDigest, options) {
        state.enter(options);
        return requests.byHandle(handleDigest);
      },
      async list(query, options) {
        state.enter(options);
        return requests.list(query);
      },
      async material(requestId, options) {
        state.enter(options);
        return requests.material(requestId);
      },
      async submittedRuns(after, limit, options) {
        state.enter(options);
        return requests.submittedRuns(after, limit);
      },
    },
  };
}
