/** `swarm-host serve` as a real process: starting, stopping, and dying in the middle. */
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lua, oneStep, temporaryDirectory, temporaryFile } from "../cli/temporary.ts";
import { appears } from "./appears.ts";
import { type Running, start, swarmHost } from "./cli-process.ts";

interface Served {
  readonly running: Running;
  readonly said: string;
  /** Sends a request with the credential. */
  ask(path: string, body?: object): Promise<Response>;
}

async function serve(dataDir: string): Promise<Served> {
  const running = start(["serve", "--port", "0", "--data-dir", dataDir]);
  const said = await running.said(/ready on /u);
  const url = /ready on (\S+)/u.exec(said)?.[1] ?? "";
  const token = (await readFile(join(dataDir, "swarm-host.token"), "utf8")).trim();
  return {
    running,
    said,
    ask: (path, body) =>
      fetch(`${url}${path}`, {
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      }),
  };
}

/** A step that leaves its name in `log`. The second then stays until there is a file `go`. */
function threeSteps(directory: string): object {
  const script = (name: string, then: string): string =>
    `const fs = require("node:fs"); process.chdir(${JSON.stringify(directory)}); fs.appendFileSync("log", "${name}\\n"); ${then}`;
  const stay = `fs.writeFileSync("began", ""); const t = setInterval(() => fs.existsSync("go") && clearInterval(t), 20)`;
  const agent = (name: string, then = ""): object => ({
    name,
    kind: "subprocess",
    spec: { program: process.execPath, args: ["-e", script(name, then)], use_stdin: false },
  });
  const step = (ref: string): object => ({
    kind: "step",
    ref,
    in: { op: "lit", value: "" },
    out: { op: "path", at: `$.${ref}` },
  });
  return {
    schema_version: "0.1.0",
    id: "three",
    agents: [agent("first"), agent("second", stay), agent("third")],
    flow: { kind: "seq", children: ["first", "second", "third"].map(step) },
  };
}

