/** `swarm-host runs ...` and `signal` on a data directory that no host works on. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "./temporary.ts";
import { cli, type Ran } from "./test-surface.ts";

const lua = (name: string, source: string): object => ({ name, kind: "lua", spec: { source } });
const step = (ref: string, at: string, input: unknown = ""): object => ({
  kind: "step",
  ref,
  in: { op: "lit", value: input },
  out: { op: "path", at },
});

/** A step that leaves a line each time it is executed, then one that fails as long as `fixed` is not there. */
function twoSteps(directory: string, second: object): object {
  const append = `require("node:fs").appendFileSync("${join(directory, "log")}", "x\\n"); console.log("made")`;
  const first = {
    name: "first",
    kind: "subprocess",
    spec: { program: process.execPath, args: ["-e", append], use_stdin: false },
  };
  return {
    schema_version: "0.1.0",
    id: "two",
    agents: [first, second],
    flow: { kind: "seq", children: [step("first", "$.a"), step("second", "$.b")] },
  };
}

const waiting = {
  schema_version: "0.1.0",
  id: "gate",
  agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }, lua("after", 'return "went on"')],
  flow: { kind: "seq", children: [step("gate", "$.said", "go"), step("after", "$.end")] },
};

let directory: string;
let dataDir: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
  dataDir = join(directory, "data");
});

function runs(...args: readonly string[]): Promise<Ran> {
  return cli([...args, "--data-dir", dataDir]);
}

async function file(name: string, document: object): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, JSON.stringify(document));
  return path;
}

async function failedRun(): Promise<string> {
  const blueprint = await file("two.json", twoSteps(directory, lua("second", 'error("not yet")')));
  const { exit, stdout } = await runs("run", blueprint, "--json");
  expect(exit).toBe(1);
  return JSON.parse(stdout).run_id as string;
}

async function executions(): Promise<number> {
  return (await readFile(join(directory, "log"), "utf8")).length / 2;
}

describe("runs list and show", () => {
  it("show what is recorded, for people and for programs", async () => {
    const runId = await failedRun();
    const list = await runs("runs", "list");
    expect(list.exit).toBe(0);
    expect(list.stdout).toMatch(new RegExp(`^${runId} +failed +two +\\d{4}-.*not yet`, "mu"));
    expect(JSON.parse((await runs("runs", "list", "--json")).stdout)).toMatchObject([
      { run_id: runId, status: "failed", blueprint: { id: "two" } },
    ]);
    const show = JSON.parse((await runs("runs", "show", runId, "--json")).stdout);
    expect(show).toMatchObject({
      run_id: runId,
      steps: [
        { key: "0", agent: "first", outcome: "pass", attempts: 1 },
        { key: "1", agent: "second", outcome: "error", message: expect.stringContaining("not yet") },
      ],
    });
    const text = (await runs("runs", "show", runId)).stdout;
    expect(text).toMatch(/^0 +first +pass +1/mu);
    expect(text).toMatch(/^1 +second +error +1 .*not yet/mu);
  });

  it("list by status, Blueprint and number", async () => {
    await failedRun();
    const ids = async (...args: string[]): Promise<number> =>
      JSON.parse((await runs("runs", "list", "--json", ...args)).stdout).length;
    expect(await ids("--status", "done")).toBe(0);
    expect(await ids("--status", "done", "failed")).toBe(1);
    expect(await ids("--blueprint", "other")).toBe(0);
    await failedRun();
    expect(await ids("--limit", "1")).toBe(1);
    expect((await runs("runs", "list", "--limit", "0")).exit).toBe(2);
  });

  it("make no data directory, and name an unknown run", async () => {
    expect(await runs("runs", "list")).toMatchObject({ exit: 2, stdout: "" });
    expect(existsSync(dataDir)).toBe(false);
    const missing = await runs("runs", "cancel", "R-none");
    expect(missing.exit).toBe(2);
    expect(missing.stderr).toContain("there is no store");
    expect(existsSync(dataDir)).toBe(false);
    await failedRun();
    for (const command of ["show", "watch", "verify", "cancel", "pause", "resume", "fork", "rm"]) {
      const { exit, stdout, stderr } = await runs("runs", command, "R-none");
      expect({ command, exit, stdout }).toEqual({ command, exit: 2, stdout: "" });
      expect(stderr).toMatch(/error: .*there is no run R-none/u);
      expect(stderr).toContain("swarm-host runs list");
    }
  });
});

describe("runs watch", () => {
  it("shows a run as if one had watched it, with its exit code", async () => {
    const runId = await failedRun();
    const { exit, stdout, stderr } = await runs("runs", "watch", runId);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toMatch(/first {2}0/u);
    expect(stderr).toMatch(/error: .*not yet/u);
    expect(JSON.parse((await runs("runs", "watch", runId, "--json")).stdout)).toMatchObject({
      status: "failed",
      ctx: { a: { raw: "made" } },
    });
  });
});

