/** Operators and workers from the command line, against a real `serve`. */
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../cli/temporary.ts";
import { operatorBlueprint } from "../operators/served-host.ts";
import { PROJECT, type Running, start, swarmHost } from "./cli-process.ts";

interface Served {
  readonly dataDir: string;
  readonly running: Running;
  launch(blueprint: object): Promise<string>;
  /** The ctx that a run ends with. */
  ended(runId: string): Promise<unknown>;
}

async function serve(): Promise<Served> {
  const dataDir = await temporaryDirectory();
  const running = start(["serve", "--port", "0", "--data-dir", dataDir]);
  const url = /ready on (\S+)/u.exec(await running.said(/ready on /u))?.[1] ?? "";
  const token = (await readFile(join(dataDir, "swarm-host.token"), "utf8")).trim();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return {
    dataDir,
    running,
    async launch(blueprint) {
      const body = JSON.stringify({ blueprint });
      const response = await fetch(`${url}/v1/runs`, { method: "POST", headers, body });
      expect(response.status).toBe(201);
      return ((await response.json()) as { run_id: string }).run_id;
    },
    async ended(runId) {
      const { stdout } = await swarmHost(["runs", "watch", runId, "--data-dir", dataDir, "--quiet"]);
      return JSON.parse(stdout);
    },
  };
}

async function stop(running: Running): Promise<void> {
  running.child.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
}

const hasPython = ((): boolean => {
  try {
    execFileSync("python3", ["-c", "pass"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("python3 is not here: the worker in Python is not run");
    return false;
  }
})();

describe("operator attach", () => {
  it("runs a command for each step of the seats it takes, and leaves when it is told to", async () => {
    const { dataDir, running, launch, ended } = await serve();
    const runId = await launch(operatorBlueprint());
    const exec = `cat >/dev/null; echo "$SWARM_HOST_AGENT says so"`;
    const attached = start(["operator", "attach", "--data-dir", dataDir, "--run", runId, "--exec", exec]);
    expect(await ended(runId)).toMatchObject({ said: "writer says so" });
    await attached.said(/step writer .*: pass/u);
    const listed = await swarmHost(["operator", "list", "--json", "--data-dir", dataDir]);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ connected: true }]);
    await stop(attached);
    expect((await swarmHost(["operator", "list", "--data-dir", dataDir])).stdout).toBe("nobody has joined\n");
    await stop(running);
  });

  it("blocks a step whose command fails, and shows why", async () => {
    const { dataDir, running, launch } = await serve();
    const runId = await launch(operatorBlueprint());
    const exec = "cat >/dev/null; echo half; echo broken >&2; exit 3";
    const attached = start(["operator", "attach", "--data-dir", dataDir, "--run", runId, "--exec", exec]);
    const { code, stderr } = await swarmHost(["runs", "watch", runId, "--data-dir", dataDir]);
    expect(code).toBe(1);
    expect(stderr).toContain(`blocked: {"raw":"half","stderr":"broken\\n","exit_code":3}`);
    await stop(attached);
    await stop(running);
  });

  it("lets a person answer in the terminal", async () => {
    const { dataDir, running, launch, ended } = await serve();
    const runId = await launch(operatorBlueprint());
    const attached = start(["operator", "attach", "--data-dir", dataDir, "--run", runId]);
    expect(await attached.said(/then a line with only a dot/u)).toContain("write it");
    attached.child.stdin?.write("two\nlines\n.\n");
    expect(await ended(runId)).toMatchObject({ said: "two\nlines" });
    await attached.said(/^answered$/mu);
    await stop(attached);
    await stop(running);
  });

  it("keeps its seats over its own end, with a session file", async () => {
    const { dataDir, running, launch, ended } = await serve();
    const runId = await launch(operatorBlueprint());
    const kept = ["--session-file", join(dataDir, "session.json"), "--data-dir", dataDir];
    const first = start(["operator", "attach", "--run", runId, ...kept]);
    await first.said(/then a line with only a dot/u);
    await stop(first);
    const seats = await swarmHost(["operator", "seats", runId, "--json", "--data-dir", dataDir]);
    expect(JSON.parse(seats.stdout)).toMatchObject([{ seat: "main", generation: 1, connected: false }]);
    const second = start(["operator", "attach", ...kept, "--exec", "cat >/dev/null; echo later"]);
    expect(await ended(runId)).toMatchObject({ said: "later" });
    await stop(second);
    await stop(running);
  });

  it.skipIf(!hasPython)("hands a handle to a worker in Python that needs no library", async () => {
    const { dataDir, running, launch, ended } = await serve();
    const runId = await launch(operatorBlueprint());
    const launched = `python3 '${join(PROJECT, "spec/examples/worker.py")}'`;
    const attached = start(["operator", "attach", "--data-dir", dataDir, "--run", runId, "--launch", launched]);
    expect(await ended(runId)).toMatchObject({
      said: { out: { agent: "writer", words: 2, shout: "WRITE IT" }, parts: { "original.txt": "write it" } },
    });
    await stop(attached);
    await stop(running);
  });

  it("says what to do where no host is running", async () => {
    const dataDir = await temporaryDirectory();
    const { code, stderr } = await swarmHost(["operator", "attach", "--data-dir", dataDir]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("swarm-host serve");
  });
});

describe("the worker in TypeScript", () => {
  const file = join(PROJECT, "spec/examples/worker.ts");

  it("is the one that the README shows", async () => {
    const [readme, source] = await Promise.all([readFile(join(PROJECT, "README.md"), "utf8"), readFile(file, "utf8")]);
    expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``);
  });

  it("does a step whose handle it is given", async () => {
    const { dataDir, running, launch, ended } = await serve();
    const runId = await launch(operatorBlueprint());
    const launched = `"${process.execPath}" "${file}"`;
    const attached = start(["operator", "attach", "--data-dir", dataDir, "--run", runId, "--launch", launched]);
    expect(await ended(runId)).toMatchObject({
      said: { out: { agent: "writer", words: 2, shout: "WRITE IT" }, parts: { "words.txt": "write\nit" } },
    });
    await stop(attached);
    await stop(running);
  });
});

describe("worker exec", () => {
  it("fetches a step by its handle, runs a command on it and submits what it prints", async () => {
    const { dataDir, running, launch, ended } = await serve();
    const runId = await launch(operatorBlueprint());
    const exec = `"${process.execPath}" "${join(PROJECT, "src/cli/main.ts")}" worker exec -- sh -c 'cat >/dev/null; echo by hand'`;
    const attached = start(["operator", "attach", "--data-dir", dataDir, "--run", runId, "--launch", exec]);
    expect(await ended(runId)).toMatchObject({ said: "by hand" });
    await stop(attached);
    await stop(running);
  });

  it.each([
    [{}, "where the host is"],
    [{ SWARM_HOST_URL: "http://127.0.0.1:1" }, "which step"],
  ])("says what is missing with %j", async (env, missing) => {
    const { code, stderr } = await swarmHost(["worker", "exec", "--", "true"], { env });
    expect(code).toBe(2);
    expect(stderr).toContain(missing);
  });
});
