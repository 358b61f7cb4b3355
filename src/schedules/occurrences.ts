/**
 * When a schedule fires: pure functions over its times.
 *
 * Cron patterns are croner's: five fields, or six with seconds first, or seven with a year last, and `@daily` and its
 * like. Where a zone's clock is put forward, a firing in the hour that is missing happens at its end; where it is put back,
 * a firing in the hour that comes twice happens the first time.
 */
import { Cron } from "croner";
import type { ScheduleTimes } from "../../stores/ports.ts";
import { ScheduleError } from "./errors.ts";

/** The shortest interval, in milliseconds. */
export const SHORTEST_INTERVAL_MS = 1_000;
/** The longest interval: a hundred years, in milliseconds. */
const LONGEST_INTERVAL_MS = 100 * 366 * 24 * 3_600_000;
/** Times a Date can hold, from 1970 on. */
const LATEST = 8.64e15;
const LONGEST_PATTERN = 200;

/**
 * Checks times, and returns the first firing after `now`; a `once` may lie in the past: it is due at once.
 * @throws ScheduleError `schedule_invalid`.
 */
export function firstFiring(times: ScheduleTimes, now: number): number {
  check(times);
  const first = times.kind === "once" ? times.at : firingAfter(times, now);
  if (first === undefined) throw invalid("it would never fire: no time to come matches the pattern");
  return first;
}

/** The first firing after a time, or undefined where there is none. */
export function firingAfter(times: ScheduleTimes, after: number): number | undefined {
  switch (times.kind) {
    case "once":
      return times.at > after ? times.at : undefined;
    case "interval": {
      const { from, everyMs } = times;
      const next = after < from ? from : from + (Math.floor((after - from) / everyMs) + 1) * everyMs;
      return next > LATEST ? undefined : next;
    }
    case "cron":
      return cronOf(times).nextRun(new Date(after))?.getTime();
  }
}

/** The newest firings from `from` up to and with `to`, oldest first, at most `limit`. */
export function firingsBetween(times: ScheduleTimes, from: number, to: number, limit: number): readonly number[] {
  switch (times.kind) {
    case "once":
      return times.at >= from && times.at <= to ? [times.at] : [];
    case "interval": {
      const { everyMs } = times;
      const newest = times.from + Math.floor((to - times.from) / everyMs) * everyMs;
      const firings: number[] = [];
      for (let at = newest; at >= Math.max(from, times.from) && firings.length < limit; at -= everyMs) firings.push(at);
      return firings.reverse();
    }
    case "cron":
      return cronOf(times)
        .previousRuns(limit, new Date(to + 1))
        .map((date) => date.getTime())
        .filter((at) => at >= from)
        .reverse();
  }
}

function check(times: ScheduleTimes): void {
  switch (times.kind) {
    case "once":
      if (!isTime(times.at)) throw invalid("the time is none");
      return;
    case "interval":
      if (
        !Number.isSafeInteger(times.everyMs) ||
        times.everyMs < SHORTEST_INTERVAL_MS ||
        times.everyMs > LONGEST_INTERVAL_MS
      )
        throw invalid("an interval is a whole number of milliseconds, from a second to a hundred years");
      if (!isTime(times.from)) throw invalid("the interval's start is no time");
      return;
    case "cron":
      if (times.pattern.length > LONGEST_PATTERN) throw invalid(`a pattern has at most ${LONGEST_PATTERN} characters`);
      checkZone(times.timeZone);
      // croner takes a date for a pattern that matches once; that is what `once` is for.
      if (/^\d{4}-/u.test(times.pattern)) throw invalid("a date is no cron pattern: give it as a time to fire once");
      try {
        cronOf(times).nextRun(new Date(0));
      } catch (cause) {
        throw invalid((cause as Error).message, cause);
      }
  }
}

function isTime(at: number): boolean {
  return Number.isSafeInteger(at) && at >= 0 && at <= LATEST;
}

function checkZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch (cause) {
    throw invalid(
      `there is no time zone ${JSON.stringify(timeZone)}: give an IANA name, for example Europe/Berlin`,
      cause,
    );
  }
}

/** Paused: it computes, and sets no timer. */
function cronOf({ pattern, timeZone }: Extract<ScheduleTimes, { kind: "cron" }>): Cron {
  return new Cron(pattern, { timezone: timeZone, paused: true });
}

function invalid(why: string, cause?: unknown): ScheduleError {
  return new ScheduleError("schedule_invalid", why, { cause });
}
