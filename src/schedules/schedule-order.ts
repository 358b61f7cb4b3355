/** What a schedule is asked for with, and the record that becomes of it: every default is said here. */
import type { CatchUpPolicy, OverlapPolicy, ScheduleRecord, ScheduleTimes } from "../../stores/ports.ts";
import type { Json } from "../flow/index.ts";
import { ScheduleError } from "./errors.ts";
import { firstFiring } from "./occurrences.ts";

/**
 * What a firing does while the run before it goes on.
 * - `skip` (default): nothing; the firing is passed over.
 * - `buffer_one`: it waits for that run to end. One waits at a time; those that come meanwhile are passed over.
 * - `allow_all`: it starts beside it.
 * - `cancel_other`: that run is cancelled, and when it has ended the new one starts.
 */
export const OVERLAP_POLICIES: readonly OverlapPolicy[] = ["skip", "buffer_one", "allow_all", "cancel_other"];

/**
 * What is done about firings that passed while no host was there.
 * - `none`: nothing.
 * - `last` (default): the newest is made up for.
 * - `all`: all of them, the newest `catchUpLimit`.
 */
export const CATCH_UP_POLICIES: readonly CatchUpPolicy[] = ["none", "last", "all"];

/** The most firings that can be made up for at once. */
export const MOST_CATCH_UP = 100;

/** What a name may be. */
export const SCHEDULE_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$";

/** A schedule to add. */
export interface ScheduleOrder {
  /** SCHEDULE_NAME. */
  readonly name: string;
  readonly times: ScheduleTimes;
  readonly input?: Json;
  /** Default `skip`. */
  readonly overlap?: OverlapPolicy;
  /** Default `last`. */
  readonly catchUp?: CatchUpPolicy;
  /** For `all`; 1 to MOST_CATCH_UP. Default 10. */
  readonly catchUpLimit?: number;
  /** Whether it begins paused. Default false. */
  readonly paused?: boolean;
}

/** The record of a new schedule. @throws ScheduleError `schedule_invalid`. */
export function scheduleOf(
  order: ScheduleOrder,
  blueprint: { readonly id: string; readonly version: string },
  now: number,
): ScheduleRecord {
  const { name, times, input, overlap = "skip", catchUp = "last", catchUpLimit = 10, paused = false } = order;
  if (!new RegExp(SCHEDULE_NAME, "u").test(name)) {
    throw new ScheduleError(
      "schedule_invalid",
      `${JSON.stringify(name)} is no name for a schedule: it is 1 to 100 letters, digits, dots, dashes and underscores, and begins with a letter or digit`,
    );
  }
  if (!Number.isSafeInteger(catchUpLimit) || catchUpLimit < 1 || catchUpLimit > MOST_CATCH_UP) {
    throw new ScheduleError("schedule_invalid", `at most 1 to ${MOST_CATCH_UP} firings can be made up for at once`);
  }
  const nextAt = firstFiring(times, now);
  return {
    name,
    revision: 1,
    createdAt: now,
    times,
    blueprintId: blueprint.id,
    blueprintVersion: blueprint.version,
    ...(input === undefined ? {} : { input }),
    overlap,
    catchUp,
    catchUpLimit,
    paused,
    ...(paused ? {} : { nextAt }),
  };
}
