/** How a worker's program ended, in words: what a failed step says where its worker left no message. */
import { isJsonObject, type Json, ownValue } from "../../flow/index.ts";
import type { RunEvent } from "../../host.ts";

type Completed = Extract<RunEvent, { type: "step_completed" }>;

/** The message of a step's end: the event's own, else how its program ended; `undefined` for an end that needs no words. */
export function endMessage(event: Completed): string | undefined {
  if (event.message !== undefined) return event.message;
  return event.outcome === "pass" || event.outcome === "skip" ? undefined : programEnd(event.stats?.adapter_data);
}

function programEnd(data: Json | undefined): string | undefined {
  if (!isJsonObject(data)) return undefined;
  const signal = ownValue(data, "signal");
  if (typeof signal === "string") return `killed by ${signal}`;
  const code = ownValue(data, "exit_code");
  return typeof code === "number" ? `exit code ${code}` : undefined;
}
