/**
 * A life of parents, children and forks under one seed: hosts die and lose their leases, the disk is slow and sometimes
 * full, parents and children are cancelled.
 *
 * Owns: the scheduler, the faults, the three flows. Does not own: what must hold of one journal (invariants.ts).
 *
 * F1  An attempt has one child, over all hosts.
 * F2  When a parent has ended, so have its children, or they are orphans that the next start ends.
 * F3  A fork executes no step that its source has passed.
 */
import type { CompiledBlueprint } from "../../src/blueprint/index.ts";
import { Engine, type Executable, type StepCall, type StepOutcome } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { HostChildren } from "../../src/host-children.ts";
import { SeededRandom } from "../../src/simulation/seeded-random.ts";
import { type ClockView, VirtualClock } from "../../src/simulation/virtual-clock.ts";
import { type RunRecord, StoreError } from "../../stores/ports.ts";
import { ENDED } from "../../stores/run-status.ts";
import { bindingOf, definitionOf, fanout, hash, lit, path, seq, step } from "../kernel/scripted-run.ts";
import { type Choice, drawChoice } from "./choices.ts";
import { brokenPromises } from "./invariants.ts";
import { DiskLink, SimulatedDisk } from "./simulated-disk.ts";

/** One simulation. Equal scenarios are equal simulations. */
export interface FamilyScenario {
  readonly seed: number;
  readonly faults: number;
  /** Of the parent, of its children, of theirs; `team` has a run of the next do the step. */
  readonly flows: readonly [parent: Json, child: Json, grandchild: Json];
  /** Whether somebody cancels runs meanwhile. */
  readonly cancels: boolean;
}

const effect = step("effect", lit(1), "$.a");
const team = step("team", lit({}), "$.b");
const caught = (body: Json): Json => ({
  kind: "try",
  body,
  catch: { kind: "assign", at: path("$.caught"), value: lit(true) },
  err_at: path("$.err"),
});

/** Flows with steps that another run does. */
export const PARENT_FLOWS: readonly Json[] = [
  team,
  seq(effect, team, step("effect", path("$.b"), "$.c")),
  fanout("all", lit([1, 2, 3]), team, "$.lanes"),
  caught(seq(team, effect)),
  { kind: "loop", counter: path("$.n"), cond: lit(true), body: team, max: 2 },
];
/** Flows that may have such steps too. */
export const CHILD_FLOWS: readonly Json[] = [
  effect,
  seq(effect, step("sleep", lit(5_000), "$.c"), effect),
  seq(step("effect", lit(2), "$.a"), step("broken", lit(0), "$.never")),
  seq(effect, team),
];
/** Flows that end there. */
export const GRANDCHILD_FLOWS: readonly Json[] = [
  effect,
  step("sleep", lit(60_000), "$.a"),
  step("broken", lit(0), "$.a"),
];

const retry = { maxAttempts: 2, backoffMs: 10, backoffFactor: 2, maxBackoffMs: 100, jitter: 0.5, nonRetryable: [] };
const BINDINGS = {
  effect: bindingOf({ pure: false, retry }),
  broken: bindingOf({ pure: false }),
  team: bindingOf({ pure: false, attach: true }),
  sleep: bindingOf({ pure: false, waits: "sleep" }),
};

const MAX_TURNS = 8_000;
/** Lets every promise settle that can. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Held {
  readonly call: StepCall;
  readonly end: (outcome: StepOutcome) => void;
}

interface Host {
  readonly id: string;
  readonly engine: Engine;
  readonly children: HostChildren;
  readonly link: DiskLink;
  readonly clock: ClockView;
  readonly held: Held[];
  readonly parent: Executable;
  role: "owner" | "deposed" | "dead";
}

/** One simulation. */
export class FamilySimulation {
  readonly trace: string[] = [];
  readonly #scenario: FamilyScenario;
  readonly #random: SeededRandom;
  readonly #clock = new VirtualClock();
  readonly #disk = new SimulatedDisk(() => this.#clock.now);
  readonly #hosts: Host[] = [];
  readonly #effects = new Set<string>();
  /** The run, and then its fork, once their launchers were told of them. */
  readonly #told: string[] = [];
  #isForked = false;
  #ids = 0;
  #faultsLeft: number;

