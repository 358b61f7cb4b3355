import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  blocked,
  FunctionRegistry,
  formatDiagnostic,
  type HostFunction,
  type HostOptions,
  type Json,
  openHost,
  type RunResult,
} from "../../src/index.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "swarm-host-library-"));
});
afterAll(() => rm(directory, { recursive: true }));

const path = (at: string): Json => ({ op: "path", at });
const step = (ref: string, input: Json, out: string): Json => ({ kind: "step", ref, in: input, out: path(out) });

/** Runs a Blueprint document in a host of its own. */
async function run(
  document: { flow: Json; agents: readonly Json[] },
  options: Partial<HostOptions> = {},
  input: Json = {},
): Promise<RunResult> {
  const file = join(directory, `${crypto.randomUUID()}.json`);
  await writeFile(file, JSON.stringify({ id: "library", ...document }));
  await using host = await openHost({ data: { kind: "ephemeral" }, ...options });
  const { compiled, diagnostics } = await host.workshop.check(file);
  if (compiled === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  const handle = await host.launch(compiled, { input });
  return await handle.result;
}

describe("a host in one's own process", () => {
  it("runs registered functions, and a blocked answer fails the flow", async () => {
    const functions = new FunctionRegistry()
      .register("double", { pure: true, run: (input) => (input as number) * 2 })
      .register("refuse", { pure: true, run: () => blocked({ why: "no" }) });
    const agents = [
      { name: "double", kind: "function", spec: { fn_id: "double" } },
      { name: "refuse", kind: "rust_fn", spec: { fn_id: "refuse" } },
    ];
    expect(await run({ agents, flow: step("double", path("$.n"), "$.d") }, { functions }, { n: 21 })).toEqual({
      status: "done",
      ctx: { n: 21, d: 42 },
    });
    expect(await run({ agents, flow: step("refuse", path("$"), "$.d") }, { functions })).toMatchObject({
      status: "failed",
      error: { kind: "dispatcher_error", message: expect.stringContaining('blocked: {"why":"no"}') },
    });
  });

  it("lets Lua reach the host functions it is granted, and no others", async () => {
    const seen: Json[] = [];
    const lookup: HostFunction = async (arg) => {
      seen.push(arg);
      return { found: arg };
    };
    const hostFunctions = new Map([["lookup", lookup]]);
    const agent = (host: readonly string[]) => ({
      name: "asker",
      kind: "lua",
      spec: { source: "return host.lookup(_CTX.key).found .. '!'", host },
    });
    const flow = step("asker", path("$"), "$.answer");
    expect(await run({ agents: [agent(["lookup"])], flow }, { hostFunctions }, { key: "x" })).toMatchObject({
      ctx: { answer: "x!" },
    });
    expect(await run({ agents: [agent([])], flow }, { hostFunctions }, { key: "x" })).toMatchObject({
      status: "failed",
    });
    expect(seen).toEqual(["x"]);
  });

  it("calls externs, and journals the values of impure ones", async () => {
    let calls = 0;
    const externs = new Map([["tick", { pure: false, call: () => ++calls }]]);
    const flow: Json = { kind: "let", at: "$.t", value: { op: "call_extern", ref: "tick", args: [] } };
    expect(await run({ agents: [], flow }, { externs })).toEqual({ status: "done", ctx: { t: 1 } });
  });

  it("keeps two hosts in one process apart", async () => {
    const double = new FunctionRegistry().register("f", { pure: true, run: (input) => (input as number) * 2 });
    const triple = new FunctionRegistry().register("f", { pure: true, run: (input) => (input as number) * 3 });
    const document = {
      agents: [{ name: "f", kind: "function", spec: { fn_id: "f" } }],
      flow: step("f", path("$.n"), "$.r"),
    };
    const [two, three] = await Promise.all([
      run(document, { functions: double }, { n: 5 }),
      run(document, { functions: triple }, { n: 5 }),
    ]);
    expect([two, three]).toMatchObject([{ ctx: { r: 10 } }, { ctx: { r: 15 } }]);
  });
});
