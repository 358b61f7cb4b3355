/**
 * The senior-escalation layer: asks seniors about a step that is blocked, one after the other.
 *
 * The worker's outcome and each link's deadline are kept in the attempt's memo, so that neither is had twice: after a
 * restart the layer goes on asking where it was, and the worker is not called again.
 *
 * L1  The worker is called at most once an attempt that got as far as its first question.
 * L2  An answer is `{original, senior_answer}` and passes. An agent whose verdict contract such a value cannot meet is not
 *     escalated: it would be refused.
 * L3  Where nobody answers in time, the outcome is the worker's.
 */
import type { LayerOptions, VerdictContract } from "../blueprint/index.ts";
import type { SpawnerLayer, StepCall, StepOutcome } from "../engine/index.ts";
import { isJsonObject, type Json, ownValue } from "../flow/index.ts";
import type { WorkerStats } from "../kernel/index.ts";
import type { Consult, SeatAnswer } from "./consult.ts";
import type { LayerParts } from "./layer-parts.ts";
import { type SeatedBlueprint, seatOf } from "./seats.ts";

const TWO_DAYS_MS = 172_800_000;
const MEMO = "senior_escalation";

type Options = NonNullable<LayerOptions["senior_escalation"]>;
type Link = NonNullable<Options["chain"]>[number];

/** What is kept of an escalation under way. */
interface Escalation {
  /** What the worker was blocked with. */
  readonly value: Json;
  readonly stats?: WorkerStats;
  /** The link being asked. */
  readonly link: number;
  /** Until when it has time. */
  readonly deadline: number;
}

/** The layer. */
export function seniorEscalation(
  options: Options,
  parts: Pick<LayerParts, "clock"> & { readonly compiled: SeatedBlueprint; readonly consult?: Consult },
): SpawnerLayer {
  const { compiled, consult, clock } = parts;
  return function seniorEscalationLayer(next) {
    return async (call) => {
      const chain = consult === undefined ? [] : chainOf(options, compiled, call.agent);
      if (consult === undefined || chain.length === 0) return next(call);
      let escalation = escalationOf(call.memo.get(MEMO));
      if (escalation === undefined) {
        const outcome = await next(call);
        if (outcome.kind !== "blocked" || call.signal.aborted) return outcome;
        const contract = compiled.agents.get(call.agent)?.verdict;
        if (!mayPass(contract, outcome.value)) return outcome;
        escalation = {
          value: outcome.value,
          ...statsOf(outcome),
          link: 0,
          deadline: deadlineOf(chain[0], clock.now()),
        };
      }
      try {
        return await escalate(call, consult, chain, escalation, clock);
      } catch (cause) {
        if (call.signal.aborted) return { kind: "cancelled" };
        const message = `nobody could be asked about step ${call.key}: ${(cause as Error).message}`;
        call.emit({ type: "warning", code: "senior_escalation", message });
        return blocked(escalation);
      }
    };
  };
}

async function escalate(
  call: StepCall,
  consult: Consult,
  chain: readonly Link[],
  begun: Escalation,
  clock: LayerParts["clock"],
): Promise<StepOutcome> {
  let at = begun;
  let attemptDeadline = call.deadline;
  for (;;) {
    const link = chain[at.link];
    if (link === undefined) return blocked(at);
    await call.memo.put(MEMO, at as unknown as Json, { attach: true });
    if (attemptDeadline !== undefined && attemptDeadline <= at.deadline) {
      attemptDeadline = at.deadline + 1;
      await call.extend(attemptDeadline);
    }
    const answer: SeatAnswer = await consult.ask(call, {
      name: `${MEMO}/${at.link}`,
      seat: link.seat,
      question: { reason: "worker reported ok=false", value: at.value },
      deadline: at.deadline,
    });
    if (answer.kind === "answer") {
      return { kind: "pass", value: { original: at.value, senior_answer: answer.value }, ...statsOf(at) };
    }
    call.emit({
      type: "warning",
      code: "senior_escalation",
      message: `the seat '${link.seat}' did not answer about step ${call.key} in time`,
    });
    at = { ...at, link: at.link + 1, deadline: deadlineOf(chain[at.link + 1], clock.now()) };
  }
}

function chainOf({ chain }: Options, compiled: SeatedBlueprint, agent: string): readonly Link[] {
  if (chain !== undefined) return chain;
  const seat = seatOf(compiled, agent);
  return seat === undefined ? [] : [{ seat }];
}

function deadlineOf(link: Link | undefined, now: number): number {
  return now + (link?.timeout_ms ?? TWO_DAYS_MS);
}

/** Whether the override could meet the contract: its body is no word, and its parts are those of the blocked answer (L2). */
function mayPass(contract: VerdictContract | undefined, value: Json): boolean {
  if (contract === undefined) return true;
  if (contract.channel === "body" || !isJsonObject(value)) return false;
  const parts = ownValue(value, "parts");
  const word = isJsonObject(parts) ? ownValue(parts, "verdict") : undefined;
  return typeof word === "string" && contract.values.includes(word);
}

function blocked(escalation: Escalation): StepOutcome {
  return { kind: "blocked", value: escalation.value, ...statsOf(escalation) };
}

function statsOf({ stats }: { readonly stats?: WorkerStats }): { readonly stats?: WorkerStats } {
  return stats === undefined ? {} : { stats };
}

function escalationOf(memo: Json | undefined): Escalation | undefined {
  return isJsonObject(memo) ? (memo as unknown as Escalation) : undefined;
}