describe("runs verify", () => {
  it("proves sound journals, and names the first bad entry of an edited one", async () => {
    const [first, second] = [await failedRun(), await failedRun()];
    expect(await runs("runs", "verify", "all")).toMatchObject({ exit: 0 });
    const db = new DatabaseSync(join(dataDir, "swarm-host.db"));
    db.prepare(
      "UPDATE journal SET text = replace(text, 'made', 'faked') WHERE run_no = (SELECT run_no FROM runs WHERE run_id = ?)",
    ).run(first);
    db.close();
    const all = await runs("runs", "verify", "all", "--json");
    expect(all.exit).toBe(1);
    const verdicts = JSON.parse(all.stdout) as { run_id: string; sound: boolean; message?: string }[];
    expect(verdicts.find(({ run_id }) => run_id === second)).toMatchObject({ sound: true });
    expect(verdicts.find(({ run_id }) => run_id === first)).toMatchObject({
      sound: false,
      message: expect.stringMatching(/journal entry \d+ is not what this host wrote/u),
    });
    expect((await runs("runs", "show", first)).exit).toBe(1);
  });

  it("names the entry where a journal was cut off", async () => {
    const runId = await failedRun();
    const db = new DatabaseSync(join(dataDir, "swarm-host.db"));
    const { last } = db.prepare("SELECT max(seq) AS last FROM journal").get() as { last: number };
    db.prepare("DELETE FROM journal WHERE seq = ?").run(last);
    db.close();
    const { exit, stdout } = await runs("runs", "verify", runId);
    expect(exit).toBe(1);
    expect(stdout).toContain(`journal entry ${last} is missing`);
  });
});

describe("runs fork", () => {
  it("executes only what failed, with the mended Blueprint, and leaves the source as it was", async () => {
    const runId = await failedRun();
    const before = (await runs("runs", "show", runId, "--json")).stdout;
    const mended = await file("mended.json", twoSteps(directory, lua("second", "return 2")));
    const { exit, stdout } = await runs("runs", "fork", runId, "--blueprint", mended);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ a: { raw: "made" }, b: 2 });
    expect(await executions()).toBe(1);
    expect((await runs("runs", "show", runId, "--json")).stdout).toBe(before);
    const [fork] = JSON.parse((await runs("runs", "list", "--json")).stdout);
    const show = JSON.parse((await runs("runs", "show", fork.run_id, "--json")).stdout);
    expect(show).toMatchObject({
      forked_from: runId,
      fork_key: "failed",
      steps: [{ key: "0", reused_from: runId }, {}],
    });
  });

  it("executes again from a key, with a changed ctx", async () => {
    const runId = await failedRun();
    const { exit, stdout } = await runs("runs", "fork", runId, "--from", "0", "--set", "more=1", "--json");
    expect(exit).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: "failed", ctx: { more: 1, a: { raw: "made" } } });
    expect(await executions()).toBe(2);
  });

  it("refuses a key that never ran and a Blueprint that does not compile; no run is made", async () => {
    const runId = await failedRun();
    const unknown = await runs("runs", "fork", runId, "--from", "7");
    expect(unknown.exit).toBe(2);
    expect(unknown.stderr).toContain("no record of step 7");
    const bad = await runs("runs", "fork", runId, "--blueprint", await file("bad.json", { id: "bad" }));
    expect(bad.exit).toBe(2);
    expect((await runs("runs", "fork", runId, "--set", "nonsense")).exit).toBe(2);
    expect(JSON.parse((await runs("runs", "list", "--json")).stdout)).toHaveLength(1);
  });
});

describe("runs fork and rerun with another version", () => {
  it("take flow and agents from the pinned or the newest version, and execute what changed", async () => {
    const runId = await failedRun();
    const mended = twoSteps(directory, lua("second", "return 2"));
    const flow = { kind: "seq", children: [step("first", "$.a"), step("second", "$.b"), step("second", "$.c")] };
    expect((await runs("run", await file("newer.json", { ...mended, flow }))).exit).toBe(0);
    expect(await executions()).toBe(2);
    const agents = await runs("runs", "fork", runId, "--flow", "pinned", "--agents", "head");
    expect(JSON.parse(agents.stdout)).toMatchObject({ a: { raw: "made" }, b: 2 });
    expect(JSON.parse(agents.stdout)).not.toHaveProperty("c");
    const both = await runs("runs", "fork", runId, "--flow", "head", "--agents", "head");
    expect(JSON.parse(both.stdout)).toMatchObject({ a: { raw: "made" }, b: 2, c: 2 });
    expect(await executions(), "the first step is as it was").toBe(2);

    const again = await runs("runs", "rerun", runId, "--set", "more=1", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ status: "done", ctx: { more: 1, c: 2 } });
    expect(await executions()).toBe(3);
    const { run_id } = JSON.parse(again.stdout);
    expect((await runs("runs", "show", run_id)).stdout).toMatch(new RegExp(`rerun of +${runId}$`, "mu"));
    expect((await runs("runs", "rerun", runId, "--flow", "pinned", "--agents", "pinned")).exit).toBe(1);
    expect((await runs("runs", "rerun", "R-none")).stderr).toContain("no run R-none");
    expect((await runs("runs", "fork", runId, "--flow", "other")).exit).toBe(2);
  });
});

