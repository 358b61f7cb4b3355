import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FairQueues } from "../../src/engine/index.ts";
import { ManualClock } from "../engine/manual-clock.ts";
import { failureOf, makeSubprocessHost } from "./step-fixture.ts";
import { NODE, SubprocessFixture } from "./subprocess-fixture.ts";
import { Witness } from "./witness.ts";

const here = new SubprocessFixture();

describe("stopping", () => {
  let witness: Witness;
  beforeEach(async () => {
    witness = await Witness.listen(join(here.directory, "w"));
  });
  afterEach(() => witness.close());

  /** A Node script that shows itself to the witness and never ends by itself. */
  const living = (prelude = ""): string => `${prelude};${witness.script}`;

  it("cancels before the start without starting anything", async () => {
    const signal = AbortSignal.abort({ kind: "cancelled", message: "enough" });
    expect(await here.runSpec({ program: "sh", args: ["-c", `touch ${here.directory}/started`] }, { signal })).toEqual({
      kind: "cancelled",
    });
    expect(await readdir(here.directory)).not.toContain("started");
  });

  it("cancels while the child is being started", async () => {
    const abort = new AbortController();
    const outcome = here.runSpec({ program: NODE, args: ["-e", living()] }, { signal: abort.signal });
    abort.abort({ kind: "cancelled", message: "enough" });
    expect(await outcome).toEqual({ kind: "cancelled" });
  });

  it("cancels a running child, and answers when it is gone", async () => {
    const abort = new AbortController();
    const outcome = here.runSpec({ program: NODE, args: ["-e", living()] }, { signal: abort.signal });
    const { gone } = await witness.next();
    abort.abort({ kind: "cancelled", message: "enough" });
    expect(await outcome).toEqual({ kind: "cancelled" });
    await gone;
  });

  it("cancels after the end without effect", async () => {
    const abort = new AbortController();
    const outcome = await here.runSpec({ program: "echo", args: ["1"] }, { signal: abort.signal });
    abort.abort({ kind: "cancelled", message: "late" });
    expect(outcome).toMatchObject({ kind: "pass", value: 1 });
  });

  it("says timeout where the signal does", async () => {
    const abort = new AbortController();
    const outcome = here.runSpec({ program: NODE, args: ["-e", living()] }, { signal: abort.signal });
    await witness.next();
    abort.abort({ kind: "timeout", message: "30 ms are over" });
    expect(await outcome).toEqual({
      kind: "timeout",
      error: { code: "step_timeout", message: "30 ms are over", retryable: true },
    });
  });

  it("kills a child that ignores SIGTERM, after the grace", async () => {
    const abort = new AbortController();
    const outcome = here.runSpec(
      { program: NODE, args: ["-e", living("process.on('SIGTERM',()=>{})")] },
      { signal: abort.signal },
    );
    const { gone } = await witness.next();
    abort.abort({ kind: "cancelled", message: "enough" });
    expect(await outcome).toEqual({ kind: "cancelled" });
    await gone;
  });

  it("kills the whole group: grandchildren that ignore SIGTERM too", async () => {
    const abort = new AbortController();
    const grandchild = `require('child_process').spawn(process.execPath,['-e',${JSON.stringify(living("process.on('SIGTERM',()=>{})"))}],{stdio:'ignore'})`;
    const outcome = here.runSpec({ program: NODE, args: ["-e", living(grandchild)] }, { signal: abort.signal });
    const [first, second] = [await witness.next(), await witness.next()];
    abort.abort({ kind: "cancelled", message: "enough" });
    expect(await outcome).toEqual({ kind: "cancelled" });
    await Promise.all([first.gone, second.gone]);
  });

  it("ends what a program leaves behind in its group, and answers with what the program printed", async () => {
    const background = `${NODE} -e ${JSON.stringify(living())} & echo '"early"'`;
    const script = `${background}; while [ ! -e ${here.directory}/seen ]; do :; done`;
    const outcome = here.runSpec({ program: "sh", args: ["-c", script] });
    const { gone } = await witness.next();
    await writeFile(join(here.directory, "seen"), "");
    expect(await outcome).toMatchObject({ kind: "pass", value: "early" });
    await gone;
  });

  it("is not held up by a process that left the group and holds the pipes", async () => {
    const stdio = "{stdio:['ignore','inherit','inherit'],detached:true}";
    const leave = `require('child_process').spawn(process.execPath,['-e',${JSON.stringify(living())}],${stdio}).unref()`;
    const seen = JSON.stringify(join(here.directory, "seen"));
    const wait = `const t=setInterval(()=>{if(require('fs').existsSync(${seen}))clearInterval(t)},5)`;
    const outcome = here.runSpec({ program: NODE, args: ["-e", `${leave};console.log('{"a":1}');${wait}`] });
    await witness.next();
    await writeFile(join(here.directory, "seen"), "");
    expect(await outcome).toMatchObject({ kind: "pass", value: { a: 1 } });
  });

  it("runs at most maxChildren at once; a waiting one can be cancelled", async () => {
    const places = new FairQueues(new ManualClock());
    const narrow = makeSubprocessHost({ maxChildren: 1, graceMs: 200 }, { places });
    try {
      const [first, second] = [new AbortController(), new AbortController()];
      const running = here.runSpec({ program: NODE, args: ["-e", living()] }, { signal: first.signal }, narrow);
      const waiting = here.runSpec(
        { program: "sh", args: ["-c", `touch ${here.directory}/started`] },
        { signal: second.signal },
        narrow,
      );
      await witness.next();
      expect(places.view()).toMatchObject([
        {
          key: "subprocesses",
          limits: { concurrency: 1 },
          holders: [{ agent: "scout" }],
          waiters: [{ agent: "scout" }],
        },
      ]);
      second.abort({ kind: "cancelled", message: "enough" });
      expect(await waiting).toEqual({ kind: "cancelled" });
      first.abort({ kind: "cancelled", message: "enough" });
      expect(await running).toEqual({ kind: "cancelled" });
      expect(await readdir(here.directory)).not.toContain("started");
    } finally {
      await narrow[Symbol.asyncDispose]();
    }
  });

  it("fails children of a helper that died, kills them, and starts another helper", async () => {
    const own = makeSubprocessHost({ graceMs: 200 });
    try {
      const outcome = here.runSpec({ program: NODE, args: ["-e", living()] }, {}, own);
      const { gone } = await witness.next();
      const helper = own.helperPid;
      expect(helper).toBeTypeOf("number");
      process.kill(helper as number, "SIGKILL");
      const failure = failureOf(await outcome);
      expect(failure).toMatchObject({ code: "subprocess_helper_lost", retryable: true });
      expect(failure.message).toContain("SIGKILL");
      await gone;
      expect(await here.runSpec({ program: "echo", args: ["2"] }, {}, own)).toMatchObject({ kind: "pass", value: 2 });
      expect(own.helperPid).not.toBe(helper);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it("ends running children when it is disposed", async () => {
    const own = makeSubprocessHost({ graceMs: 200 });
    const outcome = here.runSpec({ program: NODE, args: ["-e", living()] }, {}, own);
    const { gone } = await witness.next();
    await own[Symbol.asyncDispose]();
    await gone;
    expect(failureOf(await outcome).code).toBe("subprocess_helper_lost");
    expect(failureOf(await here.runSpec({ program: "true" }, {}, own)).message).toContain("shutting down");
  });

  it("leaves no orphan when the host process is killed", async () => {
    const { spawn } = await import("node:child_process");
    const script = new URL("./dying-host.ts", import.meta.url).pathname;
    const dying = spawn(NODE, [script, living("process.on('SIGTERM',()=>{})")], { stdio: "ignore" });
    const { gone } = await witness.next();
    dying.kill("SIGKILL");
    await gone;
    expect(dying.exitCode).toBeNull();
  });
});

it("keeps no trace of a helper in a host that runs no child", async () => {
  const idle = makeSubprocessHost();
  expect(idle.helperPid).toBeUndefined();
  await idle[Symbol.asyncDispose]();
});
