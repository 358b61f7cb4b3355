/** Compares what a journal records with what the flow decides, entry by entry. */
import type { JournalEntry } from "./entry.ts";
import { KernelError } from "./errors.ts";
import type { ValuelessBody } from "./journal-chain.ts";

/**
 * Checks that an entry records what the kernel decides at this place. Times are the record's own and are not compared.
 * @throws KernelError `divergence`, naming the entry, the key and both sides.
 */
export function checkSame(entry: JournalEntry, decided: ValuelessBody | undefined): void {
  const recorded = identity(entry);
  const expected = decided === undefined ? undefined : identity(decided);
  if (recorded === expected) return;
  const key = "key" in entry && entry.key !== undefined ? ` of step ${entry.key}` : "";
  throw new KernelError(
    "divergence",
    `the flow does not do what entry ${entry.seq} (${entry.type}${key}) records: the journal has ${recorded}, the flow ${expected ?? "asks for nothing here"}`,
    { seq: entry.seq, recorded, expected: expected ?? "" },
  );
}

/** What of an entry the flow decides, as text. */
function identity(body: ValuelessBody): string {
  switch (body.type) {
    case "run_started":
      return `${body.type} ${body.flow}`;
    case "step_scheduled":
    case "step_completed": {
      const { node, binding, input } = body.digests;
      const outcome = body.type === "step_completed" ? ` ${body.outcome} ${body.accepted}` : "";
      return `${body.type} ${body.key} attempt ${body.attempt}${outcome} node ${node} binding ${binding} input ${input}`;
    }
    case "step_started":
    case "timer_set":
    case "timer_fired":
      return `${body.type} ${body.key} attempt ${body.attempt}`;
    case "step_memo":
      return `${body.type} ${body.key} attempt ${body.attempt} ${body.name} attach ${body.attach}`;
    case "step_extended":
      return `${body.type} ${body.key} attempt ${body.attempt} deadline ${body.deadline}`;
    case "fanout_joined":
      return `${body.type} ${body.key} ${body.join} winner ${body.winner ?? "-"} order ${body.order.join(",")}`;
    case "extern_value":
      return `${body.type} ${body.key}#${body.ordinal} ${body.ref}`;
    case "signal_received":
      return `${body.type} ${body.name} ${body.id} ${body.key ?? "-"}`;
    case "run_finished":
      return `${body.type} ${body.status}`;
    case "seat_changed":
      return `${body.type} ${body.seat} generation ${body.generation} holder ${body.holder ?? "-"}`;
    case "cancel_requested":
    case "run_suspended":
    case "run_resumed":
      return body.type;
    default:
      return body satisfies never;
  }
}
