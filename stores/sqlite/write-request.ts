/** What can be asked of the writer, and what it answers. */
import type {
  AcquireResult,
  Append,
  AppendResult,
  ChangeResult,
  ClaimOrder,
  Collected,
  JournalRow,
  NewRequest,
  PinnedDocument,
  ReleaseResult,
  RequestChange,
  RequestRecord,
  RunPatch,
  RunRecord,
  ScheduleRecord,
  SeatAcquisition,
  SeatRecord,
  SeatRelease,
  SessionRecord,
  Snapshot,
} from "../ports.ts";
import type { StoreFailure } from "./store-failure.ts";

/** T, where a field that may be absent may also be there and undefined: so nothing need be copied to decode it. */
type Written<T> = { readonly [Key in keyof T]: T[Key] | (object extends Pick<T, Key> ? undefined : never) };

/** A journal row to write. */
export type WrittenRow = Written<JournalRow>;

/** A document to keep. */
export type WrittenDocument = PinnedDocument & { readonly newest?: boolean };

/** A run to add. */
export type WrittenRun = Written<RunRecord>;

/** An Append to write. */
export type WrittenAppend = Written<Omit<Append, "rows" | "patch">> & {
  readonly rows: readonly WrittenRow[];
  readonly patch?: Written<RunPatch> | undefined;
};

/** A write, whole or not at all, but for the single Appends of a batch (P1). Times are the store's clock's. */
export type WriteRequest =
  | { readonly kind: "append"; readonly batch: readonly WrittenAppend[] }
  | { readonly kind: "create"; readonly batch: readonly WrittenRun[] }
  | { readonly kind: "document"; readonly document: WrittenDocument; readonly now: number }
  | RareRequest;

/** Those that are few: they cross to the thread as they are. */
export type RareRequest =
  | { readonly kind: "renew"; readonly hostId: string; readonly until: number; readonly now: number }
  | { readonly kind: "leave"; readonly hostId: string }
  | { readonly kind: "claim"; readonly order: ClaimOrder; readonly now: number }
  | { readonly kind: "snapshot"; readonly runId: string; readonly snapshot: Snapshot }
  | { readonly kind: "remove"; readonly runIds: readonly string[] }
  | { readonly kind: "hold"; readonly runId: string; readonly held: boolean }
  | { readonly kind: "join"; readonly session: SessionRecord }
  | { readonly kind: "touch"; readonly sessionIds: readonly string[]; readonly at: number }
  | { readonly kind: "part"; readonly sessionIds: readonly string[]; readonly at: number }
  | { readonly kind: "acquire"; readonly order: SeatAcquisition }
  | { readonly kind: "release"; readonly order: SeatRelease }
  | { readonly kind: "open-requests"; readonly batch: readonly NewRequest[] }
  | { readonly kind: "change-requests"; readonly batch: readonly RequestChange[] }
  | { readonly kind: "create-schedule" | "replace-schedule"; readonly schedule: ScheduleRecord }
  | { readonly kind: "remove-schedule"; readonly name: string }
  | { readonly kind: "collect-blobs"; readonly limit: number }
  | { readonly kind: "collect-documents"; readonly limit: number; readonly newest: number };

/** What each kind of request resolves with. */
export interface WriteResults {
  readonly append: readonly AppendResult[];
  readonly create: undefined;
  readonly document: undefined;
  readonly renew: undefined;
  readonly leave: undefined;
  readonly claim: readonly RunRecord[];
  readonly snapshot: undefined;
  readonly remove: number;
  readonly hold: boolean;
  readonly join: "created" | "full";
  readonly touch: undefined;
  readonly part: readonly SeatRecord[];
  readonly acquire: AcquireResult;
  readonly release: ReleaseResult;
  readonly "open-requests": readonly (RequestRecord | undefined)[];
  readonly "change-requests": readonly ChangeResult[];
  readonly "create-schedule": undefined;
  readonly "replace-schedule": boolean;
  readonly "remove-schedule": boolean;
  readonly "collect-blobs": Collected;
  readonly "collect-documents": Collected;
}

/** What a request of type R resolves with. */
export type ResultOf<R extends WriteRequest> = WriteResults[R["kind"]];

/** `done`: all of it, with nothing more to say. A failure: nothing of it. An append answers so where all was appended. */
export type WriteAnswer = "done" | NonNullable<ResultOf<WriteRequest>> | StoreFailure;

/** Roughly the characters a request holds, to bound what is under way. Rows and records count a little themselves. */
export function requestWeight(request: WriteRequest): number {
  const OF_A_ROW = 256;
  switch (request.kind) {
    case "append": {
      let weight = 0;
      for (const { rows, blobs } of request.batch) {
        weight += OF_A_ROW;
        for (const { text } of rows) weight += text.length + OF_A_ROW;
        for (const { text } of blobs ?? []) weight += text.length + OF_A_ROW;
      }
      return weight;
    }
    case "create":
      return request.batch.length * OF_A_ROW;
    case "document":
      return request.document.text.length + OF_A_ROW;
    case "snapshot":
      return request.snapshot.text.length + OF_A_ROW;
    case "open-requests":
      return request.batch.reduce((sum, { body, terms = "" }) => sum + body.length + terms.length + OF_A_ROW, OF_A_ROW);
    case "change-requests":
      return request.batch.reduce((sum, change) => sum + changeWeight(change) + OF_A_ROW, OF_A_ROW);
    case "join":
      return (request.session.manifest?.length ?? 0) + OF_A_ROW;
    case "create-schedule":
    case "replace-schedule":
      return JSON.stringify(request.schedule.input ?? null).length + OF_A_ROW;
    case "remove":
      return (request.runIds.length + 1) * OF_A_ROW;
    default:
      return OF_A_ROW;
  }
}

function changeWeight(change: RequestChange): number {
  if (change.kind === "submit") return change.submission.value?.length ?? 0;
  return change.kind === "stage" ? change.material.text.length : 0;
}
