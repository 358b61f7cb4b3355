/**
 * One run from its launch to its end in virtual time, through as many crashes as are asked for.
 *
 * Owns: the hosts' lives, the order in which workers answer, and what is counted of them.
 * Does not own: what the workers answer (the executable's dispatch) or what the end should be (drill.ts).
 *
 * L1  Time stands still while a worker is at work: how long a step takes is drawn from the seed and its key, so the same
 *     seed has the same order whatever the machine does.
 * L2  A host that crashes is dropped where it stands; the next one has another id and the same stores.
 */
import type { Stores } from "../../stores/ports.ts";
import { Engine, type Executable, readJournal, type StepCall } from "../engine/index.ts";
import type { Json, JsonObject } from "../flow/index.ts";
import type { HashText, JournalEntry } from "../kernel/index.ts";
import { crashingStores } from "./crashing-stores.ts";
import { SeededRandom } from "./seeded-random.ts";
import { type ClockView, VirtualClock } from "./virtual-clock.ts";

/** Timers that fire before a run is taken for one that never ends. */
const MAX_TICKS = 200_000;
/** Signals that are sent before a run is taken for one that waits for others. */
const MAX_SIGNALS = 100;
/** The longest a worker takes, in virtual milliseconds. */
const LONGEST_STEP_MS = 400;

/** What is run, and on what. */
export interface LifeOrder {
  readonly executable: Executable;
  readonly ctx: Json;
  readonly context: JsonObject;
  readonly hash: HashText;
  readonly seed: number;
  /** The last entry before each crash, ascending; empty: no crash. */
  readonly crashes: readonly number[];
  /** Names of the signals the flow may wait for, and what they bring. */
  readonly signals: ReadonlyMap<string, Json>;
  /** Fresh, empty stores. */
  readonly stores: Stores;
}

/** How it went. */
export interface Life {
  readonly entries: readonly JournalEntry[];
  readonly end: { readonly status: string; readonly ctx: Json; readonly error?: string };
  /** How often each attempt was handed to a worker, by `key/attempt`. */
  readonly dispatched: ReadonlyMap<string, number>;
  /** What broke a rule, a line each. */
  readonly broken: readonly string[];
}

const RUN_ID = "R-0000000000000000";

/** Lets every promise settle that needs no I/O. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lives a run. */
export async function liveThrough(order: LifeOrder): Promise<Life> {
  const { stores, hash } = order;
  const clock = new VirtualClock();
  const workers = new Workers(order, stores);
  let host = 0;
  let isOver = false;
  const boot = (crash: number | undefined): { engine: Engine; view: ClockView; crashed: Promise<void> } => {
    const view = clock.view(() => 0);
    const linked = crashingStores(stores, crash);
    const executable: Executable = { ...order.executable, dispatch: workers.dispatch(view, linked.crashed) };
    const engine = new Engine({
      stores: linked.stores,
      clock: view,
      hash,
      newRunId: () => RUN_ID,
      hostId: `host-${host++}`,
      version: "simulated",
      resolve: async () => executable,
      maxRecoveries: order.crashes.length + 1,
    });
    if (host === 1) {
      engine.launch({ executable, ctx: order.ctx, context: order.context }).accepted.catch(() => {});
    } else void engine.recover();
    return { engine, view, crashed: linked.crashed };
  };

  const crashes = [...order.crashes];
  let life = boot(crashes.shift());
  let hasCrashed = false;
  void life.crashed.then(() => {
    hasCrashed = true;
  });
  let signals = 0;
  for (let tick = 0; !isOver; tick += 1) {
    await settle();
    await workers.atRest();
    await settle();
    const record = await stores.runs.get(RUN_ID);
    isOver =
      record !== undefined && ["done", "failed", "cancelled", "dead_letter", "suspended"].includes(record.status);
    if (isOver) break;
    if (hasCrashed) {
      hasCrashed = false;
      life.view.stop();
      life = boot(crashes.shift());
      void life.crashed.then(() => {
        hasCrashed = true;
      });
    } else if (workers.busy || clock.fireNext()) {
      if (tick > MAX_TICKS) break;
    } else if (signals < MAX_SIGNALS && order.signals.size > 0) {
      for (const [name, value] of order.signals) {
        life.engine.signal(RUN_ID, { name, id: `simulated-${signals++}`, value }).catch(() => {});
      }
    } else break;
  }
  const { entries } = await readJournal(stores, RUN_ID, { hash });
  const record = await stores.runs.get(RUN_ID);
  const last = entries.at(-1);
  const failure = last?.entry.type === "run_finished" ? last.entry.error?.message : record?.error;
  const broken = [...workers.broken];
  if (!isOver) broken.push("the run does not end: it waits for something that never comes");
  return {
    entries: entries.map(({ entry }) => entry),
    end: {
      status: record?.status ?? "unknown",
      ctx: last?.value ?? null,
      ...(failure === undefined ? {} : { error: failure }),
    },
    dispatched: workers.dispatched,
    broken,
  };
}