/** A run that waits for the signal `go`: `run` itself would stay with it, so it is a fork. */
async function waitingRun(): Promise<string> {
  const gate = await file("gate.json", waiting);
  const { exit, stdout } = await runs("runs", "fork", await failedRun(), "--blueprint", gate, "--json");
  const { run_id, status } = JSON.parse(stdout);
  expect({ exit, status }).toEqual({ exit: 0, status: "waiting" });
  return run_id;
}

describe("a run that only waits", () => {
  it("is left by the command that started it, with a code of its own", async () => {
    const { exit, stdout, stderr } = await runs("run", await file("gate.json", waiting));
    expect({ exit, stdout }).toEqual({ exit: 3, stdout: "" });
    const [, runId = ""] = /swarm-host signal (\S+) NAME/u.exec(stderr) ?? [];
    expect(JSON.parse((await runs("signal", runId, "go", "--value", "1")).stdout)).toMatchObject({ end: "went on" });
  });

  it("is cancelled where it is kept nowhere", async () => {
    const { exit, stderr } = await cli(["run", await file("gate.json", waiting), "--ephemeral"]);
    expect(exit).toBe(1);
    expect(stderr).toContain("kept nowhere");
  });

  it("goes on with its signal, to its end", async () => {
    const runId = await waitingRun();
    const { exit, stdout } = await runs("signal", runId, "go", "--value", '{"by":"hand"}');
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ said: { by: "hand" }, end: "went on" });
  });

  it("keeps a signal that nobody waits for, and goes on waiting", async () => {
    const runId = await waitingRun();
    const other = await runs("signal", runId, "other", "--json");
    expect(other.exit).toBe(0);
    expect(JSON.parse(other.stdout)).toMatchObject({ status: "waiting" });
    expect(JSON.parse((await runs("runs", "list", "--status", "waiting", "--json")).stdout)).toHaveLength(1);
  });

  it("takes a signal without being watched, and goes on when resumed", async () => {
    const runId = await waitingRun();
    expect(await runs("signal", runId, "go", "--detach")).toMatchObject({ exit: 0, stdout: `${runId}\n` });
    const { exit, stdout } = await runs("runs", "resume", runId);
    expect({ exit, end: JSON.parse(stdout).end }).toEqual({ exit: 0, end: "went on" });
  });

  it("is paused, cancelled and removed", async () => {
    const runId = await waitingRun();
    expect((await runs("runs", "pause", runId)).exit).toBe(0);
    expect(JSON.parse((await runs("runs", "show", runId, "--json")).stdout).status).toBe("paused");
    const early = await runs("runs", "rm", runId);
    expect(early.exit).toBe(2);
    expect(early.stderr).toContain("cancel it first");
    expect((await runs("runs", "cancel", runId, "--reason", "enough")).exit).toBe(0);
    const watched = await runs("runs", "watch", runId, "--json");
    expect(watched.exit).toBe(130);
    expect(JSON.parse(watched.stdout)).toMatchObject({ status: "cancelled", reason: "enough" });
    const again = await runs("runs", "cancel", runId);
    expect(again.exit).toBe(2);
    expect(again.stderr).toContain("has ended");
    expect((await runs("runs", "rm", runId)).exit).toBe(0);
    expect((await runs("runs", "show", runId)).exit).toBe(2);
  });

  it("refuses a value that is not JSON before it opens anything", async () => {
    const { exit, stderr } = await runs("signal", "R-any", "go", "--value", "{");
    expect(exit).toBe(2);
    expect(stderr).toContain("--value");
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe("run --idempotency-key", () => {
  it("starts a run once, and tells how it ended the second time", async () => {
    const blueprint = await file("two.json", twoSteps(directory, lua("second", "return 2")));
    const first = await runs("run", blueprint, "--idempotency-key", "k", "--json");
    const second = await runs("run", blueprint, "--idempotency-key", "k", "--json");
    expect([first.exit, second.exit]).toEqual([0, 0]);
    expect(JSON.parse(second.stdout)).toEqual(JSON.parse(first.stdout));
    expect(await executions()).toBe(1);
    expect((await runs("run", blueprint, "--idempotency-key", "other", "-q")).exit).toBe(0);
    expect(await executions()).toBe(2);
    expect((await runs("run", blueprint, "--idempotency-key", "")).exit).toBe(2);
  });
});