  constructor(scenario: FamilyScenario) {
    this.#scenario = scenario;
    this.#random = new SeededRandom(scenario.seed);
    this.#faultsLeft = scenario.faults;
  }

  /** Runs to the end: what the parent's run and its fork came to. Throws where something does not hold. */
  async run(): Promise<readonly { readonly status: string; readonly ctx: Json }[]> {
    for (const id of ["1", "2"]) {
      await this.#disk.stores.documents.put({ version: id, blueprintId: id, text: `{"level":${id}}`, newest: true });
    }
    await this.#boot();
    let idle = 0;
    for (let turn = 0; !(await this.#isOver()); turn += 1) {
      if (turn > MAX_TURNS) this.#fail("it never ends");
      const choice = drawChoice(this.#random, [...(await this.#ordinary()), ...(await this.#faulty())]);
      if (choice !== undefined) {
        idle = 0;
        await this.#take(choice);
      } else if (idle++ < 3) await this.#take({ weight: 1, act: () => this.#crash() });
      else this.#fail("nothing can happen any more and a run has not ended");
    }
    return this.#check();
  }

  get #owner(): Host {
    return this.#hosts.at(-1)!;
  }

  async #boot(): Promise<void> {
    const id = `host-${this.#ids++}`;
    const link = new DiskLink(this.#disk);
    const clock = this.#clock.view(() => this.#random.next());
    const held: Held[] = [];
    const executables = this.#scenario.flows.map((flow, level) => this.#executable(flow, level, held, () => host));
    const versions = new Map(executables.map((one) => [one.blueprint.version, one]));
    const engine: Engine = new Engine({
      stores: link.stores,
      clock,
      hash,
      newRunId: () => `R-${(this.#ids++).toString(16).padStart(16, "0")}`,
      hostId: id,
      version: "simulated",
      maxRecoveries: 10_000,
      resolve: async (version) => versions.get(version) ?? Promise.reject(new Error(`no Blueprint ${version}`)),
      childEnded: (runId) => host.children.childEnded(runId),
    });
    const children = new HostChildren({
      stores: link.stores,
      engine,
      clock,
      compile: async (document) => {
        const { level } = document as { level: number };
        return { version: executables[level]?.blueprint.version } as CompiledBlueprint;
      },
      launch: async ({ version }, { input, idempotencyKey, parent }) => {
        const executable = versions.get(version)!;
        const handle = engine.launch({ executable, ctx: input, context: {}, idempotencyKey, parent });
        try {
          await handle.accepted;
          return handle;
        } catch (error) {
          if (!(error instanceof StoreError && error.code === "run_key_taken")) throw error;
          return engine.attach(String(error.details["runId"]));
        }
      },
      onDefect: () => {},
    });
    const host: Host = { id, engine, children, link, clock, held, parent: executables[0]!, role: "owner" };
    this.#hosts.push(host);
    await this.#disk.stores.ownership.renew({ hostId: id, leaseMs: Number.MAX_SAFE_INTEGER });
    engine
      .recover()
      .then(() => children.start())
      .then(() => this.#begin(host))
      .catch((error: Error) => {
        if (host.role === "owner") this.#disk.violations.push(`${id} could not start: ${error.message}`);
      });
  }

  /** The run, and later its fork, are launched until one is accepted. */
  #begin(host: Host): void {
    if (host.role !== "owner") return;
    const isFork = this.#told.length === 1;
    const accepted = async (runId: string): Promise<void> => {
      // Nobody is told of a run that never began; whoever claims it takes it away.
      if (((await this.#row(runId))?.nextSeq ?? 1) === 1) return host.engine.wake(runId);
      if (this.#told.length === (isFork ? 1 : 0)) this.#told.push(runId);
    };
    const refused = (error: unknown): void => {
      if (error instanceof StoreError && error.code === "run_key_taken")
        accepted(String(error.details["runId"])).catch(refused);
      else this.trace.push(`    not accepted by ${host.id}: ${String(error)}`);
    };
    const [source] = this.#told;
    if (!isFork) {
      const order = { executable: host.parent, ctx: {}, context: {}, idempotencyKey: "the run" };
      const run = host.engine.launch(order);
      run.accepted.then(() => accepted(run.runId)).catch(refused);
    } else if (source !== undefined && this.#isForked) {
      const fork = host.engine.fork({ runId: source, executable: host.parent });
      fork.then((run) => run.accepted.then(() => accepted(run.runId))).catch(refused);
    }
  }

  #executable(flow: Json, level: number, held: Held[], host: () => Host): Executable {
    return {
      ...definitionOf(flow, { bindings: BINDINGS }),
      blueprint: { id: `${level}`, version: `v${level}` },
      workerKind: (agent) => agent,
      dispatch: async (call) => {
        this.trace.push(`    ${host().id} dispatches ${call.idempotencyKey} (${call.agent})`);
        if (call.agent === "team") return this.#team(call, level + 1, host());
        if (this.#effects.has(call.idempotencyKey))
          this.#disk.violations.push(`${call.idempotencyKey} was dispatched twice`);
        this.#effects.add(call.idempotencyKey);
        return new Promise((end) => held.push({ call, end }));
      },
    };
  }

  async #team(call: StepCall, level: number, { children }: Host): Promise<StepOutcome> {
    const end = await children.see(call, () => ({ target: { kind: "id", id: `${level}` }, input: { level } }));
    if (end.status === "done") return { kind: "pass", value: end.ctx };
    return { kind: "error", error: { code: `child_${end.status}`, message: end.status, retryable: false } };
  }

  async #ordinary(): Promise<readonly Choice[]> {
    const choices: Choice[] = [];
    for (const host of this.#hosts) {
      if (host.role === "dead") continue;
      const { write, read, answer } = host.link.ready;
      if (write) choices.push({ weight: 3, act: () => `${host.id} disk: ${host.link.write()}` });
      if (read > 0)
        choices.push({ weight: 3, act: () => `${host.id} disk: ${host.link.read(this.#random.below(read))}` });
      if (answer) {
        const act = (): string => {
          host.link.answer();
          return `${host.id} disk answers`;
        };
        choices.push({ weight: 3, act });
      }
      for (const held of host.held) choices.push({ weight: 1, act: () => this.#answer(host, held) });
    }
    if (this.#clock.pending > 0) {
      const act = (): string => {
        this.#clock.fireNext();
        return `time is ${this.#clock.now}`;
      };
      choices.push({ weight: 0.5, act });
    }
    if (this.#disk.full) {
      const act = (): string => {
        this.#disk.full = false;
        return "the disk has room again";
      };
      choices.push({ weight: 0.5, act });
    }
    for (const { runId, status } of await this.#rows()) {
      if (status !== "suspended") continue;
      const act = (): string => {
        this.#owner.engine.resume(runId, { reason: "test" }).catch(() => {});
        return `resume ${runId}`;
      };
      choices.push({ weight: 1, act });
    }
    const [run] = this.#told;
    const isEnded = run !== undefined && ENDED.has((await this.#row(run))?.status ?? "running");
    if (this.#told.length === (isEnded ? 1 : 0) && this.#owner.role === "owner") {
      const act = (): string => {
        this.#isForked = isEnded;
        this.#begin(this.#owner);
        return isEnded ? "fork" : "launch";
      };
      choices.push({ weight: 0.3, act });
    }
    return choices;
  }

  async #faulty(): Promise<readonly Choice[]> {
    if (this.#faultsLeft === 0) return [];
    const fault =
      (act: Choice["act"]): Choice["act"] =>
      () => {
        this.#faultsLeft -= 1;
        return act();
      };
    const fill = (): string => {
      this.#disk.full = true;
      return "the disk is full";
    };
    const choices: Choice[] = [
      { weight: 0.2, act: fault(() => this.#crash()) },
      { weight: 0.1, act: fault(() => this.#takeOver()) },
      { weight: 0.1, act: fault(fill) },
    ];
    if (!this.#scenario.cancels) return choices;
    for (const { runId, status } of await this.#rows()) {
      if (ENDED.has(status)) continue;
      const act = fault(() => {
        this.#owner.engine.cancel(runId, { reason: "test", by: "test" }).catch(() => {});
        return `cancel ${runId}`;
      });
      choices.push({ weight: 0.05, act });
    }
    return choices;
  }

  async #take(choice: Choice): Promise<void> {
    this.trace.push(await choice.act());
    await settle();
    if (this.#disk.violations.length > 0) this.#fail(this.#disk.violations.join("\n"));
  }

  async #crash(): Promise<string> {
    const dead = this.#owner;
    dead.role = "dead";
    dead.clock.stop();
    dead.held.length = 0;
    await dead.link.cut(this.#random.below(4));
    await this.#disk.stores.ownership.leave(dead.id);
    await this.#boot();
    return `crash: ${dead.id} is dead, ${this.#owner.id} starts`;
  }

  async #takeOver(): Promise<string> {
    const former = this.#owner;
    former.role = "deposed";
    await this.#disk.stores.ownership.leave(former.id);
    await this.#boot();
    return `${former.id} has lost its lease, ${this.#owner.id} starts`;
  }

  #answer(host: Host, held: Held): string {
    host.held.splice(host.held.indexOf(held), 1);
    const { agent, key, signal, attempt, idempotencyKey } = held.call;
    const boom = (retryable: boolean): StepOutcome => ({
      kind: "error",
      error: { code: "boom", message: "boom", retryable },
    });
    if (signal.aborted) held.end({ kind: "cancelled" });
    else if (agent === "broken") held.end(boom(false));
    else if (attempt === 1 && this.#random.below(4) === 0) held.end(boom(true));
    else held.end({ kind: "pass", value: `${agent} ${key}` });
    return `${host.id} worker of ${idempotencyKey} answers`;
  }

  #rows(): Promise<readonly RunRecord[]> {
    return this.#disk.stores.runs.list({ limit: 1_000 });
  }

  #row(runId: string): Promise<RunRecord | undefined> {
    return this.#disk.stores.runs.get(runId);
  }

  /** When the run and its fork have ended, with all their children. */
  async #isOver(): Promise<boolean> {
    if (this.#told.length < 2) return false;
    return (await this.#rows()).every(({ status }) => ENDED.has(status));
  }

  async #check(): Promise<readonly { readonly status: string; readonly ctx: Json }[]> {
    const broken: string[] = [];
    const rows = await this.#rows();
    const attempts = new Set<string>();
    for (const { runId, parentRunId, parentStep, nextSeq } of rows) {
      if (nextSeq > 1) broken.push(...(await brokenPromises(this.#disk, { runId, accepted: true, signals: [] })));
      if (parentRunId === undefined) continue;
      const attempt = `${parentRunId}/${parentStep?.key}/${parentStep?.attempt}`;
      if (attempts.has(attempt)) broken.push(`${attempt} has two children (F1)`);
      attempts.add(attempt);
    }
    const ends = this.#told.map((runId) => {
      const last = JSON.parse(this.#disk.written.get(runId)?.at(-1) ?? "{}");
      return { status: String(last.status), ctx: (last.value?.inline ?? null) as Json };
    });
    const [run, fork] = this.#told;
    const passed = this.#keys(run ?? "", (entry) => entry.type === "step_completed" && entry.outcome === "pass");
    const again = this.#keys(fork ?? "", (entry) => entry.type === "step_started");
    for (const key of again) if (passed.has(key)) broken.push(`the fork executed ${key} again (F3)`);
    if (broken.length > 0) this.#fail(broken.join("\n"));
    return ends;
  }

  #keys(runId: string, test: (entry: { type: string; outcome?: string }) => boolean): ReadonlySet<string> {
    const entries = (this.#disk.written.get(runId) ?? []).map(
      (text) => JSON.parse(text) as { type: string; key?: string },
    );
    return new Set(entries.flatMap((entry) => (entry.key !== undefined && test(entry) ? [entry.key] : [])));
  }

  #fail(what: string): never {
    throw new Error(`${what}\n${JSON.stringify(this.#scenario)}\n${this.trace.join("\n")}`);
  }
}
