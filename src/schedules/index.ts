/** Schedules: what starts runs by itself. */
export type { ScheduleErrorCode } from "./errors.ts";
export { ScheduleError } from "./errors.ts";
export type { ScheduleOrder } from "./schedule-order.ts";
export { CATCH_UP_POLICIES, MOST_CATCH_UP, OVERLAP_POLICIES, SCHEDULE_NAME, scheduleOf } from "./schedule-order.ts";
export type { ScheduledRuns } from "./scheduler.ts";
export { Scheduler } from "./scheduler.ts";
