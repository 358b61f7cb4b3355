/**
 * What may happen to a request, as every backend judges it (W1, W3).
 *
 * Does not own: where requests are kept, nor that looking and writing are one transaction.
 */
import {
  type ChangeResult,
  type CloseReason,
  MAX_DEGRADATIONS,
  MAX_PART_CHARACTERS,
  MAX_PARTS,
  type Material,
  type RequestChange,
  type RequestRecord,
  type RequestStanding,
} from "./operator-ports.ts";

/** Whether a change happens; what is staged is still to be measured (`fits`). */
export function judgeChange(change: RequestChange, request: RequestStanding | undefined): ChangeResult {
  if (request === undefined) return "unknown";
  const { state, digest, closedReason, seatGeneration } = request;
  // The answer that is here or that the run took: it stays the one, however long ago that was.
  if (change.kind === "submit" && digest !== undefined && (state === "submitted" || closedReason === "completed")) {
    return digest === change.submission.digest ? "same" : "conflict";
  }
  if (change.kind === "close") return state === "closed" ? "same" : "done";
  if (state === "closed") return "closed";
  if (state === "submitted") return "conflict";
  if (change.generation !== undefined && change.generation !== seatGeneration) return "moved";
  return "done";
}

/** A request after a change that happens; what is staged itself, and handles, are kept beside it. */
export function changedRequest(record: RequestRecord, change: RequestChange): RequestRecord {
  switch (change.kind) {
    case "deliver":
      return { ...record, deliveries: record.deliveries + 1, generation: change.generation };
    case "work": {
      const { sessionId, at, note } = change;
      return { ...record, working: { sessionId, at, ...(note === undefined ? {} : { note }) } };
    }
    case "stage":
      return { ...record, staged: true };
    case "submit":
      return { ...record, state: "submitted", submission: change.submission };
    case "close":
      return closedRequest(record, change.reason, change.at);
  }
}

/** Nobody asks for the texts of a closed request; what was answered is remembered by its digest. */
export function closedRequest(request: RequestRecord, reason: CloseReason, at: number): RequestRecord {
  const { terms: _terms, staged: _staged, submission, ...record } = request;
  const { value: _value, ...answered } = submission ?? {};
  return {
    ...record,
    body: "",
    state: "closed",
    closed: { reason, at },
    ...(submission === undefined ? {} : { submission: answered as typeof submission }),
  };
}

/** What is staged already, without its text. */
export interface StagedSize {
  readonly kind: Material["kind"];
  readonly name: string;
  readonly characters: number;
}

/** The name material is kept under: what has the same one replaces it. */
export function materialName(material: Material): string {
  return material.kind === "part" ? material.name : material.kind === "stats" ? "" : material.text;
}

/** Whether there is room for more material beside what is staged. */
export function fits(staged: readonly StagedSize[], material: Material): boolean {
  if (material.kind === "stats") return true;
  const name = materialName(material);
  const others = staged.filter((one) => one.kind === material.kind && one.name !== name);
  if (material.kind === "degradation") return others.length < MAX_DEGRADATIONS;
  const characters = others.reduce((sum, one) => sum + one.characters, material.text.length);
  return others.length < MAX_PARTS && characters <= MAX_PART_CHARACTERS;
}
