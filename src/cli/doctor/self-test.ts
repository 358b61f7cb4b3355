/**
 * The self test of `doctor`: a Blueprint with a Lua agent and a child process, run for real in memory.
 *
 * Proves what no look at versions can: that the Lua module is the one this host was made for and runs, and that the
 * helper process starts children.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostic } from "../../blueprint/index.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "../../flow/index.ts";
import type { Surface } from "../surface.ts";
import type { CheckResult } from "./check.ts";

/** Runs a Blueprint of one step and compares what the step answered. */
export async function checkAgent(env: Surface["env"], agent: JsonObject, expected: string): Promise<CheckResult> {
  const directory = await mkdtemp(join(tmpdir(), "swarm-host-doctor-"));
  try {
    const file = join(directory, "self-test.json");
    await writeFile(file, JSON.stringify(selfTest(agent)));
    const { openHost } = await import("../../host.ts");
    await using host = await openHost({ data: { kind: "ephemeral" }, env });
    const { compiled, diagnostics } = await host.workshop.check(file);
    if (compiled === undefined) return failed(diagnostics.map(formatDiagnostic).join("; "));
    const run = await host.launch(compiled, { taskInput: { work_dir: directory, project_root: directory } });
    const result = await run.result;
    if (result.status !== "done") return failed(result.status === "failed" ? result.error.message : result.reason);
    const answer = answerText(ownValue(result.ctx as JsonObject, "answer")).trim();
    return answer === expected
      ? { status: "ok", detail: `works (${answer})` }
      : failed(`answered ${answer} instead of ${expected}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** An agent that asks the Lua VM for its version. */
export const luaAgent: JsonObject = { name: "probe", kind: "lua", spec: { source: "return _VERSION" } };

/** An agent that asks a child process for its version. */
export function childAgent(program: string): JsonObject {
  return { name: "probe", kind: "subprocess", spec: { program, args: ["--version"], use_stdin: false } };
}

/** A child process answers with what it printed, under `raw`. */
function answerText(answer: Json | undefined): string {
  return String(isJsonObject(answer) ? ownValue(answer, "raw") : answer);
}

function selfTest(agent: JsonObject): JsonObject {
  const path = { op: "path", at: "$.answer" };
  return {
    schema_version: "0.1.0",
    id: "doctor",
    agents: [agent],
    flow: { kind: "step", ref: "probe", in: { op: "lit", value: "" }, out: path },
  };
}

function failed(detail: string): CheckResult {
  return { status: "fail", detail, hint: "install swarm-host anew; if that does not help, report this" };
}
