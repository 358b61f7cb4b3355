/** Schedules, as every backend must keep them. */
import { expect, it } from "vitest";
import { DOCUMENT_GRACE_MS, type ScheduleRecord } from "../../stores/ports.ts";
import type { OpenStores } from "./samples.ts";

export function aSchedule(name: string, over: Partial<ScheduleRecord> = {}): ScheduleRecord {
  return {
    name,
    revision: 1,
    createdAt: 1000,
    times: { kind: "cron", pattern: "0 3 * * *", timeZone: "Europe/Berlin" },
    blueprintId: "demo",
    blueprintVersion: "sha256:00",
    overlap: "skip",
    catchUp: "last",
    catchUpLimit: 10,
    paused: false,
    ...over,
  };
}

export function describeSchedules(open: OpenStores): void {
  it("keeps a schedule exactly as it is, with every field and with none that may be absent", async () => {
    await using stores = await open();
    const full = aSchedule("full", {
      times: { kind: "interval", everyMs: 1000, from: 5 },
      input: { text: '漢 "quoted"\u0000', __proto__x: null },
      paused: true,
      nextAt: 2000,
      bufferedAt: 1500,
      lastRunId: "R-1",
      last: { at: 1500, outcome: "failed", error: "because" },
    });
    await stores.schedules.create(full);
    await stores.schedules.create(aSchedule("bare"));
    expect(await stores.schedules.get("full")).toEqual(full);
    expect(await stores.schedules.get("bare")).toEqual(aSchedule("bare"));
    expect(await stores.schedules.get("none")).toBeUndefined();
  });

  it("refuses a name that is taken, and changes nothing", async () => {
    await using stores = await open();
    await stores.schedules.create(aSchedule("s"));
    const again = stores.schedules.create(aSchedule("s", { overlap: "allow_all" }));
    await expect(again).rejects.toMatchObject({ code: "schedule_exists", details: { name: "s" } });
    expect(await stores.schedules.get("s")).toEqual(aSchedule("s"));
  });

  it("lists by name in pages, and those that are to fire by their time", async () => {
    await using stores = await open();
    for (const [name, nextAt] of [["c", 30], ["a", 30], ["b", 10], ["d"]] as const)
      await stores.schedules.create(aSchedule(name, nextAt === undefined ? {} : { nextAt }));
    const names = (list: readonly ScheduleRecord[]): string => list.map(({ name }) => name).join("");
    expect(names(await stores.schedules.list({ limit: 3 }))).toBe("abc");
    expect(names(await stores.schedules.list({ limit: 3, after: "c" }))).toBe("d");
    expect(names(await stores.schedules.upcoming(9))).toBe("bac");
    expect(names(await stores.schedules.upcoming(1))).toBe("b");
    expect(await stores.schedules.upcoming(0)).toEqual([]);
  });

  it("replaces only the revision that is here", async () => {
    await using stores = await open();
    await stores.schedules.create(aSchedule("s", { nextAt: 10 }));
    const next = aSchedule("s", { revision: 2, paused: true });
    expect(await stores.schedules.replace(aSchedule("s", { revision: 3 }))).toBe(false);
    expect(await stores.schedules.replace(aSchedule("none", { revision: 2 }))).toBe(false);
    expect(await stores.schedules.replace(next)).toBe(true);
    expect(await stores.schedules.replace(next)).toBe(false);
    expect(await stores.schedules.get("s")).toEqual(next);
    expect(await stores.schedules.upcoming(9)).toEqual([]);
  });

  it("keeps the document of a schedule as long as the schedule", async () => {
    let now = 1_000_000;
    await using stores = await open({ now: () => now });
    await stores.documents.put({ version: "sha256:00", blueprintId: "demo", text: "{}" });
    await stores.schedules.create(aSchedule("s"));
    now += 2 * DOCUMENT_GRACE_MS;
    expect(await stores.documents.collect({ limit: 9 })).toMatchObject({ count: 0 });
    expect(await stores.schedules.remove("s")).toBe(true);
    expect(await stores.schedules.remove("s")).toBe(false);
    expect(await stores.documents.collect({ limit: 9 })).toMatchObject({ count: 1 });
  });
}
