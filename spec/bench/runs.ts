/**
 * Whole runs through a real host.
 *
 * A: 1000 steps one after another in one run. B: 200 runs of 10 steps, all at once. C: one fanout of 1000 lanes.
 * Each with a pure function, an effect (a function that is not pure) and a Lua chunk, in memory and in SQLite with
 * `synchronous=FULL`. Flatness: the cost of a step at step 10, 1000 and 100 000 of one run.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CompiledBlueprint } from "../../src/blueprint/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { type Host, openHost } from "../../src/host.ts";
import { FunctionRegistry } from "../../src/workers/index.ts";
import type { Floors } from "./floors.ts";
import { cost, medianMs, type Row, rate } from "./row.ts";

type WorkerName = "function" | "effect" | "lua";

const path = (at: string): Json => ({ op: "path", at });
const lit = (value: Json): Json => ({ op: "lit", value });
const step: Json = { kind: "step", ref: "worker", in: path("$.n"), out: path("$.out") };
const loop = (max: number): Json => ({ kind: "loop", counter: path("$.n"), cond: lit(true), body: step, max });
const fanout = (lanes: number): Json => ({
  kind: "fanout",
  items: lit(Array.from({ length: lanes }, (_, index) => index)),
  bind: path("$.n"),
  body: step,
  join: "all",
  out: path("$.all"),
});

const agents: Readonly<Record<WorkerName, Json>> = {
  function: { name: "worker", kind: "function", spec: { fn_id: "echo" } },
  effect: { name: "worker", kind: "function", spec: { fn_id: "effect" } },
  lua: { name: "worker", kind: "lua", spec: { source: "return _CTX" } },
};

const functions = new FunctionRegistry()
  .register("echo", { pure: true, run: (input) => input })
  .register("effect", { pure: false, run: (input) => input });

/** All rows about runs. */
export async function* runRows(floors: Floors): AsyncIterable<Row> {
  const directory = await mkdtemp(join(tmpdir(), "swarm-host-bench-"));
  try {
    for (const store of ["memory", "sqlite"] as const) {
      const data =
        store === "memory"
          ? ({ kind: "ephemeral" } as const)
          : ({ kind: "directory", path: join(directory, "data") } as const);
      await using host = await openHost({ data, functions });
      for (const worker of ["function", "lua", "effect"] as const) {
        const compile = (flow: Json) => compiled(host, directory, flow, worker);
        const configuration = `${worker}, ${store}`;
        const durable = store === "sqlite" && worker === "effect";
        const a = await compile(loop(1000));
        yield cost(
          "A: 1000 sequential steps",
          configuration,
          (await medianMs(5, () => run(host, a))) / 1000,
          "ms/step",
          durable ? floors.appendMs : undefined,
        );
        const b = await compile(loop(10));
        const ms = await medianMs(5, () => Promise.all(Array.from({ length: 200 }, () => run(host, b))));
        yield rate(
          "B: 200 runs x 10 steps",
          configuration,
          2_000_000 / ms,
          "steps/s",
          store === "sqlite" ? floors.groupedPerSecond : undefined,
        );
        const c = await compile(fanout(1000));
        yield cost(
          "C: one fanout of 1000",
          configuration,
          await medianMs(5, () => run(host, c)),
          "ms",
          store === "sqlite" ? 1_000_000 / floors.groupedPerSecond : undefined,
        );
      }
      yield* flatness(host, directory, store);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The cost of a step early, later and very late in one run, as the mean over a window of steps. */
async function* flatness(host: Host, directory: string, store: string): AsyncIterable<Row> {
  const long = await compiled(host, directory, loop(101_000), "function");
  const at = new Map<number, number>();
  let steps = 0;
  const handle = await host.launch(long, {
    observer: (event) => {
      if (event.type === "step_completed") at.set(++steps, performance.now());
    },
  });
  await handle.result;
  for (const [from, width] of [
    [10, 500],
    [1_000, 1_000],
    [100_000, 1_000],
  ] as const) {
    const elapsed = (at.get(from + width) ?? 0) - (at.get(from) ?? 0);
    yield cost(`step ${from} of one run`, `function, ${store}`, (elapsed * 1000) / width, "us/step");
  }
}

async function compiled(host: Host, directory: string, flow: Json, worker: WorkerName): Promise<CompiledBlueprint> {
  const file = join(directory, "bench.json");
  await writeFile(file, JSON.stringify({ id: "bench", flow, agents: [agents[worker]] }));
  const { compiled, diagnostics } = await host.workshop.check(file);
  if (compiled === undefined)
    throw new Error(`the benchmark's Blueprint does not compile: ${JSON.stringify(diagnostics)}`);
  return compiled;
}

async function run(host: Host, blueprint: CompiledBlueprint): Promise<void> {
  const handle = await host.launch(blueprint);
  const result = await handle.result;
  if (result.status !== "done") throw new Error(`the benchmark's run ended as ${JSON.stringify(result)}`);
}
