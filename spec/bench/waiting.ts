/**
 * A hundred thousand runs that only wait: what they cost in memory, how quickly any of them is woken, and how quickly a host
 * that has them starts.
 *
 * Every run is launched with a handle, an observer and a signal of its own to wait for, and parked. In memory the store is
 * in the same heap: what it holds of a run is counted there.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { CompiledBlueprint } from "../../src/blueprint/index.ts";
import { type DataLocation, type Host, openHost } from "../../src/host.ts";
import { cost, type Row } from "./row.ts";

const WAITING = 100_000;
/** Launched at once. */
const WAVE = 1_000;
/** Woken one after the other, all over the runs. */
const WOKEN = 100;

const document = {
  id: "waiting",
  agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }],
  flow: { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } },
};

/** Rows about runs that wait. */
export async function* waitingRows(): AsyncIterable<Row> {
  const directory = await mkdtemp(join(tmpdir(), "swarm-host-bench-"));
  const file = join(directory, "waiting.json");
  await writeFile(file, JSON.stringify(document));
  try {
    yield* parked({ kind: "ephemeral" }, "memory", file);
    yield* parked({ kind: "directory", path: join(directory, "data") }, "sqlite", file);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function* parked(data: DataLocation, store: string, file: string): AsyncIterable<Row> {
  const of = `${WAITING} runs, ${store}`;
  let runIds: string[];
  {
    await using host = await openHost({ data });
    const blueprint = await compiled(host, file);
    await launchParked(host, blueprint, 100);
    const before = heapUsed();
    const begin = performance.now();
    runIds = await launchParked(host, blueprint, WAITING);
    yield cost("launched and parked", of, ((performance.now() - begin) * 1000) / WAITING, "us/run");
    yield cost("heap of a waiting run", of, (heapUsed() - before) / WAITING, "bytes");
    yield cost("a waiting run is woken, and ends", of, await wokenMs(host, runIds, 0), "ms");
  }
  if (data.kind === "ephemeral") return;
  const before = heapUsed();
  const begin = performance.now();
  await using host = await openHost({ data });
  await host.recover();
  yield cost("start of a host that has them", of, performance.now() - begin, "ms");
  yield cost("heap of a waiting run, restarted", of, Math.max(heapUsed() - before, 0) / WAITING, "bytes");
  yield cost("a waiting run is woken, restarted", of, await wokenMs(host, runIds, 1), "ms");
}

/** Launches runs and waits until the last of them has left memory. */
async function launchParked(host: Host, blueprint: CompiledBlueprint, count: number): Promise<string[]> {
  const runIds: string[] = [];
  let left = count;
  const all = Promise.withResolvers<void>();
  const observer = ({ type }: { readonly type: string }): void => {
    if (type !== "run_parked") return;
    left -= 1;
    if (left === 0) all.resolve();
  };
  for (let from = 0; from < count; from += WAVE) {
    const wave = Array.from({ length: Math.min(WAVE, count - from) }, () => host.launch(blueprint, { observer }));
    for (const { runId } of await Promise.all(wave)) runIds.push(runId);
  }
  await all.promise;
  return runIds;
}

/** The mean time from a signal to the end of the run it wakes. `nth`: which of neighbours are woken. */
async function wokenMs(host: Host, runIds: readonly string[], nth: number): Promise<number> {
  let total = 0;
  for (let index = 0; index < WOKEN; index += 1) {
    const runId = runIds[Math.floor((index * runIds.length) / WOKEN) + nth]!;
    const begin = performance.now();
    const { result } = await host.attach(runId);
    await host.signal(runId, { name: "go", id: "1", value: index });
    const { status } = await result;
    total += performance.now() - begin;
    if (status !== "done") throw new Error(`run ${runId} ended as ${status}`);
  }
  return total / WOKEN;
}

async function compiled(host: Host, file: string): Promise<CompiledBlueprint> {
  const { compiled: blueprint } = await host.workshop.check(file);
  if (blueprint === undefined) throw new Error("the benchmark's Blueprint does not compile");
  return blueprint;
}

/** Bytes of the heap that are in use. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
