/** Compares what a journal records with what the flow decides, entry by entry. */
import type { JournalEntry, StepDigests } from "./entry.ts";
import { KernelError } from "./errors.ts";
import type { ValuelessBody } from "./journal-chain.ts";

/**
 * What a replay does where the record and the flow disagree: `strict` stops; `reuse` keeps what is recorded of a step,
 * though its node, binding or input is another by now; `rerun` executes such steps again, and what depends on them.
 */
export type DivergencePolicy = "strict" | "reuse" | "rerun";

const DIGESTS = ["node", "binding", "input"] as const;

/**
 * Checks that an entry records what the kernel decides at this place. Times are the record's own and are not compared.
 * @param keeps whether digests may differ: only what is decided is compared then.
 * @throws KernelError `divergence`, naming the entry, the key, the digest that differs and both sides.
 */
export function checkSame(entry: JournalEntry, decided: ValuelessBody | undefined, keeps: boolean): void {
  const recorded = identity(entry);
  const expected = decided === undefined ? undefined : identity(decided);
  const key = "key" in entry && entry.key !== undefined ? entry.key : undefined;
  if (recorded !== expected) {
    const of = key === undefined ? "" : ` of step ${key}`;
    throw new KernelError(
      "divergence",
      `the flow does not do what entry ${entry.seq} (${entry.type}${of}) records: the journal has ${recorded}, the flow ${expected ?? "asks for nothing here"}`,
      { seq: entry.seq, ...(key === undefined ? {} : { key }), recorded, expected: expected ?? "" },
    );
  }
  if (keeps || !("digests" in entry) || decided === undefined || !("digests" in decided)) return;
  checkDigests(entry.seq, entry, entry.digests, decided.digests);
}

/**
 * Checks that a step is still the work it was recorded as.
 * @throws KernelError `divergence`.
 */
export function checkDigests(
  seq: number,
  step: { readonly key: string; readonly agent: string },
  recorded: StepDigests,
  now: StepDigests,
): void {
  const digest = DIGESTS.find((name) => recorded[name] !== now[name]);
  if (digest === undefined) return;
  const { key, agent } = step;
  throw new KernelError(
    "divergence",
    `step ${key} of agent '${agent}' is not the work that entry ${seq} records: the ${digest} digest was ${recorded[digest]} and is ${now[digest]}; resume the run with the divergence policy reuse to keep what is recorded, or rerun to do it again`,
    { seq, key, agent, digest, recorded: recorded[digest], expected: now[digest] },
  );
}

/** What of an entry the flow decides, as text; digests apart. */
function identity(body: ValuelessBody): string {
  switch (body.type) {
    case "run_started":
      return `${body.type} ${body.flow}`;
    case "step_scheduled":
      return `${body.type} ${body.key} attempt ${body.attempt} ${body.agent}`;
    case "step_completed":
      return `${body.type} ${body.key} attempt ${body.attempt} ${body.agent} ${body.outcome} ${body.accepted}`;
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
