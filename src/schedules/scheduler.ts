/**
 * Fires schedules: starts their runs when they are due.
 *
 * Owns: which firings are due, what the overlap and catch-up policies make of them, and the one timer.
 * Does not own: when a schedule fires (occurrences.ts), what a run is (its ports).
 *
 * F1  A firing starts at most one run: the run's idempotency key names the schedule and the time, so a crash between
 *     starting the run and recording the firing starts nothing twice.
 * F2  What changes one schedule is done one after the other; schedules do not wait for each other.
 * F3  There is one timer, for the earliest firing of all; without one nothing is done.
 * F4  What the store or the host refuses for a while is tried again; what is wrong with the firing itself is recorded as
 *     `failed`, and the schedule goes on.
 */
import { type Firing, type ScheduleRecord, type ScheduleStore, StoreError } from "../../stores/ports.ts";
import { type Clock, EngineError, type Timer } from "../engine/index.ts";
import { ScheduleError } from "./errors.ts";
import { firingAfter, firingsBetween } from "./occurrences.ts";

/** What a scheduler needs of runs. */
export interface ScheduledRuns {
  /** The run that was started with an idempotency key. */
  startedWith(key: string): Promise<string | undefined>;
  /** Starts a run of the schedule; resolves with its id when that is durable. */
  start(schedule: ScheduleRecord, key: string): Promise<string>;
  /** Whether the run has ended, or is not here any more. */
  hasEnded(runId: string): Promise<boolean>;
  /** Cancels a run and waits for its end. */
  cancel(runId: string, reason: string): Promise<void>;
  /** Calls `listener` whenever something of the run was written; the returned function ends that. */
  onChange(runId: string, listener: () => void): () => void;
}

/** What a scheduler needs. */
export interface SchedulerPorts {
  readonly schedules: ScheduleStore;
  readonly runs: ScheduledRuns;
  readonly clock: Clock;
  /** Told what a firing could not be recorded with. */
  readonly onDefect: (error: unknown) => void;
}

/** How late a firing may be and still count as on time, in milliseconds: `none` passes over what is later. */
export const ON_TIME_MS = 10_000;
/** After which time something is tried again (F4), in milliseconds. */
const TRY_AGAIN_MS = 30_000;
/** Schedules looked at together. */
const PAGE = 100;

/** The scheduler of one host. */
export class Scheduler {
  readonly #ports: SchedulerPorts;
  /** What is under way for each schedule (F2). */
  readonly #turns = new Map<string, Promise<void>>();
  /** Who waits for the end of a schedule's previous run. */
  readonly #waits = new Map<string, () => void>();
  /** What is left alone for a while, and until when (F4). */
  readonly #resting = new Map<string, Timer>();
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  /** Whether what is looked at may have changed since. */
  #lookAgain = false;
  #isStarted = false;
  #isClosed = false;

  constructor(ports: SchedulerPorts) {
    this.#ports = ports;
  }

  /** Begins to fire. Once, after the runs have been recovered. */
  async start(): Promise<void> {
    this.#isStarted = true;
    let after: string | undefined;
    for (;;) {
      const page = await this.#ports.schedules.list({ limit: PAGE, ...(after === undefined ? {} : { after }) });
      for (const { name, bufferedAt } of page) if (bufferedAt !== undefined) this.#awaitPrevious(name);
      after = page.at(-1)?.name;
      if (page.length < PAGE || after === undefined) break;
    }
    this.#look();
  }

  /** Adds a schedule. @throws StoreError `schedule_exists`. */
  async add(schedule: ScheduleRecord): Promise<void> {
    await this.#ports.schedules.create(schedule);
    this.#look();
  }

  /** Fires no more until `resume`. A firing that waits for the previous run goes on waiting. */
  pause(name: string): Promise<ScheduleRecord> {
    return this.#change(name, ({ nextAt: _none, ...schedule }) => ({ ...schedule, paused: true }));
  }

