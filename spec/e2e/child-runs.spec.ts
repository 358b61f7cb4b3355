/** A swarm that has another swarm do a step, through the real command line, and over a host that is killed. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../cli/temporary.ts";
import { appears } from "./appears.ts";
import { start, swarmHost } from "./cli-process.ts";

const step = (ref: string): object => ({
  kind: "step",
  ref,
  in: { op: "lit", value: {} },
  out: { op: "path", at: `$.${ref}` },
});

/** An agent that leaves its name in `log`, then does something. */
function script(directory: string, name: string, then = ""): object {
  const text = `const fs = require("node:fs"); process.chdir(${JSON.stringify(directory)}); fs.appendFileSync("log", "${name}\\n"); ${then}`;
  return { name, kind: "subprocess", spec: { program: process.execPath, args: ["-e", text], use_stdin: false } };
}

const document = (id: string, agents: readonly object[], refs: readonly string[]): object => ({
  schema_version: "0.1.0",
  id,
  agents,
  flow: { kind: "seq", children: refs.map(step) },
});

/** A parent of three steps, the second of which is a swarm of two; its second stays until there is a file `go`. */
function family(directory: string): object {
  const stay = `fs.writeFileSync("began", ""); const t = setInterval(() => fs.existsSync("go") && clearInterval(t), 20)`;
  const child = document("child", [script(directory, "inner"), script(directory, "stays", stay)], ["inner", "stays"]);
  const team = { name: "team", kind: "swarm", spec: { blueprint: child } };
  const agents = [script(directory, "before"), team, script(directory, "after")];
  return document("parent", agents, ["before", "team", "after"]);
}

const log = async (directory: string): Promise<string[]> =>
  (await readFile(join(directory, "log"), "utf8")).trim().split("\n");

const json = async (...args: readonly string[]) => JSON.parse((await swarmHost(args)).stdout);

describe("a swarm within a swarm", () => {
  it("is the same after its host was killed: nothing finished is done twice, and there is one child", async () => {
    const directory = await temporaryDirectory();
    const dataDir = ["--data-dir", join(directory, "data")];
    const file = join(directory, "family.json");
    await writeFile(file, JSON.stringify(family(directory)));
    const before = start(["run", file, "--idempotency-key", "once", ...dataDir]);
    await appears(join(directory, "began"));
    before.child.kill("SIGKILL");
    await before.ended;

    const after = start(["serve", "--port", "0", ...dataDir]);
    expect(await after.said(/ready on /u)).toContain("2 runs resumed");
    await writeFile(join(directory, "go"), "");
    const [parent] = (await json("runs", "list", "--blueprint", "parent", "--json", ...dataDir)) as {
      run_id: string;
    }[];
    const watched = await swarmHost(["runs", "watch", parent?.run_id ?? "", "--json", ...dataDir]);
    expect(JSON.parse(watched.stdout)).toMatchObject({
      status: "done",
      steps: [{ attempts: 1 }, { agent: "team", attempts: 1 }, { attempts: 1 }],
    });
    expect(await log(directory)).toEqual(["before", "inner", "stays", "stays", "after"]);
    after.child.kill("SIGTERM");
    await after.ended;

    const children = await json("runs", "list", "--parent", parent?.run_id ?? "", "--json", ...dataDir);
    expect(children).toMatchObject([
      {
        status: "done",
        parent_run_id: parent?.run_id,
        parent_step: { key: "1", attempt: 1 },
        blueprint: { id: "child" },
      },
    ]);
    const [{ run_id: childId }] = children;
    expect(await json("runs", "show", parent?.run_id ?? "", "--json", ...dataDir)).toMatchObject({
      children: [{ run_id: childId, status: "done", key: "1", attempt: 1 }],
    });
    const shown = (await swarmHost(["runs", "show", childId, ...dataDir])).stdout;
    expect(shown).toContain(`${parent?.run_id}, step 1, attempt 1`);
    expect((await swarmHost(["runs", "show", parent?.run_id ?? "", ...dataDir])).stdout).toContain(childId);
    expect((await swarmHost(["runs", "verify", "all", ...dataDir])).code).toBe(0);
  });

  it("is not left behind when its parent leaves memory: the command stays until the child has ended", async () => {
    const directory = await temporaryDirectory();
    const dataDir = ["--data-dir", join(directory, "data")];
    const file = join(directory, "family.json");
    await writeFile(file, JSON.stringify(family(directory)));
    const before = start(["run", file, ...dataDir]);
    await appears(join(directory, "began"));
    before.child.kill("SIGKILL");
    await before.ended;
    const [parent] = (await json("runs", "list", "--blueprint", "parent", "--json", ...dataDir)) as {
      run_id: string;
    }[];
    await rm(join(directory, "began"));
    const resumed = start(["runs", "resume", parent?.run_id ?? "", "--json", ...dataDir]);
    await appears(join(directory, "began"));
    await resumed.said(/"run_parked"/u);
    await writeFile(join(directory, "go"), "");
    const { stdout } = await resumed.ended;
    expect(JSON.parse(stdout)).toMatchObject({ status: "done" });
    expect(await log(directory)).toEqual(["before", "inner", "stays", "stays", "after"]);
  });
});
