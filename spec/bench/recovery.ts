/**
 * Coming back: restart with runs in flight, and forks of long runs.
 *
 * All through a real host over SQLite with `synchronous=FULL`. A restart here is a host that was closed and one that is
 * opened on the same directory: the process itself is not started anew.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CompiledBlueprint } from "../../src/blueprint/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { type Host, openHost } from "../../src/host.ts";
import { FunctionRegistry } from "../../src/workers/index.ts";
import { cost, medianMs, type Row, rate } from "./row.ts";

const path = (at: string): Json => ({ op: "path", at });
const lit = (value: Json): Json => ({ op: "lit", value });
const step = (ref: string, input: Json, out: string): Json => ({ kind: "step", ref, in: input, out: path(out) });
const seq = (...children: Json[]): Json => ({ kind: "seq", children });
const loop = (max: number): Json => ({
  kind: "loop",
  counter: path("$.n"),
  cond: lit(true),
  body: step("echo", path("$.n"), "$.out"),
  max,
});

const agents: Json = [
  { name: "echo", kind: "function", spec: { fn_id: "echo" } },
  { name: "effect", kind: "function", spec: { fn_id: "effect" } },
];

const IN_FLIGHT = 1_000;
const LONG = 10_000;

/** Rows about recovery. */
export async function* recoveryRows(): AsyncIterable<Row> {
  const directory = await mkdtemp(join(tmpdir(), "swarm-host-bench-"));
  try {
    yield* restart(join(directory, "restart"), directory);
    yield* forks(join(directory, "forks"), directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** From the opening of the host to the moment every run in flight has its step dispatched again. */
async function* restart(data: string, directory: string): AsyncIterable<Row> {
  let started = 0;
  let all = Promise.withResolvers<void>();
  const functions = new FunctionRegistry().register("echo", { pure: true, run: (input) => input }).register("effect", {
    pure: false,
    run: (_input, { signal }) => {
      started += 1;
      if (started === IN_FLIGHT) all.resolve();
      return new Promise<null>((resolve) => signal.addEventListener("abort", () => resolve(null), { once: true }));
    },
  });
  const open = (): Promise<Host> => openHost({ data: { kind: "directory", path: data }, functions });
  {
    await using host = await open();
    const blueprint = await compiled(host, directory, seq(loop(5), step("effect", path("$.n"), "$.out")));
    await Promise.all(Array.from({ length: IN_FLIGHT }, () => host.launch(blueprint)));
    await all.promise;
  }
  const again = async (): Promise<void> => {
    started = 0;
    all = Promise.withResolvers();
    await using host = await open();
    await host.recover();
    await all.promise;
  };
  const begin = performance.now();
  await again();
  yield cost(
    `restart, ${IN_FLIGHT} runs in flight`,
    "open to all dispatched, and close",
    performance.now() - begin,
    "ms",
  );
}

/** From the call to the first step that is executed again. */
async function* forks(data: string, directory: string): AsyncIterable<Row> {
  let dispatched = Promise.withResolvers<void>();
  const functions = new FunctionRegistry().register("echo", { pure: true, run: (input) => input }).register("effect", {
    pure: false,
    run: (input) => {
      dispatched.resolve();
      return input;
    },
  });
  await using host = await openHost({ data: { kind: "directory", path: data }, functions });
  const blueprint = await compiled(host, directory, seq(loop(LONG), step("effect", path("$.n"), "$.last")));
  const source = await host.launch(blueprint);
  await source.result;
  const ms = await medianMs(3, async () => {
    dispatched = Promise.withResolvers();
    const fork = host.fork(source.runId, { from: "1" });
    await dispatched.promise;
    await (await fork).result;
  });
  yield cost(`fork of ${LONG} steps`, "to the end of the one new step", ms, "ms");
  const replay = await medianMs(3, () => host.journal(source.runId));
  yield rate("journal read and verified", `${LONG} entries`, (LONG * 1000) / replay, "entries/s");
}

async function compiled(host: Host, directory: string, flow: Json): Promise<CompiledBlueprint> {
  const file = join(directory, "recovery.json");
  await writeFile(file, JSON.stringify({ id: "recovery", flow, agents }));
  const { compiled, diagnostics } = await host.workshop.check(file);
  if (compiled === undefined)
    throw new Error(`the benchmark's Blueprint does not compile: ${JSON.stringify(diagnostics)}`);
  return compiled;
}