/** The workers of all hosts of one life, and what is known about whom they served. */
class Workers {
  readonly dispatched = new Map<string, number>();
  readonly broken: string[] = [];
  readonly #order: LifeOrder;
  readonly #stores: Stores;
  readonly #working = new Set<Promise<unknown>>();

  constructor(order: LifeOrder, stores: Stores) {
    this.#order = order;
    this.#stores = stores;
  }

  /** Whether a worker is at work. */
  get busy(): boolean {
    return this.#working.size > 0;
  }

  /** Resolves when no worker is at work any more (L1). */
  async atRest(): Promise<void> {
    while (this.#working.size > 0) await Promise.allSettled([...this.#working]);
  }

  /** The workers of one host: they answer when their virtual time is over, and never after the host's crash. */
  dispatch(clock: ClockView, crashed: Promise<void>): Executable["dispatch"] {
    return async (call) => {
      const { executable, seed, hash } = this.#order;
      const work = this.#checked(call).then(() => executable.dispatch(call));
      this.#working.add(work);
      const outcome = await work.finally(() => this.#working.delete(work));
      const drawn = new SeededRandom(seed ^ Number.parseInt(hash(call.key).slice(0, 8), 16));
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = clock.timer(clock.now() + 1 + drawn.below(LONGEST_STEP_MS), resolve);
      const stop = (): void => {
        timer.cancel();
        resolve();
      };
      call.signal.addEventListener("abort", stop, { once: true });
      void crashed.then(() => timer.cancel());
      await promise;
      call.signal.removeEventListener("abort", stop);
      return call.signal.aborted ? { kind: "cancelled" } : outcome;
    };
  }

  /**
   * The attempt rule: an effect gets each attempt once, unless that is one a restart enters again; its start is on disk
   * before it; a finished step gets none.
   */
  async #checked({ key, attempt, agent }: StepCall): Promise<void> {
    const id = `${key}/${attempt}`;
    const times = (this.dispatched.get(id) ?? 0) + 1;
    this.dispatched.set(id, times);
    const binding = this.#order.executable.binding(agent);
    const isEffect = binding?.pure === false;
    if (isEffect && binding.attach !== true && times > 1)
      this.broken.push(`step ${key}: attempt ${attempt} was handed out ${times} times`);
    const entries = (await readJournal(this.#stores, RUN_ID, { hash: this.#order.hash })).entries;
    const about = entries.map(({ entry }) => entry).filter((entry) => "key" in entry && entry.key === key);
    if (about.some((entry) => entry.type === "step_completed" && entry.accepted)) {
      this.broken.push(`step ${key} was handed out again after it had finished`);
    }
    if (isEffect && !about.some((entry) => entry.type === "step_started" && entry.attempt === attempt)) {
      this.broken.push(`step ${key}: attempt ${attempt} began before its start was on disk`);
    }
  }
}
