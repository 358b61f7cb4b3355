/** One life of a host: an engine, its link to the disk, its clock, and the worker calls it has under way. */
import { Engine, type Executable, type StepAbort, type StepCall, type StepOutcome } from "../../src/engine/index.ts";
import type { SeededRandom } from "../../src/simulation/seeded-random.ts";
import type { ClockView, VirtualClock } from "../../src/simulation/virtual-clock.ts";
import { hash } from "../kernel/scripted-run.ts";
import { DiskLink, type SimulatedDisk } from "./simulated-disk.ts";

/** The memo of calls that ask somebody outside; it says their key. */
export const MEMO = "asked";

/** A worker call under way. */
export interface HeldCall {
  readonly call: StepCall;
  readonly end: (outcome: StepOutcome) => void;
}

/** What a host lives in. */
export interface HostWorld {
  readonly disk: SimulatedDisk;
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  /** Everything of a Blueprint version but where its steps go. */
  readonly definition: Omit<Executable, "dispatch">;
  /** Ids for new runs, over all hosts. */
  readonly newRunId: () => string;
  /** Told every call before its worker gets it. */
  readonly onDispatch: (host: SimulatedHost, call: StepCall) => void;
  /** Told that a call's memo is kept. */
  readonly onMemo: (call: StepCall) => void;
}

/** A host, until it dies. */
export class SimulatedHost {
  readonly id: string;
  readonly engine: Engine;
  readonly executable: Executable;
  readonly link: DiskLink;
  readonly held: HeldCall[] = [];
  /** `owner`: the one that should drive the runs. `deposed`: its lease is lost and it may not know. */
  role: "owner" | "closing" | "deposed" | "dead" = "owner";
  readonly #clock: ClockView;

  constructor(id: string, world: HostWorld) {
    this.id = id;
    this.link = new DiskLink(world.disk);
    this.#clock = world.clock.view(() => world.random.next());
    this.executable = {
      ...world.definition,
      dispatch: (call) => {
        world.onDispatch(this, call);
        return new Promise((resolve) => {
          const held = { call, end: resolve };
          this.held.push(held);
          this.#outside(held, world);
        });
      },
    };
    this.engine = new Engine({
      stores: this.link.stores,
      clock: this.#clock,
      hash,
      newRunId: world.newRunId,
      hostId: id,
      version: "simulated",
      resolve: async () => this.executable,
      maxRecoveries: 10_000,
    });
  }

  /** What an attempt does that waits outside: it records what it asked, rests, and lets go when the run is parked. */
  #outside(held: HeldCall, { definition, onMemo }: HostWorld): void {
    const { call, end } = held;
    const letGo = (): void => {
      if ((call.signal.reason as StepAbort).kind !== "parked") return;
      const index = this.held.indexOf(held);
      if (index >= 0) this.held.splice(index, 1);
      end({ kind: "cancelled" });
    };
    if (call.signal.aborted) letGo();
    call.signal.addEventListener("abort", letGo, { once: true });
    if (definition.binding(call.agent)?.attach === true) call.rest();
    else if (call.agent === "asked") {
      call.memo.put(MEMO, call.key, { attach: true }).then(
        () => {
          onMemo(call);
          call.rest();
        },
        () => {},
      );
    }
  }

  /** The process is gone, with everything it had in memory. */
  async die(torn: number): Promise<void> {
    this.role = "dead";
    this.#clock.stop();
    this.held.length = 0;
    await this.link.cut(torn);
  }
}
