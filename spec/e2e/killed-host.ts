/**
 * A host that is killed sooner or later: it goes on with what is there, starts what is not, and says a line at each effect.
 * argv: a directory, and how many runs, one after the other. Ends by itself when all of them have ended.
 *
 * Its workers log to `effects`, a line each, whatever becomes of the host.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../../src/flow/index.ts";
import { FunctionRegistry, openHost } from "../../src/index.ts";

const [, , directory = "", runs = "1"] = process.argv;
const path = (at: string): Json => ({ op: "path", at });
const step = (ref: string, input: Json, out: string): Json => ({ kind: "step", ref, in: input, out: path(out) });

const functions = new FunctionRegistry()
  .register("effect", {
    pure: false,
    run: async (input, { idempotencyKey }) => {
      appendFileSync(join(directory, "effects"), `${idempotencyKey}\n`);
      process.stdout.write("effect\n");
      await new Promise((resolve) => setImmediate(resolve));
      return input;
    },
  })
  .register("count", { pure: true, run: (input) => input });

/** Turns of an effect, a pure step and a fanout of three effects. */
const document = {
  schema_version: "0.1.0",
  id: "killed",
  agents: [
    { name: "effect", kind: "function", spec: { fn_id: "effect" } },
    { name: "count", kind: "function", spec: { fn_id: "count" } },
  ],
  flow: {
    kind: "loop",
    counter: path("$.n"),
    cond: { op: "lit", value: true },
    max: 25,
    body: {
      kind: "seq",
      children: [
        step("effect", path("$.n"), "$.effect"),
        step("count", path("$.n"), "$.count"),
        {
          kind: "fanout",
          items: { op: "lit", value: [1, 2, 3] },
          bind: path("$.item"),
          body: step("effect", path("$.item"), "$.lane"),
          join: "all",
          out: path("$.lanes"),
        },
        // A lane's value is its ctx, with all that was in it.
        { kind: "assign", at: path("$.lanes"), value: { op: "lit", value: null } },
      ],
    },
  },
};

await using host = await openHost({ data: { kind: "directory", path: join(directory, "data") }, functions });
await host.recover();
const compiled = await host.workshop.compile(document);
for (let index = 0; index < Number(runs); index += 1) {
  const { result } = await host.launch(compiled, { idempotencyKey: `run-${index}` });
  await result;
}
