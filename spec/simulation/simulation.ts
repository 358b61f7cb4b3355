/**
 * A whole life of some runs under one seed: hosts come and go, the disk is slow and sometimes full, workers answer when
 * they like, and every choice is drawn.
 *
 * Owns: the scheduler, the faults, the workers. Does not own: what must hold at the end (invariants.ts).
 *
 * G1  Between two choices every promise that can settle has: nothing else runs, so a scenario has one course.
 * G2  Faults stop when their number is used up; from then on everything that is possible happens sooner or later.
 * G3  A call of an effect is made at most once for each attempt, over all hosts, and only after its start is on disk. An
 *     attempt that is entered again is, under its first fence, with every memo it was told is kept, and once at a time.
 */
import type { RunHandle, StepCall } from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { SeededRandom } from "../../src/simulation/seeded-random.ts";
import { VirtualClock } from "../../src/simulation/virtual-clock.ts";
import { ENDED } from "../../stores/run-status.ts";
import { definitionOf, hash } from "../kernel/scripted-run.ts";
import { type Choice, drawChoice } from "./choices.ts";
import { type Acknowledged, brokenPromises } from "./invariants.ts";
import { BINDINGS, type Scenario, START } from "./scenarios.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { type HeldCall, MEMO, SimulatedHost } from "./simulated-host.ts";

/** Choices after which a run that has not ended never will. */
const MAX_TURNS = 6_000;
/** Restarts in a row that nothing else comes of. */
const MAX_IDLE_RESTARTS = 4;

/** How a simulation ended. */
export interface Outcome {
  /** Of the accepted runs, in the order of their launches. */
  readonly ends: readonly { readonly runId: string; readonly status: string; readonly ctx: Json }[];
  readonly turns: number;
  readonly faults: readonly string[];
}

/** Thrown where something does not hold; the message has the whole course. */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
}

interface Launched {
  handle: RunHandle;
  accepted: boolean;
  readonly signals: string[];
  result?: Acknowledged["result"];
  /** As their rows have it; suspended is paused by the disk. */
  paused: boolean;
  waiting: boolean;
  ended: boolean;
  /** Whether the launcher was told that nothing came of it. */
  refused: boolean;
}

/** The answer of an agent: of what it is asked and nothing else, so that doing it again answers the same. */
export function answerOf(agent: string, key: string, input: Json): Json {
  return Number.parseInt(hash(`${agent} ${key} ${JSON.stringify(input)}`).slice(0, 6), 16);
}

