/**
 * The requests of a memory store, with what was staged for them.
 *
 * Owns: the requests in the order they were opened. Does not own: what may happen to one (request-rules.ts), seats.
 */
import type {
  Append,
  ChangeResult,
  Material,
  NewRequest,
  RequestChange,
  RequestQuery,
  RequestRecord,
  RequestStanding,
} from "../ports.ts";
import { changedRequest, closedRequest, fits, judgeChange, materialName, type StagedSize } from "../request-rules.ts";
import { ENDED } from "../run-status.ts";
import type { RunShelf } from "./run-shelf.ts";
import type { SeatShelf } from "./seat-shelf.ts";

/** A request and what was staged for it, by kind and name. */
interface ShelvedRequest {
  record: RequestRecord;
  readonly material: Map<string, Material>;
}

/** All requests of one memory store. */
export class RequestShelf {
  readonly #runs: Pick<RunShelf, "get">;
  readonly #seats: SeatShelf;
  readonly #requests = new Map<string, ShelvedRequest>();
  readonly #handles = new Map<string, { readonly requestId: string; readonly generation: number }>();

  constructor(runs: Pick<RunShelf, "get">, seats: SeatShelf) {
    this.#runs = runs;
    this.#seats = seats;
  }

  /** See RequestStore.open. */
  open(request: NewRequest): RequestRecord | undefined {
    const known = this.#requests.get(request.requestId);
    if (known !== undefined) return known.record;
    const run = this.#runs.get(request.runId);
    if (run === undefined || ENDED.has(run.status)) return undefined;
    const record: RequestRecord = { ...request, state: "open", deliveries: 0 };
    this.#requests.set(request.requestId, { record, material: new Map() });
    return record;
  }

  /** See RequestStore.change. */
  change(change: RequestChange): ChangeResult {
    const request = this.#requests.get(change.requestId);
    const result = judgeChange(change, request === undefined ? undefined : this.#standing(request.record));
    if (result !== "done" || request === undefined) return result;
    if (change.kind === "stage" && !stage(request, change.material)) return "full";
    if (change.kind === "deliver" && change.handleDigest !== undefined) {
      const { handleDigest, requestId, generation } = change;
      this.#handles.set(handleDigest, { requestId, generation });
    }
    request.record = changedRequest(request.record, change);
    if (change.kind === "close") request.material.clear();
    return "done";
  }

  /** See RequestStore.get. */
  get(requestId: string): RequestRecord | undefined {
    return this.#requests.get(requestId)?.record;
  }

  /** See RequestStore.standing. */
  standing(requestId: string): RequestStanding | undefined {
    const request = this.#requests.get(requestId);
    return request === undefined ? undefined : this.#standing(request.record);
  }

  /** See RequestStore.byHandle. */
  byHandle(handleDigest: string): { readonly requestId: string; readonly generation: number } | undefined {
    return this.#handles.get(handleDigest);
  }

  /** See RequestStore.list. */
  list({ of, limit, after }: RequestQuery): readonly RequestRecord[] {
    const all = [...this.#requests.values()].map(({ record }) => record);
    const start = after === undefined ? 0 : all.findIndex(({ requestId }) => requestId === after) + 1;
    if (after !== undefined && start === 0) return [];
    const wanted = (record: RequestRecord): boolean => {
      if ("holder" in of) {
        return record.state === "open" && this.#seats.get(record.runId, record.seat)?.holder === of.holder;
      }
      if (record.runId !== of.runId) return false;
      return "seat" in of ? record.state === "open" && record.seat === of.seat : record.state !== "closed";
    };
    return all.slice(start).filter(wanted).slice(0, Math.max(limit, 0));
  }

  /** See RequestStore.material. */
  material(requestId: string): readonly Material[] {
    return [...(this.#requests.get(requestId)?.material.values() ?? [])];
  }

  /** See RequestStore.submittedRuns. */
  submittedRuns(after: string, limit: number): readonly string[] {
    const runs = new Set<string>();
    for (const { record } of this.#requests.values()) {
      if (record.state === "submitted" && record.runId > after) runs.add(record.runId);
    }
    return [...runs].sort().slice(0, Math.max(limit, 0));
  }

  /** Closes what an append has decided (W2). */
  appended({ runId, rows, patch, at }: Append): void {
    if (this.#requests.size === 0) return;
    const hasEnded = patch?.status !== undefined && ENDED.has(patch.status);
    const completed = new Set(
      rows.flatMap(({ type, key, attempt }) => (type === "step_completed" ? [`${key}/${attempt}`] : [])),
    );
    if (!hasEnded && completed.size === 0) return;
    for (const request of this.#requests.values()) {
      const { record } = request;
      if (record.runId !== runId || record.state === "closed") continue;
      const isTaken = record.kind !== "hook_after" && completed.has(`${record.key}/${record.attempt}`);
      if (!hasEnded && !isTaken) continue;
      request.record = closedRequest(record, record.state === "submitted" ? "completed" : "cancelled", at);
      request.material.clear();
    }
  }

  /** Removes the requests of runs. */
  removeRuns(runIds: ReadonlySet<string>): void {
    for (const [requestId, { record }] of this.#requests)
      if (runIds.has(record.runId)) this.#requests.delete(requestId);
    for (const [digest, { requestId }] of this.#handles)
      if (!this.#requests.has(requestId)) this.#handles.delete(digest);
  }

  #standing({ runId, seat, state, fence, submission, closed }: RequestRecord): RequestStanding {
    const seatGeneration = this.#seats.get(runId, seat)?.generation;
    return { state, fence, digest: submission?.digest, closedReason: closed?.reason, seatGeneration };
  }
}

/** False: there is no room. */
function stage({ material }: ShelvedRequest, one: Material): boolean {
  const staged: StagedSize[] = [...material.values()].map((other) => ({
    kind: other.kind,
    name: materialName(other),
    characters: other.text.length,
  }));
  if (!fits(staged, one)) return false;
  const place = `${one.kind}/${materialName(one)}`;
  material.delete(place);
  material.set(place, one);
  return true;
}
