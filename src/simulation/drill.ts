/**
 * The crash drill: a run without a crash, then the same run with crashes, held against it.
 *
 * Owns: where the crashes are, and what counts as the same end. Does not own: living a run (life.ts).
 *
 * A crash lets the lanes of a `race` or `any` start anew, so another one may win; then the ends may differ, and the drill
 * says so instead of calling it a failure.
 */
import { deepEqual, type Json } from "../flow/index.ts";
import type { JournalEntry } from "../kernel/index.ts";
import type { Life } from "./life.ts";
import { SeededRandom } from "./seeded-random.ts";

/** Where the crashes are: after every entry once, or drawn. */
export type CrashPlan = { readonly kind: "every" } | { readonly kind: "random"; readonly runs: number };

/** One run with crashes. */
export interface DrillRun {
  /** The last entry before each crash. */
  readonly crashes: readonly number[];
  /** What the journal of the crash-free run has there, e.g. `step_completed 0`. */
  readonly entry: string;
  /** Calls of workers beyond those of the run without a crash. */
  readonly repeated: number;
  readonly verdict: "same" | "other_winner" | "broken";
  /** Why it is broken. */
  readonly problems: readonly string[];
}

/** The whole drill. */
export interface DrillReport {
  /** The run without a crash. */
  readonly undisturbed: {
    readonly status: string;
    readonly ctx: Json;
    readonly error?: string;
    readonly entries: number;
  };
  /** What is wrong already without a crash; the drill ends there. */
  readonly problems: readonly string[];
  readonly runs: readonly DrillRun[];
}

/** Crashes of one random run at most. */
const MAX_CRASHES = 3;

/** Holds the drill. `live` lives the run with crashes after these entries. */
export async function drill(
  live: (crashes: readonly number[]) => Promise<Life>,
  plan: CrashPlan,
  seed: number,
): Promise<DrillReport> {
  const calm = await live([]);
  const undisturbed = { ...calm.end, entries: calm.entries.length };
  if (calm.broken.length > 0) return { undisturbed, problems: calm.broken, runs: [] };
  const runs: DrillRun[] = [];
  for (const crashes of crashLists(plan, calm.entries.length, seed)) {
    runs.push(judge(crashes, calm, await live(crashes)));
  }
  return { undisturbed, problems: [], runs };
}

function crashLists(plan: CrashPlan, entries: number, seed: number): readonly (readonly number[])[] {
  // After its last entry a run has ended: nothing is left to crash.
  const positions = entries - 1;
  if (plan.kind === "every") return Array.from({ length: positions }, (_, index) => [index + 1]);
  const random = new SeededRandom(seed);
  return Array.from({ length: plan.runs }, () => {
    const drawn = Array.from({ length: 1 + random.below(MAX_CRASHES) }, () => 1 + random.below(positions));
    return [...new Set(drawn)].sort((a, b) => a - b);
  });
}

function judge(crashes: readonly number[], calm: Life, life: Life): DrillRun {
  const problems = [...life.broken];
  const same =
    life.end.status === calm.end.status && life.end.error === calm.end.error && deepEqual(life.end.ctx, calm.end.ctx);
  const otherWinner = !same && winners(life.entries) !== winners(calm.entries);
  if (!same && !otherWinner) {
    problems.push(`it ended ${described(life.end)} and not ${described(calm.end)}`);
  }
  const verdict = problems.length > 0 ? "broken" : same ? "same" : "other_winner";
  const at = calm.entries[(crashes[0] ?? 1) - 1];
  return { crashes, entry: at === undefined ? "" : named(at), repeated: calls(life) - calls(calm), verdict, problems };
}

function calls({ dispatched }: Life): number {
  return [...dispatched.values()].reduce((sum, times) => sum + times, 0);
}

/** Which lanes won where only one can. */
function winners(entries: readonly JournalEntry[]): string {
  const won = entries.flatMap((entry) =>
    entry.type === "fanout_joined" && entry.winner !== undefined ? [`${entry.key} ${entry.winner}`] : [],
  );
  return won.sort().join("\n");
}

function named(entry: JournalEntry): string {
  return "key" in entry && entry.key !== undefined ? `${entry.type} ${entry.key}` : entry.type;
}

function described({ status, ctx, error }: Life["end"]): string {
  return `${status}${error === undefined ? "" : ` (${error})`} with ${JSON.stringify(ctx).slice(0, 300)}`;
}
