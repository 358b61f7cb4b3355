/** A desk and an engine over the memory store, with a clock that the test moves and sockets that it holds. */
import { setImmediate } from "node:timers/promises";
import { Engine, type StepCall, type StepOutcome } from "../../src/engine/index.ts";
import type { AgentBinding } from "../../src/kernel/index.ts";
import type { Consult } from "../../src/middleware/index.ts";
import { compose } from "../../src/middleware/stack.ts";
import { type Connection, Desk, deskConsult, type Link, operatorRequests } from "../../src/operators/index.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import type { Stores } from "../../stores/ports.ts";
import { ManualClock } from "../engine/manual-clock.ts";
import { definitionOf, hash } from "../kernel/scripted-run.ts";
import { makeAgent, spawnerOf } from "../workers/step-fixture.ts";
import type { Frame } from "./test-client.ts";

/** A step of an operator agent that is tried once, and entered again after a restart. */
const STEP = { kind: "step", ref: "scout", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } };
const AGENT = makeAgent({ kind: "operator", seat: "main", systemPrompt: "You are a scout." });

/** A socket that keeps what it is sent, as the test lets it. */
export class HeldLink implements Link {
  readonly codec = "json";
  readonly frames: Frame[] = [];
  /** What it says of its buffer. */
  buffered = 0;
  paused = false;
  closedWith: number | undefined;

  send(data: string | Uint8Array): void {
    this.frames.push(JSON.parse(String(data)) as Frame);
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  close(code: number): void {
    this.closedWith = code;
  }

  /** Frames of a type, oldest first. */
  of(type: string): readonly Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }
}

/** One life of a host. */
export class DeskFixture {
  readonly clock: ManualClock;
  readonly stores: Stores;
  readonly engine: Engine;
  readonly desk: Desk;
  readonly consult: Consult;
  readonly defects: unknown[] = [];
  readonly #executable;
  #ids = 0;

  /** @param over what an earlier life leaves, and what the step is wrapped in. */
  constructor(
    over: {
      readonly stores?: Stores;
      readonly clock?: ManualClock;
      readonly binding?: Partial<AgentBinding>;
      readonly layer?: (consult: Consult, call: StepCall) => Promise<StepOutcome | undefined>;
    } = {},
  ) {
    this.clock = over.clock ?? new ManualClock();
    this.stores = over.stores ?? openMemoryStores({ now: () => this.clock.now() });
    const { clock, stores } = this;
    this.engine = new Engine({
      stores,
      clock,
      hash,
      newRunId: () => `R-${(this.#ids++).toString(16).padStart(16, "0")}`,
      hostId: "host",
      version: "test",
      resolve: async () => this.#executable,
    });
    this.desk = new Desk({
      store: stores.operators,
      clock,
      credentials: {
        handle: ({ runId, key, attempt, generation }) => {
          const handle = `wh-${hash(`${runId}/${key}/${attempt}/${generation}`).slice(0, 32)}`;
          return { handle, digest: hash(handle) };
        },
        token: () => "token",
      },
      newId: () => hash(`id ${this.#ids++}`).slice(0, 32),
      newSecret: () => hash(`secret ${this.#ids++}`),
      wake: (runId) => this.engine.wake(runId),
      seatChanged: (runId, change) => this.engine.seatChanged(runId, change),
      emit: (...event) => this.engine.emit(...event),
      declared: async (runId) => ({ seats: ["main"], status: (await stores.runs.get(runId))?.status ?? "pending" }),
      onDefect: (error) => void this.defects.push(error),
    });
    this.consult = deskConsult(this.desk, clock);
    const spawner = spawnerOf(AGENT, { operators: operatorRequests(this.desk, clock), clock });
    const { layer } = over;
    const dispatch =
      layer === undefined
        ? spawner
        : compose([(next) => async (call) => (await layer(this.consult, call)) ?? next(call)], spawner);
    this.#executable = {
      ...definitionOf(STEP, { bindings: { scout: { ...bindingOf(), attach: true, ...over.binding } } }),
      workerKind: () => "operator",
      dispatch,
    };
  }

  /** The next life, over what this one left. */
  async restart(): Promise<DeskFixture> {
    await this.stop();
    const { clock, stores } = this;
    const next = new DeskFixture({ stores, clock });
    await next.engine.recover();
    await next.desk.start();
    return next;
  }

  async stop(): Promise<void> {
    await this.desk[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
  }

  async launch(): Promise<{ readonly runId: string; readonly result: Promise<unknown> }> {
    const run = this.engine.launch({ executable: this.#executable, ctx: {}, context: {} });
    await run.accepted;
    await this.settle();
    run.result.catch(() => {});
    return run;
  }

  async join(): Promise<{ readonly sessionId: string; readonly secret: string }> {
    const { session, secret } = await this.desk.join({ description: "someone" });
    return { sessionId: session.sessionId, secret };
  }

  /** Attaches a socket and lets everything settle that this sets going. */
  async attach(sessionId: string): Promise<{ readonly link: HeldLink; readonly connection: Connection }> {
    const link = new HeldLink();
    const connection = await this.desk.connect(sessionId, link);
    await this.settle();
    return { link, connection };
  }

  async seat(runId: string, sessionId: string): Promise<void> {
    await this.desk.acquire({ runId, sessionId, description: "to work" });
    await this.settle();
  }

  /** Moves time on in steps, so that what each timer sets going is done before the next. */
  async pass(ms: number, step = ms): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      this.clock.advance(Math.min(step, left));
      await this.settle();
      // What was set for a time that has come by now.
      this.clock.advance(0);
      await this.settle();
    }
  }

  /** Lets everything happen that waits for no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  }
}

function bindingOf(): AgentBinding {
  return {
    digest: "0".repeat(64),
    pure: false,
    retry: { maxAttempts: 1, backoffMs: 0, backoffFactor: 1, maxBackoffMs: 0, jitter: 0, nonRetryable: [] },
  };
}
