/** The errors of schedules. */

/**
 * Stable codes.
 * - `schedule_unknown`: there is no schedule of this name.
 * - `schedule_invalid`: its name, times or policy are not what they must be, or it would never fire.
 */
export type ScheduleErrorCode = "schedule_unknown" | "schedule_invalid";

/** The one error class of schedules. */
export class ScheduleError extends Error {
  override readonly name = "ScheduleError";
  readonly code: ScheduleErrorCode;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    code: ScheduleErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, string | number> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}
