/** A run's status in its colour. */
import type { RunStatus } from "../../host.ts";
import type { Style } from "../style.ts";

/** The word, painted. */
export function statusText(status: RunStatus, style: Style): string {
  switch (status) {
    case "done":
      return style.good(status);
    case "failed":
    case "dead_letter":
      return style.bad(status);
    case "suspended":
    case "paused":
    case "cancelled":
      return style.warn(status);
    case "pending":
    case "running":
    case "waiting":
      return style.active(status);
  }
}
