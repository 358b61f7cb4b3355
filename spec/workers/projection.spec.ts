import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_PLACEMENT, type ProjectionPlacement } from "../../src/blueprint/projection-placement.ts";
import type { StepCall } from "../../src/engine/index.ts";
import type { Json, JsonObject } from "../../src/flow/index.ts";
import { type CheckPolicy, FunctionRegistry, nodeFiles, pass, type WorkerFiles } from "../../src/workers/index.ts";
import { submissionText } from "../../src/workers/projection-text.ts";
import { failureOf, makeAgent, makeCall, spawnerOf } from "./step-fixture.ts";

let root: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "projection-spec-")));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const CTX = "workspace/tasks/ST-00000000000000bb/ctx";

interface Case {
  readonly answer?: Json;
  readonly parts?: Readonly<Record<string, Json>>;
  readonly context?: JsonObject;
  readonly agent?: string;
  readonly name?: string;
  readonly placement?: ProjectionPlacement;
  readonly policy?: CheckPolicy;
  readonly files?: WorkerFiles;
  readonly blocked?: boolean;
}

/** One attempt of a function agent that stages `parts` and answers `answer`. */
async function submit(given: Case, over: Partial<StepCall> = {}) {
  const {
    answer = "done",
    parts = {},
    context = { work_dir: root },
    agent = "planner",
    name,
    placement,
    policy,
    files,
  } = given;
  const functions = new FunctionRegistry().register("f", {
    pure: true,
    run: (_input, { emit }) => {
      for (const [part, content] of Object.entries(parts)) emit({ type: "artifact", name: part, content });
      return pass(answer);
    },
  });
  const call = makeCall({ agent, context, ...over });
  const spawner = spawnerOf(
    makeAgent({ kind: "function", fnId: "f" }, { name: agent }),
    {
      functions,
      files: files ?? nodeFiles({ scratchRoot: root }),
      ...(policy === undefined ? {} : { checkPolicy: policy }),
    },
    {
      naming: { canonical: new Map([[agent, name ?? agent]]), owners: new Map() },
      ...(placement === undefined ? {} : { placement }),
    },
  );
  return { outcome: await spawner(call), warnings: call.events.filter(({ type }) => type === "warning") };
}

/** The value in a submission file: the text between the first json fence and the line that closes it. */
function valueIn(text: string): Json {
  const [, fence = "", rest = ""] = /^(`{3,})json\n(.*)$/ms.exec(text) ?? [];
  return JSON.parse(rest.slice(0, rest.indexOf(`\n${fence}\n`))) as Json;
}

describe("a step's output as a file", () => {
  it("has front matter and the folded value, under the canonical name", async () => {
    await submit({ answer: '{"a":"b"}', name: "plan-out" });
    expect(await readFile(join(root, CTX, "plan-out.md"), "utf8")).toBe(
      [
        "---",
        "task_id: ST-00000000000000bb",
        "run_id: R-00000000000000aa",
        "step: plan-out",
        "attempt: 1",
        "ok: true",
        "---",
        "",
        "```json",
        '{\n  "a": "b"\n}',
        "```",
        "",
      ].join("\n"),
    );
    expect(await readdir(join(root, CTX))).toEqual(["plan-out.md"]);
  });

  it("is written anew by each submit, and nothing temporary stays", async () => {
    await submit({ answer: "first" });
    await submit({ answer: "second" }, { attempt: 2 });
    const text = await readFile(join(root, CTX, "planner.md"), "utf8");
    expect(valueIn(text)).toBe("second");
    expect(text).toContain("attempt: 2\n");
    expect(await readdir(join(root, CTX))).toEqual(["planner.md"]);
  });

  it("can be read back whatever the value holds", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.stringMatching(/^[`\n a]{0,12}$/)), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as Json;
        const text = submissionText({ task_id: "ST-1", step: "s", attempt: 1, ok: true }, json);
        expect(valueIn(text)).toEqual(json);
      }),
    );
    expect(submissionText({ task_id: "ST-1", step: "true", attempt: 1, ok: true }, "````")).toContain("`````json");
  });

  it("quotes names that YAML would take for something else", () => {
    const text = submissionText({ task_id: "ST-1", step: "a: b\nok: no", attempt: 1, ok: false }, null);
    expect(text).toContain('step: "a: b\\nok: no"\n');
  });

  it("goes to the preferred root, else to the other one", async () => {
    const project = join(root, "project");
    await mkdir(project);
    const placement: ProjectionPlacement = { root: "project_root", dirTemplate: "custom/{task_id}/out" };
    const context = { work_dir: root, project_root: project };
    await submit({ placement, context });
    expect(await readdir(join(project, "custom/ST-00000000000000bb/out"))).toEqual(["planner.md"]);
    expect(await readdir(root)).toEqual(["project"]);
    await submit({ placement: DEFAULT_PLACEMENT, context: { project_root: project } });
    expect(await readdir(join(project, CTX))).toEqual(["planner.md"]);
  });

  it.each(["../x", "a/b", "..", "x\0y", ".hidden", "_ctx", "n".repeat(300)])(
    "stays inside its directory for the name %j",
    async (name) => {
      const { outcome, warnings } = await submit({ agent: name });
      expect(outcome.kind).toBe("pass");
      expect(warnings).toEqual([]);
      const files = await readdir(join(root, CTX));
      expect(files).toHaveLength(1);
      expect(files[0]).not.toBe("_ctx.md");
      expect(await readdir(root)).toEqual(["workspace"]);
    },
  );
});

