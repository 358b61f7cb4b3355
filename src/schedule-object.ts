/** Schedules as the surfaces take and give them: one shape for `--json` and HTTP. */
import { type JsonObject, ownValue } from "./flow/index.ts";
import type { ScheduleOrder, ScheduleRecord, ScheduleTimes } from "./host-schedules.ts";

/** A schedule as it is asked for. One of `cron`, `every_ms` and `at` says when. */
export interface ScheduleBody {
  readonly name: string;
  /** A cron pattern. */
  readonly cron?: string;
  /** The pattern's IANA time zone. Default UTC. */
  readonly time_zone?: string;
  /** An interval in milliseconds. */
  readonly every_ms?: number;
  /** When to fire once, or from when on the interval counts, in milliseconds since 1970. */
  readonly at?: number;
  readonly overlap?: NonNullable<ScheduleOrder["overlap"]>;
  readonly catch_up?: NonNullable<ScheduleOrder["catchUp"]>;
  readonly catch_up_limit?: number;
  readonly paused?: boolean;
  readonly input?: object;
}

/** The order of a body, or undefined where it does not say when, or says so twice. @param now For intervals without a start. */
export function scheduleOrder(body: ScheduleBody, now: number): ScheduleOrder | undefined {
  const times = timesOf(body, now);
  if (times === undefined) return undefined;
  const { name, input, overlap, catch_up: catchUp, catch_up_limit: catchUpLimit, paused } = body;
  return {
    name,
    times,
    ...(input === undefined ? {} : { input: input as JsonObject }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(catchUp === undefined ? {} : { catchUp }),
    ...(catchUpLimit === undefined ? {} : { catchUpLimit }),
    ...(paused === undefined ? {} : { paused }),
  };
}

/** As JSON. Times in milliseconds since 1970. */
export function scheduleObject(schedule: ScheduleRecord): JsonObject {
  const { name, blueprintId, blueprintVersion, createdAt, overlap, catchUp, catchUpLimit, paused, last } = schedule;
  return {
    name,
    blueprint: { id: blueprintId, version: blueprintVersion },
    ...timesObject(schedule.times),
    ...(schedule.input === undefined ? {} : { input: schedule.input }),
    overlap,
    catch_up: catchUp,
    ...(catchUp === "all" ? { catch_up_limit: catchUpLimit } : {}),
    paused,
    created_at: createdAt,
    ...(schedule.nextAt === undefined ? {} : { next_at: schedule.nextAt }),
    ...(schedule.bufferedAt === undefined ? {} : { buffered_at: schedule.bufferedAt }),
    ...(schedule.lastRunId === undefined ? {} : { last_run_id: schedule.lastRunId }),
    ...(last === undefined
      ? {}
      : {
          last: {
            at: last.at,
            outcome: last.outcome,
            ...(last.runId === undefined ? {} : { run_id: last.runId }),
            ...(last.error === undefined ? {} : { error: last.error }),
          },
        }),
  };
}

/** When a schedule of that shape fires, for people. */
export function timesText(schedule: JsonObject): string {
  const cron = ownValue(schedule, "cron");
  if (typeof cron === "string") return `${cron} (${String(ownValue(schedule, "time_zone"))})`;
  const every = ownValue(schedule, "every_ms");
  if (typeof every === "number") return `every ${durationText(every)}`;
  return `once at ${new Date(Number(ownValue(schedule, "at"))).toISOString()}`;
}

function timesOf({ cron, time_zone, every_ms, at }: ScheduleBody, now: number): ScheduleTimes | undefined {
  if (cron !== undefined) {
    if (every_ms !== undefined || at !== undefined) return undefined;
    return { kind: "cron", pattern: cron, timeZone: time_zone ?? "UTC" };
  }
  if (time_zone !== undefined) return undefined;
  if (every_ms !== undefined) return { kind: "interval", everyMs: every_ms, from: at ?? now };
  return at === undefined ? undefined : { kind: "once", at };
}

function timesObject(times: ScheduleTimes): JsonObject {
  switch (times.kind) {
    case "cron":
      return { cron: times.pattern, time_zone: times.timeZone };
    case "interval":
      return { every_ms: times.everyMs, at: times.from };
    case "once":
      return { at: times.at };
  }
}

function durationText(ms: number): string {
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const)
    if (ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}