/** Lets every promise settle that can (G1). */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One simulation. */
export class Simulation {
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  readonly #clock = new VirtualClock();
  readonly #disk = new SimulatedDisk(() => this.#clock.now);
  readonly #hosts: SimulatedHost[] = [];
  readonly #runs: Launched[] = [];
  readonly #effects = new Set<string>();
  /** Fences of the attempts that are entered again: of those that are asked, once they were told that it is recorded. */
  readonly #fences = new Map<string, number>();
  readonly #trace: string[] = [];
  readonly #faults: string[] = [];
  readonly #hasSignals: boolean;
  readonly #hasSeats: boolean;
  readonly #definition: ReturnType<typeof definitionOf>;
  #ids = 0;
  #signals = 0;
  #faultsLeft: number;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = new SeededRandom(scenario.seed);
    this.#faultsLeft = scenario.faults;
    this.#definition = definitionOf(scenario.flow, { bindings: BINDINGS });
    this.#hasSeats = /"(seat|late|asked)"/.test(JSON.stringify(scenario.flow));
    this.#hasSignals = JSON.stringify(scenario.flow).includes('"wait_signal"');
  }

  /** Runs to the end. @throws SimulationError. */
  async run(): Promise<Outcome> {
    this.#boot();
    let idle = 0;
    let turn = 0;
    for (; !(await this.#isOver()); turn += 1) {
      if (turn > MAX_TURNS) this.#fail("it never ends");
      const choice = drawChoice(this.#random, [...this.#ordinary(), ...this.#faulty()]);
      if (choice !== undefined) {
        idle = 0;
        await this.#take(choice);
      } else if (idle < MAX_IDLE_RESTARTS) {
        idle += 1;
        await this.#take({ weight: 1, act: () => this.#crash("restart of a host that does nothing") });
      } else this.#fail("nothing can happen any more and a run has not ended");
    }
    // What is still under way when all runs have ended must not change them.
    for (let late = 0; late < 200; late += 1) {
      const choice = drawChoice(this.#random, this.#ordinary());
      if (choice === undefined) break;
      await this.#take(choice);
    }
    return { ends: await this.#check(), turns: turn, faults: this.#faults };
  }

  /** Everything that happened, a line each. */
  get trace(): readonly string[] {
    return this.#trace;
  }

  get #owner(): SimulatedHost {
    return this.#hosts.at(-1)!;
  }

  #boot(): void {
    const host = new SimulatedHost(`host-${this.#ids++}`, {
      disk: this.#disk,
      clock: this.#clock,
      random: this.#random,
      definition: { ...this.#definition, workerKind: () => "simulated" },
      newRunId: () => `R-${(this.#ids++).toString(16).padStart(16, "0")}`,
      onDispatch: (from, call) => this.#onDispatch(from, call),
      onMemo: ({ idempotencyKey, fence }) => void this.#fences.set(idempotencyKey, fence),
    });
    this.#hosts.push(host);
    void this.#disk.stores.ownership.renew({ hostId: host.id, leaseMs: Number.MAX_SAFE_INTEGER });
    host.engine.recover().then(
      () => this.#launchAll(host),
      (error: Error) => {
        if (host.role === "owner") this.#disk.violations.push(`${host.id} could not recover: ${error.message}`);
      },
    );
  }

  /** What was never acknowledged is launched again, as a client does. */
  #launchAll(host: SimulatedHost): void {
    if (host.role !== "owner") return;
    for (const [index, run] of this.#runs.entries()) if (!run.accepted) this.#runs[index] = this.#launch(host);
    while (this.#runs.length < this.#scenario.runs) this.#runs.push(this.#launch(host));
  }

  #launch(host: SimulatedHost): Launched {
    const handle = host.engine.launch({ executable: host.executable, ctx: START, context: {} });
    const run: Launched = {
      handle,
      accepted: false,
      signals: [],
      paused: false,
      waiting: false,
      ended: false,
      refused: false,
    };
    handle.accepted.then(
      () => {
        run.accepted = true;
      },
      () => {
        run.refused = true;
      },
    );
    handle.result.then(
      ({ status, ctx }) => {
        run.result = { status, ctx };
      },
      () => {},
    );
    return run;
  }

  #relaunch(index: number): string {
    this.#runs[index] = this.#launch(this.#owner);
    return `launch again on ${this.#owner.id}`;
  }

  #onDispatch(host: SimulatedHost, call: StepCall): void {
    const { runId, key, attempt, agent, idempotencyKey } = call;
    this.#trace.push(`    ${host.id} dispatches ${idempotencyKey} (${agent})`);
    if (BINDINGS[agent]?.attach === true || agent === "asked") this.#onEntry(host, call);
    else if (BINDINGS[agent]?.pure === false) {
      if (this.#effects.has(idempotencyKey)) this.#disk.violations.push(`${idempotencyKey} was dispatched twice (G3)`);
      this.#effects.add(idempotencyKey);
      const started = this.#written(runId, (entry) => entry.type === "step_started" && entry.attempt === attempt, key);
      if (!started) this.#disk.violations.push(`${idempotencyKey} was dispatched before its start was on disk (G3)`);
    }
    const done = this.#written(runId, (entry) => entry.type === "step_completed" && entry.accepted === true, key);
    if (done && host === this.#owner && host.role === "owner") {
      this.#disk.violations.push(`${idempotencyKey} was dispatched after the step's completion was on disk`);
    }
  }

  #onEntry(host: SimulatedHost, { runId, key, attempt, agent, idempotencyKey, fence, memo }: StepCall): void {
    const violation = (what: string): void => void this.#disk.violations.push(`${idempotencyKey} ${what} (G3)`);
    const started = this.#written(runId, (entry) => entry.type === "step_started" && entry.attempt === attempt, key);
    if (agent !== "asked" && !started) violation("was dispatched before its start was on disk");
    if (host.held.some(({ call }) => call.idempotencyKey === idempotencyKey && !call.signal.aborted)) {
      violation("was entered again while it was under way");
    }
    // A pure attempt that recorded nothing is not entered again but made again, and may be by two hosts at once.
    const isEntered = agent !== "asked" || memo.get(MEMO) !== undefined;
    const first = this.#fences.get(idempotencyKey);
    if (isEntered && first !== undefined && first !== fence) violation(`had the fence ${first} and has ${fence}`);
    if (agent !== "asked") this.#fences.set(idempotencyKey, fence);
    // Only the owner has read all of the journal.
    else if (first !== undefined && host.role === "owner" && memo.get(MEMO) !== key) violation("has lost a memo");
  }

  #written(
    runId: string,
    test: (entry: { type: string; attempt?: number; accepted?: boolean }) => boolean,
    key: string,
  ): boolean {
    return (this.#disk.written.get(runId) ?? []).some((text) => {
      const entry = JSON.parse(text) as { type: string; key?: string };
      return entry.key === key && test(entry);
    });
  }

  /** What may happen next without anything going wrong. */
  #ordinary(): readonly Choice[] {
    const choices: Choice[] = [];
    for (const host of this.#hosts) {
      if (host.role === "dead") continue;
      const { write, read, answer } = host.link.ready;
      if (write) choices.push({ weight: 3, act: () => `${host.id} disk: ${host.link.write()}` });
      if (read > 0)
        choices.push({ weight: 3, act: () => `${host.id} disk: ${host.link.read(this.#random.below(read))}` });
      if (answer) {
        choices.push({
          weight: 3,
          act: () => {
            host.link.answer();
            return `${host.id} disk answers`;
          },
        });
      }
      for (const held of host.held) choices.push({ weight: 1, act: () => this.#answer(host, held) });
    }
    if (this.#clock.pending > 0) {
      choices.push({
        weight: 1,
        act: () => {
          this.#clock.fireNext();
          return `time is ${this.#clock.now}`;
        },
      });
    }
    for (const [index, run] of this.#runs.entries()) {
      if (run.refused && this.#owner.role === "owner") choices.push({ weight: 1, act: () => this.#relaunch(index) });
      if (run.ended || !run.accepted) continue;
      if (this.#hasSignals) choices.push({ weight: 0.3, act: () => this.#signal(run) });
      if (this.#hasSeats && run.waiting) choices.push({ weight: 0.3, act: () => this.#wake(run) });
      if (run.paused) choices.push({ weight: 1, act: () => this.#resume(run) });
    }
    if (this.#disk.full) {
      choices.push({
        weight: 0.5,
        act: () => {
          this.#disk.full = false;
          return "the disk has room again";
        },
      });
    }
    return choices;
  }

  /** What may go wrong next, or be asked for at a bad moment. */
  #faulty(): readonly Choice[] {
    if (this.#faultsLeft === 0) return [];
    const choices: Choice[] = [
      { weight: 0.2, act: () => this.#fault("crash", () => this.#crash("crash")) },
      { weight: 0.1, act: () => this.#fault("takeover", () => this.#takeOver()) },
      { weight: 0.1, act: () => this.#fault("restart", () => this.#restart()) },
      {
        weight: 0.1,
        act: () =>
          this.#fault("full", () => {
            this.#disk.full = true;
            return "the disk is full";
          }),
      },
    ];
    for (const run of this.#runs) {
      if (!run.accepted || run.ended) continue;
      choices.push({ weight: 0.05, act: () => this.#fault("pause", () => this.#pause(run)) });
      if (!this.#scenario.deterministic) {
        choices.push({ weight: 0.05, act: () => this.#fault("cancel", () => this.#cancel(run)) });
      }
    }
    return choices;
  }

  async #take(choice: Choice): Promise<void> {
    this.#trace.push(await choice.act());
    await settle();
    for (const run of this.#runs) {
      const status = (await this.#disk.stores.runs.get(run.handle.runId))?.status;
      run.paused = status === "paused" || status === "suspended";
      run.waiting = status === "waiting";
      run.ended = status !== undefined && ENDED.has(status);
    }
    if (this.#disk.violations.length > 0) this.#fail(this.#disk.violations.join("\n"));
  }

  #fault(name: string, act: () => string | Promise<string>): string | Promise<string> {
    this.#faultsLeft -= 1;
    this.#faults.push(name);
    return act();
  }

  async #crash(why: string): Promise<string> {
    const dead = this.#owner;
    await dead.die(this.#random.below(4));
    await this.#disk.stores.ownership.leave(dead.id);
    this.#boot();
    return `${why}: ${dead.id} is dead, ${this.#owner.id} starts`;
  }

  async #takeOver(): Promise<string> {
    const former = this.#owner;
    former.role = "deposed";
    await this.#disk.stores.ownership.leave(former.id);
    this.#boot();
    return `${former.id} has lost its lease, ${this.#owner.id} starts`;
  }

  #restart(): string {
    const former = this.#owner;
    if (former.role === "closing") return `${former.id} is already closing`;
    former.role = "closing";
    void former.engine[Symbol.asyncDispose]().then(() => {
      if (this.#owner !== former || former.role === "dead") return;
      former.role = "dead";
      this.#boot();
      this.#trace.push(`    ${former.id} has closed, ${this.#owner.id} starts`);
    });
    return `${former.id} is closing`;
  }

  #answer(host: SimulatedHost, held: HeldCall): string {
    host.held.splice(host.held.indexOf(held), 1);
    const { agent, key, input, attempt, signal, idempotencyKey } = held.call;
    const boom = (retryable: boolean) =>
      ({ kind: "error", error: { code: "boom", message: "boom", retryable } }) as const;
    const flaky = attempt === 1 && answerOf(agent, `${key}?`, input) === 0;
    const chance = this.#random.below(4);
    if (signal.aborted && chance < 3) held.end({ kind: "cancelled" });
    else if (agent === "broken") held.end(boom(false));
    else if (flaky || (attempt === 1 && chance === 0)) held.end(boom(true));
    else held.end({ kind: "pass", value: answerOf(agent, key, input) });
    return `${host.id} worker of ${idempotencyKey} answers`;
  }

  #signal(run: Launched): string {
    const id = `s${this.#signals++}`;
    const { runId } = run.handle;
    this.#owner.engine.signal(runId, { name: "go", id, value: "go" }).then(
      () => {
        run.signals.push(id);
      },
      () => {},
    );
    return `signal ${id} to ${runId}`;
  }

  #wake(run: Launched): string {
    this.#owner.engine.wake(run.handle.runId).catch(() => {});
    return `wake ${run.handle.runId}`;
  }

  #pause(run: Launched): string {
    this.#owner.engine.pause(run.handle.runId, { reason: "test" }).catch(() => {});
    return `pause ${run.handle.runId}`;
  }

  #resume(run: Launched): string {
    this.#owner.engine.resume(run.handle.runId, { reason: "test" }).catch(() => {});
    return `resume ${run.handle.runId}`;
  }

  #cancel(run: Launched): string {
    const { runId } = run.handle;
    this.#owner.engine.cancel(runId, { reason: "test", by: "test" }).then(
      () => this.#trace.push(`    the cancel of ${runId} is acknowledged`),
      () => {},
    );
    return `cancel ${runId}`;
  }

  async #isOver(): Promise<boolean> {
    if (this.#runs.length < this.#scenario.runs) return false;
    for (const run of this.#runs) {
      if (!run.accepted) return false;
      const record = await this.#disk.stores.runs.get(run.handle.runId);
      if (record === undefined || !ENDED.has(record.status)) return false;
    }
    return true;
  }

  async #check(): Promise<Outcome["ends"]> {
    const ends: { runId: string; status: string; ctx: Json }[] = [];
    const broken: string[] = [];
    for (const { handle, accepted, signals, result } of this.#runs) {
      const { runId } = handle;
      const told = { runId, accepted, signals, ...(result === undefined ? {} : { result }) };
      broken.push(...(await brokenPromises(this.#disk, told)));
      const last = JSON.parse(this.#disk.written.get(runId)?.at(-1) ?? "{}") as {
        status: string;
        value?: { inline: Json };
      };
      ends.push({ runId, status: last.status, ctx: last.value?.inline ?? null });
    }
    if (broken.length > 0) this.#fail(broken.join("\n"));
    return ends;
  }

  #fail(what: string): never {
    throw new SimulationError(`${what}\n${JSON.stringify(this.#scenario)}\n${this.#trace.join("\n")}`);
  }
}