describe("staged parts", () => {
  it("lie beside it under their own names: text as it is, anything else as pretty JSON, the last of a name", async () => {
    await submit({ parts: { "plan.md": "# Plan\n", data: { a: [1] } } });
    await submit({ parts: { "plan.md": "# Plan 2" } });
    expect(await readFile(join(root, CTX, "plan.md"), "utf8")).toBe("# Plan 2");
    expect(await readFile(join(root, CTX, "data"), "utf8")).toBe('{\n  "a": [\n    1\n  ]\n}\n');
    expect((await readdir(join(root, CTX))).sort()).toEqual(["data", "plan.md", "planner.md"]);
  });

  it.each(["../evil.md", "a/b", "a\\b", ".", "..", "", "x\ny", "planner.md", "PLANNER.md", "_ctx.md", "n".repeat(256)])(
    "are refused the name %j, which costs nothing else",
    async (part) => {
      const { outcome, warnings } = await submit({ parts: { [part]: "evil", "good.md": "good" } });
      expect(outcome).toMatchObject({ kind: "pass", value: { out: "done" } });
      expect(warnings).toEqual([
        {
          type: "warning",
          code: "projection",
          message: expect.stringContaining("part file materialize: the part name"),
        },
      ]);
      expect((await readdir(join(root, CTX))).sort()).toEqual(["good.md", "planner.md"]);
      expect(valueIn(await readFile(join(root, CTX, "planner.md"), "utf8"))).toBe("done");
      expect(await readdir(root)).toEqual(["workspace"]);
    },
  );
});

