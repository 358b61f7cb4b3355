/** What can be asked of the writer, and what it answers. */
import type { Append, AppendResult, JournalRow, PinnedDocument, RunPatch, RunRecord } from "../ports.ts";
import type { StoreFailure } from "./store-failure.ts";

/** T, where a field that may be absent may also be there and undefined: so nothing need be copied to decode it. */
type Written<T> = { readonly [Key in keyof T]: T[Key] | (object extends Pick<T, Key> ? undefined : never) };

/** A journal row to write. */
export type WrittenRow = Written<JournalRow>;

/** A run to add. */
export type WrittenRun = Written<RunRecord>;

/** An Append to write. */
export type WrittenAppend = Written<Omit<Append, "rows" | "patch">> & {
  readonly rows: readonly WrittenRow[];
  readonly patch?: Written<RunPatch> | undefined;
};

/** A write, whole or not at all, but for the single Appends of a batch (P1). */
export type WriteRequest =
  | { readonly kind: "append"; readonly batch: readonly WrittenAppend[] }
  | { readonly kind: "create"; readonly batch: readonly WrittenRun[] }
  | { readonly kind: "document"; readonly document: PinnedDocument };

/** `done`: all of it. Results: of an append of which a part was refused. A failure: nothing of it. */
export type WriteAnswer = "done" | readonly AppendResult[] | StoreFailure;

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
  }
}
