/**
 * What may happen to a request, as every backend judges it (W1, W3).
 *
 * Does not own: where requests are kept, nor that looking and writing are one transaction.
 */
import {
  type ChangeResult,
  MAX_DEGRADATIONS,
  MAX_PART_CHARACTERS,
  MAX_PARTS,
  type Material,
  type RequestChange,
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
