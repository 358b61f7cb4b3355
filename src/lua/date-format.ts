/**
 * Dates as `os.date` and `os.time` know them: C's conversions, in UTC and English, from seconds since 1970.
 *
 * Owns: the calendar fields and the conversions.
 * Does not own: Lua's arguments (os-functions.ts).
 */

/** The fields of `os.date("*t")`. */
export interface DateFields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly min: number;
  readonly sec: number;
  /** 1 is Sunday. */
  readonly wday: number;
  readonly yday: number;
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
] as const;
const DAY_MS = 86_400_000;

/** The fields of a time, or undefined where the calendar does not reach it. */
export function dateFields(seconds: number): DateFields | undefined {
  const date = new Date(seconds * 1_000);
  if (Number.isNaN(date.getTime())) return undefined;
  const year = date.getUTCFullYear();
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    min: date.getUTCMinutes(),
    sec: date.getUTCSeconds(),
    wday: date.getUTCDay() + 1,
    yday: Math.floor((date.getTime() - startOfYear(year)) / DAY_MS) + 1,
  };
}

/** The time of a date, whose fields may lie outside their ranges; undefined where the calendar does not reach it. */
export function dateSeconds(date: Omit<DateFields, "wday" | "yday">): number | undefined {
  const moment = new Date(0);
  moment.setUTCFullYear(date.year, date.month - 1, date.day);
  moment.setUTCHours(date.hour, date.min, date.sec);
  const ms = moment.getTime();
  return Number.isNaN(ms) ? undefined : ms / 1_000;
}

/** `pattern` with every conversion replaced, or the first that does not exist. `tick` is called at each, and may throw. */
export function formatDate(
  pattern: string,
  date: DateFields,
  seconds: number,
  tick: () => void,
): string | { readonly unknown: string } {
  let unknown: string | undefined;
  const expand = (text: string): string =>
    text.replace(/%([\s\S]?)/g, (whole, letter: string) => {
      tick();
      const conversion = CONVERSIONS.get(letter);
      if (conversion !== undefined) return conversion(date, seconds);
      const composite = COMPOSITES.get(letter);
      if (composite !== undefined) return expand(composite);
      unknown ??= whole;
      return "";
    });
  const text = expand(pattern);
  return unknown === undefined ? text : { unknown };
}

const padded = (value: number, width: number, fill = "0"): string => String(value).padStart(width, fill);
const startOfYear = (year: number): number => new Date(0).setUTCFullYear(year, 0, 1);
/** 0 is Monday. */
const weekday = (date: DateFields): number => (date.wday + 5) % 7;
const hour12 = (date: DateFields): number => ((date.hour + 11) % 12) + 1;
const dayName = (date: DateFields): string => DAYS[date.wday - 1] as string;
const monthName = (date: DateFields): string => MONTHS[date.month - 1] as string;
const inCentury = (year: number): number => ((year % 100) + 100) % 100;

/** ISO 8601: the Thursday of a week decides its year. */
function isoWeek(date: DateFields): { readonly year: number; readonly week: number } {
  const thursday = dateFields((startOfYear(date.year) + (date.yday - 1 - weekday(date) + 3) * DAY_MS) / 1_000) ?? date;
  return { year: thursday.year, week: Math.floor((thursday.yday - 1) / 7) + 1 };
}

const CONVERSIONS: ReadonlyMap<string, (date: DateFields, seconds: number) => string> = new Map(
  Object.entries({
    a: (d: DateFields) => dayName(d).slice(0, 3),
    A: dayName,
    b: (d: DateFields) => monthName(d).slice(0, 3),
    B: monthName,
    C: (d: DateFields) => padded(Math.floor(d.year / 100), 2),
    d: (d: DateFields) => padded(d.day, 2),
    e: (d: DateFields) => padded(d.day, 2, " "),
    g: (d: DateFields) => padded(inCentury(isoWeek(d).year), 2),
    G: (d: DateFields) => String(isoWeek(d).year),
    h: (d: DateFields) => monthName(d).slice(0, 3),
    H: (d: DateFields) => padded(d.hour, 2),
    I: (d: DateFields) => padded(hour12(d), 2),
    j: (d: DateFields) => padded(d.yday, 3),
    m: (d: DateFields) => padded(d.month, 2),
    M: (d: DateFields) => padded(d.min, 2),
    n: () => "\n",
    p: (d: DateFields) => (d.hour < 12 ? "AM" : "PM"),
    s: (_: DateFields, seconds: number) => String(seconds),
    S: (d: DateFields) => padded(d.sec, 2),
    t: () => "\t",
    u: (d: DateFields) => String(weekday(d) + 1),
    U: (d: DateFields) => padded(Math.floor((d.yday + 7 - d.wday) / 7), 2),
    V: (d: DateFields) => padded(isoWeek(d).week, 2),
    w: (d: DateFields) => String(d.wday - 1),
    W: (d: DateFields) => padded(Math.floor((d.yday + 6 - weekday(d)) / 7), 2),
    y: (d: DateFields) => padded(inCentury(d.year), 2),
    Y: (d: DateFields) => String(d.year),
    z: () => "+0000",
    Z: () => "UTC",
    "%": () => "%",
  }),
);

const COMPOSITES: ReadonlyMap<string, string> = new Map([
  ["c", "%a %b %e %H:%M:%S %Y"],
  ["D", "%m/%d/%y"],
  ["F", "%Y-%m-%d"],
  ["r", "%I:%M:%S %p"],
  ["R", "%H:%M"],
  ["T", "%H:%M:%S"],
  ["x", "%m/%d/%y"],
  ["X", "%H:%M:%S"],
]);
