import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DateFields, dateFields, dateSeconds, formatDate } from "../../src/lua/date-format.ts";

const fields = (seconds: number): DateFields => dateFields(seconds) ?? expect.fail(`no date at ${seconds}`);
const format = (pattern: string, ms: number) => formatDate(pattern, fields(ms / 1_000), ms / 1_000, () => {});

describe("dates", () => {
  it("are the inverse of times", () => {
    fc.assert(
      fc.property(fc.integer({ min: -8.6e12, max: 8.6e12 }), (seconds) => {
        expect(dateSeconds(fields(seconds))).toBe(seconds);
      }),
    );
  });

  it("end where the calendar ends", () => {
    expect(dateFields(8.7e12)).toBeUndefined();
    expect(dateSeconds({ year: 400_000, month: 1, day: 1, hour: 0, min: 0, sec: 0 })).toBeUndefined();
  });

  it("know the first century", () => {
    expect(dateSeconds({ year: 50, month: 1, day: 1, hour: 0, min: 0, sec: 0 })).toBe(
      Date.parse("0050-01-01T00:00:00Z") / 1_000,
    );
  });

  // As GNU date prints them in the C locale.
  it.each([
    [
      "2026-11-21T09:05:07Z",
      "Sat Saturday Nov November 21 11/21/26 21 2026-11-21 26 2026 09 09 325 11 05 AM 6 46 47 6 46",
    ],
    [
      "2027-01-01T00:00:00Z",
      "Fri Friday Jan January 01 01/01/27  1 2027-01-01 26 2026 00 12 001 01 00 AM 5 00 53 5 00",
    ],
    [
      "2024-12-30T23:59:59Z",
      "Mon Monday Dec December 30 12/30/24 30 2024-12-30 25 2025 23 11 365 12 59 PM 1 52 01 1 53",
    ],
    [
      "2023-01-01T12:00:00Z",
      "Sun Sunday Jan January 01 01/01/23  1 2023-01-01 22 2022 12 12 001 01 00 PM 7 01 52 0 00",
    ],
  ])("are written as C writes them: %s", (iso, expected) => {
    expect(format("%a %A %b %B %d %D %e %F %g %G %H %I %j %m %M %p %u %U %V %w %W", Date.parse(iso))).toBe(expected);
  });

  it("have composites, literals and unknown conversions", () => {
    const ms = Date.parse("2026-11-21T09:05:07Z");
    expect(format("%c|%r|%R|%T|%x|%X|%h|%y|%C|%s|%z|%Z|%n%t%%", ms)).toBe(
      `Sat Nov 21 09:05:07 2026|09:05:07 AM|09:05|09:05:07|11/21/26|09:05:07|Nov|26|20|${ms / 1_000}|+0000|UTC|\n\t%`,
    );
    expect(format("%a %K %Q", ms)).toEqual({ unknown: "%K" });
    expect(format("100%", ms)).toEqual({ unknown: "%" });
  });
});
