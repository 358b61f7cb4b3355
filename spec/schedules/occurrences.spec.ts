import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firingAfter, firingsBetween, firstFiring } from "../../src/schedules/occurrences.ts";
import type { ScheduleTimes } from "../../stores/ports.ts";

const cron = (pattern: string, timeZone = "UTC"): ScheduleTimes => ({ kind: "cron", pattern, timeZone });
const at = (text: string): number => Date.parse(text);
const iso = (time: number | undefined): string => (time === undefined ? "never" : new Date(time).toISOString());

describe("cron times", () => {
  it.each([
    ["0 3 * * *", "UTC", "2026-11-21T03:00:00Z", "2026-11-22T03:00:00.000Z"],
    ["0 3 * * *", "Asia/Tokyo", "2026-11-21T03:00:00Z", "2026-11-21T18:00:00.000Z"],
    ["*/10 * * * * *", "UTC", "2026-11-21T03:00:01Z", "2026-11-21T03:00:10.000Z"],
    ["@monthly", "UTC", "2026-11-21T03:00:00Z", "2026-12-01T00:00:00.000Z"],
    // The clock is put forward from 2 to 3: a firing in the missing hour is not lost.
    ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00.000Z"],
    // The clock is put back from 3 to 2: a firing in the doubled hour happens once.
    ["30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z"],
    ["30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00.000Z"],
  ])("%s in %s after %s is %s", (pattern, zone, after, expected) => {
    expect(iso(firingAfter(cron(pattern, zone), at(after)))).toBe(expected);
  });

  it("finds the newest of a long absence without looking at the rest", () => {
    const newest = firingsBetween(cron("* * * * * *"), 0, at("2026-11-21T00:00:00Z"), 2);
    expect(newest.map(iso)).toEqual(["2026-11-20T23:59:59.000Z", "2026-11-21T00:00:00.000Z"]);
  });
});

describe.each<[string, ScheduleTimes]>([
  ["a cron pattern", cron("*/7 * * * *", "America/New_York")],
  ["an interval", { kind: "interval", everyMs: 90_000, from: 1_800_000_000_123 }],
])("the firings of %s", (_name, times) => {
  const start = 1_800_000_000_000;
  it("are the same looked at one by one and in a stretch", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), fc.integer({ min: 0, max: 7_200_000 }), (offset, length) => {
        const [from, to] = [start + offset, start + offset + length];
        const onebyone: number[] = [];
        for (let next = firingAfter(times, from - 1); next !== undefined && next <= to; next = firingAfter(times, next))
          onebyone.push(next);
        expect(firingsBetween(times, from, to, 100)).toEqual(onebyone.slice(-100));
        expect(firingsBetween(times, from, to, 2)).toEqual(onebyone.slice(-2));
      }),
      { numRuns: 40 },
    );
  });
});

describe("times to refuse", () => {
  it.each<[string, ScheduleTimes, RegExp]>([
    ["four fields", cron("* * * *"), /five, six, or seven/u],
    ["a minute that is none", cron("61 * * * *"), /61/u],
    ["nothing", cron(""), /five, six, or seven/u],
    ["a date", cron("2026-11-21T10:00:00"), /fire once/u],
    ["a day that never comes", cron("0 0 30 2 *"), /never fire/u],
    ["a year that is over", cron("0 0 0 1 1 * 2020"), /never fire/u],
    ["a zone that is none", cron("* * * * *", "Mars/Olympus"), /no time zone "Mars\/Olympus"/u],
    ["a pattern without end", cron("*,".repeat(500)), /at most 200/u],
    ["an interval below a second", { kind: "interval", everyMs: 999, from: 0 }, /from a second/u],
    ["half milliseconds", { kind: "interval", everyMs: 1500.5, from: 0 }, /whole number/u],
    ["a start that is no time", { kind: "interval", everyMs: 1500, from: Number.NaN }, /no time/u],
    ["a time beyond all dates", { kind: "once", at: 1e17 }, /time is none/u],
  ])("%s", (_what, times, message) => {
    const refusal = expect.objectContaining({ code: "schedule_invalid", message: expect.stringMatching(message) });
    expect(() => firstFiring(times, at("2026-11-21T00:00:00Z"))).toThrow(refusal);
  });
});