describe("symbolic links", () => {
  it("below the root are not followed as directories", async () => {
    const outside = await mkdtemp(join(tmpdir(), "projection-outside-"));
    try {
      await symlink(outside, join(root, "workspace"));
      const { outcome, warnings } = await submit({});
      expect(outcome.kind).toBe("pass");
      expect(warnings).toMatchObject([{ message: expect.stringContaining("is a symbolic link") }]);
      expect(await readdir(outside)).toEqual([]);
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it("in the place of a file are replaced, not followed", async () => {
    await mkdir(join(root, CTX), { recursive: true });
    await writeFile(join(root, "victim"), "untouched");
    await symlink(join(root, "victim"), join(root, CTX, "planner.md"));
    await submit({});
    expect(await readFile(join(root, "victim"), "utf8")).toBe("untouched");
    expect((await lstat(join(root, CTX, "planner.md"))).isSymbolicLink()).toBe(false);
  });

  it("may be the root itself", async () => {
    await mkdir(join(root, "real"));
    await symlink(join(root, "real"), join(root, "link"));
    const { warnings } = await submit({ context: { work_dir: join(root, "link") } });
    expect(warnings).toEqual([]);
    expect(await readdir(join(root, "real"))).toEqual(["workspace"]);
  });
});

describe("the check policy", () => {
  it.each(["warn", "silent"] as const)("%s asks nothing of a launch without a root", async (policy) => {
    expect(await submit({ policy, context: {} })).toMatchObject({ outcome: { kind: "pass" }, warnings: [] });
  });

  it("strict fails the step of a launch without a root", async () => {
    const { outcome } = await submit({ policy: "strict", context: {} });
    const failure = failureOf(outcome);
    expect(failure.code).toBe("check_policy_strict");
    expect(failure.message).toContain("submit-time projection sink: file materialize");
    expect(failure.message).toContain("no work_dir/project_root resolved");
  });

  const full: WorkerFiles = {
    write: () => Promise.reject(new Error("ENOSPC: no space left on device")),
    scratch: () => Promise.reject(new Error("unused")),
  };

  it("warn tells of a file that cannot be written, silent does not, and both keep the answer", async () => {
    const warned = await submit({ policy: "warn", files: full });
    expect(warned.outcome).toMatchObject({ kind: "pass", value: "done" });
    expect(warned.warnings).toMatchObject([{ message: expect.stringContaining("ENOSPC") }]);
    expect(await submit({ policy: "silent", files: full })).toMatchObject({ outcome: { kind: "pass" }, warnings: [] });
  });

  it("strict fails the step, and shows what it had answered", async () => {
    const { outcome } = await submit({ policy: "strict", files: full });
    expect(outcome).toMatchObject({ kind: "error", value: "done", error: { code: "check_policy_strict" } });
    const part = await submit({ policy: "strict", parts: { "../x": 1 } });
    expect(failureOf(part.outcome).message).toContain("part file materialize");
  });

  it("is the Blueprint's where the launch says nothing", async () => {
    const functions = new FunctionRegistry();
    const blueprint = { id: "t", metadata: {}, check_policy: "strict" } as never;
    const outcome = await spawnerOf(
      makeAgent({ kind: "function", fnId: "identity" }),
      { functions },
      { blueprint },
    )(makeCall());
    expect(failureOf(outcome).code).toBe("check_policy_strict");
  });

  it("reports a root that does not exist or is relative", async () => {
    const missing = await submit({ context: { work_dir: join(root, "gone") } });
    expect(missing.warnings).toMatchObject([{ message: expect.stringContaining("ENOENT") }]);
    const relative = await submit({ context: { work_dir: "somewhere" } });
    expect(relative.warnings).toMatchObject([{ message: expect.stringContaining("not an absolute path") }]);
  });
});

describe("the files port", () => {
  it("refuses paths that are none", async () => {
    const files = nodeFiles({ scratchRoot: root });
    for (const path of ["", "a//b", "../a", "a/../../b", "a/..", "/etc/x", "a\0b"]) {
      await expect(files.write(root, path, "x")).rejects.toThrow(/is not a path below the root/);
    }
    expect(await readdir(root)).toEqual([]);
  });

  it("makes scratch files that are gone once disposed", async () => {
    const file = await nodeFiles({ scratchRoot: root }).scratch("../../prompt.md", "text");
    expect(await readFile(file.path, "utf8")).toBe("text");
    expect(file.path.startsWith(root)).toBe(true);
    await file[Symbol.asyncDispose]();
    expect(await readdir(root)).toEqual([]);
  });
});
