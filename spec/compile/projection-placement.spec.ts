/** Where outputs are written: the rules of a placement, and names that must not lead out of it. */
import { posix } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CONTEXT_STEM,
  DEFAULT_PLACEMENT,
  planPlacement,
  projectionDir,
  projectionFile,
  projectionRoot,
  projectionStem,
} from "../../src/blueprint/projection-placement.ts";

describe("a projection placement", () => {
  it("has defaults, each field by itself", () => {
    expect(planPlacement(undefined).placement).toEqual(DEFAULT_PLACEMENT);
    expect(planPlacement({ root: "project_root" }).placement).toEqual({ ...DEFAULT_PLACEMENT, root: "project_root" });
    expect(planPlacement({ dir_template: "o/{task_id}" }).placement?.dirTemplate).toBe("o/{task_id}");
  });

  it.each([
    ["", "empty"],
    ["/abs/{task_id}", "absolute"],
    ["a/../{task_id}", "'..'"],
    ["plain", "{task_id}"],
  ])("refuses the directory %j", (template, why) => {
    const { placement, problems } = planPlacement({ dir_template: template });
    expect(placement).toBeUndefined();
    expect(problems).toEqual([{ field: "dir_template", reason: expect.stringContaining(why) }]);
  });

  it("refuses a root that is neither word, together with a bad directory", () => {
    expect(planPlacement({ root: "home", dir_template: "" }).problems.map(({ field }) => field)).toEqual([
      "root",
      "dir_template",
    ]);
  });

  it("takes the preferred root, else the other, else none", () => {
    const project = { ...DEFAULT_PLACEMENT, root: "project_root" } as const;
    expect(projectionRoot(DEFAULT_PLACEMENT, { work_dir: "w", project_root: "p" })).toBe("w");
    expect(projectionRoot(project, { work_dir: "w", project_root: "p" })).toBe("p");
    expect(projectionRoot(project, { work_dir: "w" })).toBe("w");
    expect(projectionRoot(DEFAULT_PLACEMENT, {})).toBeUndefined();
  });

  it("makes the paths writers and readers share", () => {
    expect(projectionDir(DEFAULT_PLACEMENT, "ST-1")).toBe("workspace/tasks/ST-1/ctx");
    expect(projectionFile(DEFAULT_PLACEMENT, "ST-1", "plan-out")).toBe("workspace/tasks/ST-1/ctx/plan-out.md");
    expect(projectionFile({ ...DEFAULT_PLACEMENT, dirTemplate: "{task_id}/{task_id}" }, "$&", "a")).toBe("$&/$&/a.md");
  });
});

describe("a projection stem", () => {
  it.each(["plan", "plan-out", "Plan v2", "é", "a.b", "x:y"])("is the name itself: %s", (name) => {
    expect(projectionStem(name)).toBe(name);
  });

  it.each([
    "",
    ".",
    "..",
    "../up",
    "a/b",
    "a\\b",
    ".hidden",
    "nul\0",
    "tab\t",
    CONTEXT_STEM,
    "x~y",
    "l".repeat(201),
    "\ud800",
  ])("is made safe: %j", (name) => {
    const stem = projectionStem(name);
    expect(stem).not.toBe(name);
    expect(stem).toMatch(/^[^/\\.~\p{Cc}][^/\\~\p{Cc}]*~[0-9a-f]{12}$/u);
  });

  it("never leads out of the directory, and is never the context's", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        const file = projectionFile(DEFAULT_PLACEMENT, "ST-1", name);
        const directory = "workspace/tasks/ST-1/ctx";
        expect(posix.normalize(file)).toBe(file);
        expect(posix.dirname(file)).toBe(directory);
        expect(posix.basename(file)).not.toBe(`${CONTEXT_STEM}.md`);
        expect(Buffer.byteLength(posix.basename(file))).toBeLessThanOrEqual(255);
      }),
    );
  });

  it("is different for different names", () => {
    const tricky = fc.stringMatching(/^[./~_ctxA\\]{0,6}$/);
    fc.assert(
      fc.property(tricky, tricky, (a, b) => {
        expect(projectionStem(a) === projectionStem(b)).toBe(a === b);
      }),
    );
    const once = projectionStem("a/b");
    expect(projectionStem(once)).not.toBe(once);
  });
});
