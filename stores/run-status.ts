/** Which statuses mean what to every backend. */
import type { RunStatus } from "./ports.ts";

/** A run with one of these has ended for ever: it is not claimed, and may be removed. */
export const ENDED: ReadonlySet<RunStatus> = new Set<RunStatus>(["done", "failed", "cancelled", "dead_letter"]);

/** A run with one of these should be driven by its owner now. */
export const DRIVEN: ReadonlySet<RunStatus> = new Set<RunStatus>(["pending", "running"]);
