/**
 * The budget layer: bounds what a run spends on the attempts that pass through it.
 *
 * An attempt's share is set aside before it starts; what it really took, by the stats of its outcome, replaces it when it
 * ends. An attempt that no longer fits is refused with `budget_exhausted`. An attempt without stats has taken time, and no
 * tokens. After a restart what counts is what the journal has: every attempt of the agents, with the time it waited.
 */
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer, StepAbort, StepCall } from "../engine/index.ts";
import { ownValue, type StepKey } from "../flow/index.ts";
import type { JournalEntry, WorkerStats } from "../kernel/index.ts";
import { type Amounts, BudgetLedger, type Limits, NOTHING, plus, type Refused } from "./budget-ledger.ts";
import { refusal } from "./errors.ts";
import type { LayerParts } from "./layer-parts.ts";
import { timeout } from "./timeout.ts";

type Options = NonNullable<LayerOptions["budget"]>;

const MICRO = 1_000_000;
const EXHAUSTED = "budget_exhausted";

/** The layer, with the accounts of its Blueprint version's runs. */
export function budget(options: Options, { clock, journal }: Pick<LayerParts, "clock" | "journal">): SpawnerLayer {
  const { tokens, cost_usd: costUsd, time_ms: timeMs, attempts } = options;
  const covers = options.agents === undefined ? undefined : new Set(options.agents);
  const limits: Limits = {
    ...(tokens === undefined ? {} : { tokens: tokens.limit }),
    ...(costUsd === undefined ? {} : { microUsd: micro(costUsd.limit) }),
    ...(timeMs === undefined ? {} : { timeMs: timeMs.limit }),
    ...(attempts === undefined ? {} : { attempts }),
  };
  const share: Amounts = {
    tokens: tokens?.per_attempt ?? 0,
    microUsd: micro(costUsd?.per_attempt ?? 0),
    timeMs: timeMs?.per_attempt ?? 0,
    attempts: 1,
  };
  const ledger = new BudgetLedger(limits, (runId) =>
    spentBy(journal(runId), (agent) => covers === undefined || covers.has(agent), options),
  );
  // An attempt stops when its share of the time is over, else time could be overspent.
  const limited: SpawnerLayer =
    timeMs === undefined ? (next) => next : timeout({ timeout_ms: Math.max(1, timeMs.per_attempt) }, { clock });

  return function budgetLayer(next) {
    return async (call) => {
      const reservation = await ledger.reserve(call.runId, share, call.signal);
      if (reservation === undefined) return { kind: "cancelled" };
      if (!("settle" in reservation)) return refusal(EXHAUSTED, exhausted(call, reservation));
      const startedAt = clock.now();
      try {
        const outcome = await limited(next)(call);
        if (isParked(call.signal)) return outcome;
        const taken = { ...spent(outcome.stats, options), timeMs: clock.now() - startedAt, attempts: 1 };
        warnIfOver(call, taken, share, limits);
        reservation.settle(taken);
        return outcome;
      } finally {
        // Parked or failed unexpectedly: it is entered again, or journaled without stats.
        if (isParked(call.signal)) reservation.drop();
        else reservation.settle({ ...NOTHING, timeMs: clock.now() - startedAt, attempts: 1 });
      }
    };
  };
}

/** What the journal says that a run spent. */
async function spentBy(
  entries: AsyncIterable<JournalEntry>,
  covers: (agent: string) => boolean,
  options: Options,
): Promise<Amounts> {
  let sum = NOTHING;
  /** Attempts that have not ended, and whether a worker may have got them. */
  const open = new Map<StepKey, boolean>();
  for await (const entry of entries) {
    if (entry.type === "step_scheduled" && covers(entry.agent)) {
      // The attempt before was interrupted if it is still here.
      if (open.get(entry.key) === true) sum = { ...sum, attempts: sum.attempts + 1 };
      open.set(entry.key, false);
    } else if (entry.type === "step_started" && open.has(entry.key)) {
      open.set(entry.key, true);
    } else if (entry.type === "step_completed" && covers(entry.agent)) {
      const wasStarted = open.get(entry.key) ?? true;
      open.delete(entry.key);
      // Taken over from another run, a wait that is the kernel's own, or never let in.
      if (entry.reused_from !== undefined || !wasStarted || entry.error?.code === EXHAUSTED) continue;
      const timeMs = Math.max(0, entry.at - entry.started_at);
      sum = plus(sum, { ...spent(entry.stats, options), timeMs, attempts: 1 }, 1);
    }
  }
  return sum;
}

/** Tokens and cost of an attempt. */
function spent(stats: WorkerStats | undefined, { prices }: Options): Pick<Amounts, "tokens" | "microUsd"> {
  if (stats === undefined) return { tokens: 0, microUsd: 0 };
  const { usage, model, adapter_data: data } = stats;
  const said = data === undefined ? undefined : ownValue(data, "cost_usd");
  const price =
    prices === undefined || model === undefined || !Object.hasOwn(prices, model) ? undefined : prices[model];
  let microUsd = 0;
  if (typeof said === "number" && said >= 0) microUsd = micro(said);
  else if (price !== undefined && usage !== undefined)
    // Dollars a million tokens are millionths of a dollar a token.
    microUsd = Math.round(usage.input_tokens * price.input + usage.output_tokens * price.output);
  return { tokens: usage?.total_tokens ?? 0, microUsd };
}

function micro(usd: number): number {
  return Math.round(usd * MICRO);
}

function isParked(signal: AbortSignal): boolean {
  return signal.aborted && (signal.reason as StepAbort | undefined)?.kind === "parked";
}

const WORDS: Readonly<Record<keyof Amounts, (amount: number) => string>> = {
  tokens: (amount) => `${amount} tokens`,
  microUsd: (amount) => `$${(amount / MICRO).toFixed(4)}`,
  timeMs: (amount) => `${amount} ms`,
  attempts: (amount) => `${amount} attempts`,
};

function exhausted({ key, agent }: StepCall, { kind, limit, spent: gone }: Refused): string {
  const word = WORDS[kind];
  return `step ${key} of '${agent}' no longer fits the run's budget of ${word(limit)}: ${word(gone)} are spent (spawner_hints.options.budget)`;
}

function warnIfOver(call: StepCall, taken: Amounts, share: Amounts, limits: Limits): void {
  for (const kind of ["tokens", "microUsd"] as const) {
    if (limits[kind] === undefined || taken[kind] <= share[kind]) continue;
    const word = WORDS[kind];
    const message = `attempt ${call.attempt} of '${call.agent}' took ${word(taken[kind])}, more than the ${word(share[kind])} set aside for it: raise per_attempt`;
    call.emit({ type: "warning", code: "budget", message });
  }
}