  /** Ends a pause. What would have fired meanwhile is passed over. */
  async resume(name: string): Promise<ScheduleRecord> {
    const resumed = await this.#change(name, ({ nextAt: known, ...schedule }) => {
      const nextAt = schedule.paused ? firingAfter(schedule.times, this.#ports.clock.now()) : known;
      return { ...schedule, paused: false, ...(nextAt === undefined ? {} : { nextAt }) };
    });
    if (resumed.bufferedAt !== undefined) this.#awaitPrevious(name);
    return resumed;
  }

  /** Removes a schedule. Its runs go on. */
  async remove(name: string): Promise<void> {
    await this.#inTurn(name, async () => {
      if (!(await this.#ports.schedules.remove(name))) throw unknown(name);
    });
    this.#waits.get(name)?.();
  }

  /** Starts a run now, whatever the overlap policy says and whether it is paused; the same `id` again is the same run. */
  trigger(name: string, id: string): Promise<string> {
    return this.#inTurn(name, async () => {
      const schedule = await this.#known(name);
      const key = runKey(schedule, `trigger/${id}`);
      const known = await this.#ports.runs.startedWith(key);
      if (known !== undefined) return known;
      const runId = await this.#ports.runs.start(schedule, key);
      await this.#put({ ...schedule, lastRunId: runId });
      return runId;
    });
  }

  /** Fires no more; resolves when what is under way has been recorded. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const timer of this.#resting.values()) timer.cancel();
    for (const stop of this.#waits.values()) stop();
    await this.#looking;
    await Promise.all(this.#turns.values());
  }

  /** Fires what is due and sets the timer for what comes next (F3). */
  #look(): void {
    this.#lookAgain = true;
    if (!this.#isStarted || this.#isClosed || this.#looking !== undefined) return;
    this.#looking = this.#lookWhileAsked().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookWhileAsked(): Promise<void> {
    try {
      while (this.#lookAgain && !this.#isClosed) {
        this.#lookAgain = false;
        await this.#lookOnce();
      }
    } catch (error) {
      this.#ports.onDefect(error);
      this.#lookAt(this.#ports.clock.now() + TRY_AGAIN_MS);
    }
  }

  async #lookOnce(): Promise<void> {
    const { schedules, clock } = this.#ports;
    const busy = this.#turns.size + this.#resting.size;
    for (const { name, nextAt = 0 } of await schedules.upcoming(busy + PAGE)) {
      // When its turn or its rest is over, everything is looked at again.
      if (this.#turns.has(name) || this.#resting.has(name)) continue;
      if (nextAt > clock.now()) return this.#lookAt(nextAt);
      this.#inTurn(name, () => this.#fire(name)).catch((error: unknown) => this.#rest(name, error));
    }
  }

  #lookAt(at: number): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#timer = this.#ports.clock.timer(at, () => this.#look());
  }

  /** Leaves a schedule alone for a while (F4). */
  #rest(name: string, error: unknown): void {
    if (this.#isClosed) return;
    this.#ports.onDefect(error);
    const { clock } = this.#ports;
    this.#resting.get(name)?.cancel();
    const timer = clock.timer(clock.now() + TRY_AGAIN_MS, () => {
      this.#resting.delete(name);
      this.#awaitPrevious(name);
      this.#look();
    });
    this.#resting.set(name, timer);
  }

  /** Deals with all firings of a schedule that are due, and records how far it has come. */
  async #fire(name: string): Promise<void> {
    const now = this.#ports.clock.now();
    const found = await this.#ports.schedules.get(name);
    if (this.#isClosed || found?.nextAt === undefined || found.nextAt > now) return;
    let schedule = found;
    for (const at of dueFirings(found, now)) schedule = await this.#fireOne(schedule, at);
    const { nextAt: _dealtWith, ...rest } = schedule;
    const nextAt = firingAfter(found.times, now);
    await this.#put({
      ...rest,
      ...(nextAt === undefined ? {} : { nextAt }),
      ...(schedule === found ? { last: { at: found.nextAt, outcome: "missed" } } : {}),
    });
    if (schedule.bufferedAt !== undefined) this.#awaitPrevious(name);
  }

  /** One firing, by the overlap policy. */
  async #fireOne(schedule: ScheduleRecord, at: number): Promise<ScheduleRecord> {
    const { runs } = this.#ports;
    const key = runKey(schedule, String(at));
    const known = await runs.startedWith(key);
    if (known !== undefined) return started(schedule, at, known);
    const { lastRunId, overlap, bufferedAt } = schedule;
    if (lastRunId !== undefined && overlap !== "allow_all" && !(await runs.hasEnded(lastRunId))) {
      if (overlap === "skip" || (overlap === "buffer_one" && bufferedAt !== undefined))
        return { ...schedule, last: { at, outcome: "skipped" } };
      if (overlap === "buffer_one") return { ...schedule, bufferedAt: at, last: { at, outcome: "buffered" } };
      return this.#start(schedule, at, key, lastRunId);
    }
    return this.#start(schedule, at, key);
  }

  /** @param instead The run to cancel before. */
  async #start(schedule: ScheduleRecord, at: number, key: string, instead?: string): Promise<ScheduleRecord> {
    const { runs } = this.#ports;
    try {
      if (instead !== undefined) await runs.cancel(instead, `the schedule ${schedule.name} starts its next run`);
      return started(schedule, at, await runs.start(schedule, key));
    } catch (error) {
      if (isPassing(error)) throw error;
      const last: Firing = { at, outcome: "failed", error: error instanceof Error ? error.message : String(error) };
      return { ...schedule, last };
    }
  }

  /** Starts the firing that waits as soon as the previous run has ended. */
  #awaitPrevious(name: string): void {
    if (!this.#isStarted || this.#isClosed || this.#waits.has(name)) return;
    const stop = (): void => {
      off();
      this.#waits.delete(name);
    };
    let off = (): void => {};
    this.#waits.set(name, stop);
    const attempt = async (): Promise<void> => {
      const schedule = await this.#ports.schedules.get(name);
      if (this.#isClosed || schedule?.bufferedAt === undefined || schedule.paused) return stop();
      const { bufferedAt: at, ...rest } = schedule;
      const { lastRunId } = rest;
      if (lastRunId !== undefined && !(await this.#ports.runs.hasEnded(lastRunId))) {
        off();
        // It may have ended before the listening begins: asked again then.
        off = this.#ports.runs.onChange(lastRunId, again);
        if (await this.#ports.runs.hasEnded(lastRunId)) again();
        return;
      }
      stop();
      const key = runKey(schedule, String(at));
      const known = await this.#ports.runs.startedWith(key);
      await this.#put(known === undefined ? await this.#start(rest, at, key) : started(rest, at, known));
    };
    const again = (): void => {
      if (!this.#waits.has(name)) return;
      off();
      off = () => {};
      this.#inTurn(name, attempt).catch((error: unknown) => {
        stop();
        this.#rest(name, error);
      });
    };
    again();
  }

  #change(name: string, change: (schedule: ScheduleRecord) => ScheduleRecord): Promise<ScheduleRecord> {
    return this.#inTurn(name, async () => this.#put(change(await this.#known(name))));
  }

  async #known(name: string): Promise<ScheduleRecord> {
    const schedule = await this.#ports.schedules.get(name);
    if (schedule === undefined) throw unknown(name);
    return schedule;
  }

  /** Records a change of the schedule as it was read. */
  async #put(schedule: ScheduleRecord): Promise<ScheduleRecord> {
    const next = { ...schedule, revision: schedule.revision + 1 };
    if (await this.#ports.schedules.replace(next)) return next;
    throw new ScheduleError("schedule_unknown", `the schedule ${schedule.name} was changed or removed meanwhile`, {
      details: { name: schedule.name },
    });
  }

  /** F2. */
  #inTurn<T>(name: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(act);
    const settled: Promise<void> = turn.then(
      () => this.#left(name, settled),
      () => this.#left(name, settled),
    );
    this.#turns.set(name, settled);
    return turn;
  }

  #left(name: string, turn: Promise<void>): void {
    if (this.#turns.get(name) !== turn) return;
    this.#turns.delete(name);
    this.#look();
  }
}

/** Whether it may work later (F4). */
function isPassing(error: unknown): boolean {
  if (error instanceof StoreError) return true;
  return error instanceof EngineError && (error.code === "engine_closed" || error.code === "journal_write");
}

/** The firings that are due and are to be dealt with, oldest first. */
function dueFirings({ times, nextAt = 0, catchUp, catchUpLimit }: ScheduleRecord, now: number): readonly number[] {
  const due = firingsBetween(times, nextAt, now, catchUp === "all" ? catchUpLimit : 1);
  return catchUp === "none" ? due.filter((at) => now - at <= ON_TIME_MS) : due;
}

/** F1. A schedule that was removed and made again is another: the time it was made at tells them apart. */
function runKey({ name, createdAt }: ScheduleRecord, firing: string): string {
  return `schedule/${name}/${createdAt}/${firing}`;
}

function started(schedule: ScheduleRecord, at: number, runId: string): ScheduleRecord {
  return { ...schedule, lastRunId: runId, last: { at, outcome: "started", runId } };
}

function unknown(name: string): ScheduleError {
  return new ScheduleError("schedule_unknown", `there is no schedule ${name}; 'schedule list' shows those there are`, {
    details: { name },
  });
}