describe("serve", () => {
  it("killed in the middle of a run and started again, brings it to its end and does nothing finished twice", async () => {
    const directory = await temporaryDirectory();
    const dataDir = join(directory, "data");
    const before = await serve(dataDir);
    const launched = await before.ask("/v1/runs", { blueprint: threeSteps(directory), input: {} });
    expect(launched.status).toBe(201);
    const { run_id: runId } = (await launched.json()) as { run_id: string };
    await appears(join(directory, "began"));
    before.running.child.kill("SIGKILL");
    expect((await before.running.ended).signal).toBe("SIGKILL");

    const after = await serve(dataDir);
    expect(after.said).toContain("1 run resumed");
    await writeFile(join(directory, "go"), "");
    const events = await (await after.ask(`/v1/runs/${runId}/events`)).text();
    expect(events).toMatch(/event: run_finished\ndata: .*"status":"done"/u);
    expect((await readFile(join(directory, "log"), "utf8")).split("\n")).toEqual([
      "first",
      "second",
      "second",
      "third",
      "",
    ]);
    expect(await (await after.ask(`/v1/runs/${runId}`)).json()).toMatchObject({ status: "done" });
    after.running.child.kill("SIGTERM");
    expect((await after.running.ended).code).toBe(0);
    const verified = await swarmHost(["runs", "verify", "all", "--data-dir", dataDir]);
    expect(verified.code).toBe(0);
  });

  it("is watched over its death and restart, from what was done before to the result", async () => {
    const directory = await temporaryDirectory();
    const dataDir = join(directory, "data");
    const before = await serve(dataDir);
    const launched = await before.ask("/v1/runs", { blueprint: threeSteps(directory), input: {} });
    const { run_id: runId } = (await launched.json()) as { run_id: string };
    await appears(join(directory, "began"));
    const watching = start(["runs", "watch", runId, "--json", "--data-dir", dataDir]);
    await watching.said(/"step_started".*"agent":"second"/u);
    before.running.child.kill("SIGKILL");
    await before.running.ended;
    await watching.said(/"disconnected"/u);
    const after = await serve(dataDir);
    await watching.said(/"connected"/u);
    await writeFile(join(directory, "go"), "");
    const { code, stdout, stderr } = await watching.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ run_id: runId, status: "done", steps: [{}, { attempts: 2 }, {}] });
    const completed = stderr.split("\n").filter((line) => line.includes('"step_completed"'));
    expect(completed.map((line) => JSON.parse(line).agent)).toEqual(["first", "second", "third"]);
    after.running.child.kill("SIGTERM");
    await after.running.ended;
  });

  it("lets its events be followed, of a run to its end and of all runs over a restart", async () => {
    const directory = await temporaryDirectory();
    const dataDir = join(directory, "data");
    const before = await serve(dataDir);
    const all = start(["events", "--follow", "--json", "--from", "1", "--data-dir", dataDir]);
    const told = (pattern: RegExp): Promise<string> =>
      new Promise((resolve) => {
        let text = "";
        all.child.stdout?.on("data", (more: string) => {
          text += more;
          if (pattern.test(text)) resolve(text);
        });
      });
    const began = told(/"step_started".*"key":"1"/u);
    const finished = told(/"run_finished".*\n/u);
    const launched = await before.ask("/v1/runs", { blueprint: threeSteps(directory), input: {} });
    const { run_id: runId } = (await launched.json()) as { run_id: string };
    await began;
    before.running.child.kill("SIGKILL");
    await before.running.ended;
    const after = await serve(dataDir);
    const one = start(["runs", "events", runId, "--follow", "--json", "--data-dir", dataDir]);
    await writeFile(join(directory, "go"), "");
    const { code, stdout } = await one.ended;
    expect(code).toBe(0);
    const lines = (text: string): { offset: number; entry: { seq: number } }[] =>
      text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    const run = lines(stdout);
    expect(run.map(({ offset }) => offset)).toEqual(run.map((_, index) => index + 1));
    expect(run.at(-1)?.entry).toMatchObject({ type: "run_finished" });
    expect(lines(await finished).map(({ entry }) => entry)).toEqual(run.map(({ entry }) => entry));
    all.child.kill("SIGTERM");
    after.running.child.kill("SIGTERM");
    await after.running.ended;
  });

  it("stops in good order on SIGTERM: workers end, the run can go on", async () => {
    const directory = await temporaryDirectory();
    const dataDir = join(directory, "data");
    const first = await serve(dataDir);
    const { run_id: runId } = (await (await first.ask("/v1/runs", { blueprint: threeSteps(directory) })).json()) as {
      run_id: string;
    };
    await appears(join(directory, "began"));
    first.running.child.kill("SIGTERM");
    expect((await first.running.ended).code).toBe(0);
    expect(existsSync(join(dataDir, "swarm-host.endpoint"))).toBe(false);
    await writeFile(join(directory, "go"), "");
    const resumed = await swarmHost(["runs", "resume", runId, "--data-dir", dataDir, "-q"]);
    expect(resumed.code).toBe(0);
    expect(Object.keys(JSON.parse(resumed.stdout))).toEqual(["first", "second", "third"]);
  });

  it("keeps its credential and its address to the user, and the credential over restarts", async () => {
    const dataDir = join(await temporaryDirectory(), "data");
    const first = await serve(dataDir);
    const token = await readFile(join(dataDir, "swarm-host.token"), "utf8");
    for (const name of ["swarm-host.token", "swarm-host.endpoint"])
      expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
    first.running.child.kill("SIGINT");
    const ended = await first.running.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr + ended.stdout).not.toContain(token.trim());
    const second = await serve(dataDir);
    expect(await readFile(join(dataDir, "swarm-host.token"), "utf8")).toBe(token);
    second.running.child.kill("SIGINT");
    await second.running.ended;
  });

  it("refuses a port that is taken and touches nothing", async () => {
    const dataDir = join(await temporaryDirectory(), "data");
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    const { code, stderr } = await swarmHost(["serve", "--port", String(port), "--data-dir", dataDir]);
    other.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`error: port ${port} .*taken`, "u"));
    expect(existsSync(dataDir)).toBe(false);
  });

  it("refuses a directory that another host has, and addresses others can reach", async () => {
    const dataDir = join(await temporaryDirectory(), "data");
    const first = await serve(dataDir);
    const second = await swarmHost(["serve", "--port", "0", "--data-dir", dataDir]);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/in use/u);
    expect((await first.ask("/v1/ready")).status).toBe(200);
    expect((await swarmHost(["serve", "--host", "0.0.0.0", "--data-dir", dataDir])).code).toBe(2);
    first.running.child.kill("SIGTERM");
    await first.running.ended;
  });

  it("runs what is sent to it", async () => {
    const dataDir = join(await temporaryDirectory(), "data");
    const { running, ask } = await serve(dataDir);
    const launched = await ask("/v1/runs", { blueprint: oneStep(lua("return 7")) });
    const { run_id: runId } = (await launched.json()) as { run_id: string };
    expect(await (await ask(`/v1/runs/${runId}/events`)).text()).toContain('"answer":7');
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  });

  it("runs what `run` is asked for while it has the directory, and `run` tells the end", async () => {
    const dataDir = join(await temporaryDirectory(), "data");
    const { running } = await serve(dataDir);
    const file = await temporaryFile("a.json", oneStep(lua("return { n = 6 * 7 }"), { default_init_ctx: { x: 1 } }));
    const args = ["run", file, "--data-dir", dataDir, "--set", "y=2"];
    const { code, stdout, stderr } = await swarmHost(args);
    expect({ code, ctx: JSON.parse(stdout) }).toEqual({ code: 0, ctx: { x: 1, y: 2, answer: { n: 42 } } });
    expect(stderr).toMatch(/the host at \S+ runs it/u);
    const failing = await temporaryFile("b.json", oneStep(lua("error('no luck')")));
    const failed = await swarmHost(["run", failing, "--data-dir", dataDir, "--json"]);
    expect({ code: failed.code, ...JSON.parse(failed.stdout) }).toMatchObject({ code: 1, status: "failed" });
    const refused = await swarmHost([...args, "--work-dir", "."]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--work-dir cannot be asked of the host");
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  });

  it("cancels what `run` was asked for where that gets Ctrl-C", async () => {
    const directory = await temporaryDirectory();
    const dataDir = join(directory, "data");
    const { running } = await serve(dataDir);
    const gate = await temporaryFile("gate.json", {
      schema_version: "0.1.0",
      id: "gate",
      agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }],
      flow: { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } },
    });
    const asked = start(["run", gate, "--data-dir", dataDir, "--json"]);
    await asked.said(/step_started/u);
    asked.child.kill("SIGINT");
    const { code, stdout } = await asked.ended;
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 130, status: "cancelled" });
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  });

  it("is what the commands about runs speak to while it has the directory", async () => {
    const directory = await temporaryDirectory();
    const dataDir = join(directory, "data");
    const { running, ask } = await serve(dataDir);
    const gate = {
      schema_version: "0.1.0",
      id: "gate",
      agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }],
      flow: { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } },
    };
    const launched = await ask("/v1/runs", { blueprint: gate, input: { a: 1 } });
    const { run_id: runId } = (await launched.json()) as { run_id: string };
    const command = (...args: string[]): ReturnType<typeof swarmHost> => swarmHost([...args, "--data-dir", dataDir]);
    expect((await command("runs", "pause", runId)).code).toBe(0);
    expect((await command("runs", "list", "--status", "paused")).stdout).toContain(runId);
    expect(await command("runs", "resume", runId)).toMatchObject({ code: 0, stdout: `${runId}\n` });
    const forked = await command("runs", "fork", runId, "--from", "root", "--set", "b=2", "-q");
    expect(forked.code).toBe(0);
    const fork = forked.stdout.trim();
    expect((await command("signal", fork, "go", "--value", "3")).code).toBe(0);
    expect(await (await ask(`/v1/runs/${fork}/events`)).text()).toContain('{"a":1,"b":2,"said":3}');
    const live = await command("runs", "rm", fork, runId);
    expect(live.code).toBe(2);
    expect(live.stderr).toContain("has not ended");
    expect((await command("runs", "cancel", runId)).code).toBe(0);
    expect((await command("runs", "cancel", runId)).code).toBe(2);
    expect((await command("runs", "rm", fork, runId)).code).toBe(0);
    expect((await command("runs", "cancel", runId)).stderr).toContain("there is no run");
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  });
});
