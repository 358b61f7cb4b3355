/**
 * The schedules of a host: what is asked about them, and what their firings come to.
 *
 * Owns: pinning the Blueprint of a schedule, and how a firing becomes a launch. Does not own: when it fires
 * (schedules/scheduler.ts).
 */
import type { ScheduleRecord, Stores } from "../stores/ports.ts";
import type { CompiledBlueprint } from "./blueprint/index.ts";
import { type Clock, EngineError } from "./engine/index.ts";
import type { Json } from "./flow/index.ts";
import { ScheduleError, type ScheduleOrder, Scheduler, scheduleOf } from "./schedules/index.ts";

export type { CatchUpPolicy, OverlapPolicy, ScheduleRecord, ScheduleTimes } from "../stores/ports.ts";
export type { ScheduleOrder } from "./schedules/index.ts";
export { CATCH_UP_POLICIES, MOST_CATCH_UP, OVERLAP_POLICIES, SCHEDULE_NAME } from "./schedules/index.ts";

/** What schedules need of their host. */
export interface HostSchedulesPorts {
  readonly stores: Pick<Stores, "schedules" | "runs" | "documents">;
  readonly clock: Clock;
  readonly blueprint: (version: string) => Promise<CompiledBlueprint | undefined>;
  readonly launch: (
    compiled: CompiledBlueprint,
    options: { readonly input?: Json; readonly idempotencyKey: string },
  ) => Promise<{ readonly runId: string }>;
  readonly cancel: (runId: string, request: { readonly reason: string; readonly by: string }) => Promise<void>;
  readonly onEntries: (runId: string, listener: () => void) => () => void;
  /** Told what could not be done and is tried again. */
  readonly onDefect: (error: unknown) => void;
}

/** The schedules of one host. */
export class HostSchedules {
  readonly #ports: HostSchedulesPorts;
  readonly #scheduler: Scheduler;

  constructor(ports: HostSchedulesPorts) {
    this.#ports = ports;
    const { stores, clock, onDefect } = ports;
    this.#scheduler = new Scheduler({
      schedules: stores.schedules,
      clock,
      onDefect,
      runs: {
        startedWith: async (key) => (await stores.runs.byIdempotencyKey(key))?.runId,
        start: (schedule, key) => this.#launch(schedule, key),
        hasEnded: (runId) => this.#hasEnded(runId),
        cancel: (runId, reason) => this.#cancel(runId, reason),
        onChange: ports.onEntries,
      },
    });
  }

  /** Adds a schedule of a Blueprint. Durable when it resolves. @throws ScheduleError `schedule_invalid`; StoreError `schedule_exists`. */
  async add(compiled: CompiledBlueprint, order: ScheduleOrder): Promise<ScheduleRecord> {
    const { blueprint, version, canonical } = compiled;
    const schedule = scheduleOf(order, { id: blueprint.id, version }, this.#ports.clock.now());
    await this.#ports.stores.documents.put({ version, blueprintId: blueprint.id, text: canonical, newest: true });
    await this.#scheduler.add(schedule);
    return schedule;
  }

  /** @throws ScheduleError `schedule_unknown`. */
  async get(name: string): Promise<ScheduleRecord> {
    const schedule = await this.#ports.stores.schedules.get(name);
    if (schedule !== undefined) return schedule;
    throw new ScheduleError("schedule_unknown", `there is no schedule ${name}`, { details: { name } });
  }

  /** By name, after `after`. */
  list(query: { readonly limit: number; readonly after?: string }): Promise<readonly ScheduleRecord[]> {
    return this.#ports.stores.schedules.list(query);
  }

  /** See Scheduler.pause. @throws ScheduleError `schedule_unknown`. */
  pause(name: string): Promise<ScheduleRecord> {
    return this.#scheduler.pause(name);
  }

  /** See Scheduler.resume. @throws ScheduleError `schedule_unknown`. */
  resume(name: string): Promise<ScheduleRecord> {
    return this.#scheduler.resume(name);
  }

  /** See Scheduler.remove. @throws ScheduleError `schedule_unknown`. */
  remove(name: string): Promise<void> {
    return this.#scheduler.remove(name);
  }

  /** Starts a run of it now; its id. See Scheduler.trigger. @throws ScheduleError `schedule_unknown`. */
  trigger(name: string, id: string): Promise<string> {
    return this.#scheduler.trigger(name, id);
  }

  /** Begins to fire. Once, after the host's runs have been recovered. */
  start(): Promise<void> {
    return this.#scheduler.start();
  }

  /** Fires no more. */
  close(): Promise<void> {
    return this.#scheduler.close();
  }

  async #launch({ name, blueprintVersion, input }: ScheduleRecord, idempotencyKey: string): Promise<string> {
    const compiled = await this.#ports.blueprint(blueprintVersion);
    if (compiled === undefined) {
      throw new ScheduleError("schedule_invalid", `the Blueprint ${blueprintVersion} is not in this store`, {
        details: { name },
      });
    }
    const run = await this.#ports.launch(compiled, { idempotencyKey, ...(input === undefined ? {} : { input }) });
    return run.runId;
  }

  async #hasEnded(runId: string): Promise<boolean> {
    const status = (await this.#ports.stores.runs.get(runId))?.status;
    return status === undefined || ["done", "failed", "cancelled", "dead_letter"].includes(status);
  }

  async #cancel(runId: string, reason: string): Promise<void> {
    try {
      await this.#ports.cancel(runId, { reason, by: "schedule" });
    } catch (error) {
      const isOver = error instanceof EngineError && (error.code === "run_ended" || error.code === "run_unknown");
      if (!isOver) throw error;
    }
  }
}
