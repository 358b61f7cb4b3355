/** An engine over the memory store with a manual clock and hand-held workers. */

import {
  Engine,
  type EnginePorts,
  type Executable,
  type RunEvent,
  type StepCall,
  type StepOutcome,
} from "../../src/engine/index.ts";
import type { Json } from "../../src/flow/index.ts";
import type { AgentBinding } from "../../src/kernel/index.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import type { Stores } from "../../stores/ports.ts";
import { definitionOf, hash } from "../kernel/scripted-run.ts";
import { ManualClock } from "./manual-clock.ts";

/** A dispatch under way that the test ends. */
export interface HeldCall {
  readonly call: StepCall;
  readonly end: (outcome?: StepOutcome) => void;
}

/** Everything an engine test touches. */
export class EngineFixture {
  readonly clock = new ManualClock();
  readonly held: HeldCall[] = [];
  readonly events: RunEvent[] = [];
  readonly stores: Stores;
  readonly engine: Engine;
  #arrival = Promise.withResolvers<void>();
  readonly #executables = new Map<string, Executable>();
  #ids = 0;

  constructor(wrap: (stores: Stores) => Stores = (stores) => stores) {
    this.stores = wrap(openMemoryStores());
    this.engine = this.newEngine("host-1");
  }

  /** Another engine over the same stores and clock, as a host that starts later is. */
  newEngine(hostId: string, options: Partial<EnginePorts> = {}): Engine {
    return new Engine({
      stores: this.stores,
      clock: this.clock,
      hash,
      newRunId: () => `R-${(this.#ids++).toString(16).padStart(16, "0")}`,
      hostId,
      version: "test",
      resolve: async (version) => {
        const executable = this.#executables.get(version);
        if (executable === undefined) throw new Error(`no Blueprint ${version}`);
        return executable;
      },
      ...options,
    });
  }

  /** An executable whose steps wait in `held`; `answer` ends some at once instead. */
  executable(
    flow: unknown,
    bindings?: Readonly<Record<string, AgentBinding>>,
    answer?: (call: StepCall) => StepOutcome | undefined,
    impure: Readonly<Record<string, () => Json>> = {},
  ): Executable {
    const executable: Executable = {
      ...definitionOf(flow, { impure, ...(bindings === undefined ? {} : { bindings }) }),
      workerKind: () => "test",
      dispatch: async (call) => {
        const now = answer?.(call);
        if (now !== undefined) return now;
        return new Promise((resolve) => {
          this.held.push({ call, end: (outcome = { kind: "pass", value: call.input }) => resolve(outcome) });
          this.#arrival.resolve();
          this.#arrival = Promise.withResolvers<void>();
        });
      },
    };
    this.#executables.set(executable.blueprint.version, executable);
    return executable;
  }

  /** Waits until at least `count` dispatches have arrived. */
  async arrived(count: number): Promise<void> {
    while (this.held.length < count) await this.#arrival.promise;
  }

  /** The stored entries of a run. */
  async journal(runId: string): Promise<{ type: string; key?: string; [field: string]: unknown }[]> {
    const rows = await this.stores.journals.read(runId, 1, 10_000);
    return rows.map(({ text }) => JSON.parse(text) as { type: string });
  }
}
