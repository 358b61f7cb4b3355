/** Many runs that only wait: they leave memory, any of them is woken, and a host that has them starts at once. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Host, openHost } from "../../src/index.ts";
import { temporaryDirectory } from "../cli/temporary.ts";

const RUNS = 300;
const gate = {
  schema_version: "0.1.0",
  id: "gate",
  agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }],
  flow: { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } },
};

it.each(["memory", "a directory"])(
  "leave memory, and come back one by one when they are asked for: in %s",
  async (where) => {
    const path = join(await temporaryDirectory(), "data");
    const open = (): Promise<Host> =>
      openHost({ data: where === "memory" ? { kind: "ephemeral" } : { kind: "directory", path } });
    let host = await open();
    try {
      const compiled = await host.workshop.compile(gate);
      const parked = Promise.withResolvers<void>();
      let left = RUNS;
      const observer = ({ type }: { readonly type: string }): void => {
        if (type === "run_parked" && --left === 0) parked.resolve();
      };
      const runs = await Promise.all(Array.from({ length: RUNS }, () => host.launch(compiled, { observer })));
      for (const { result } of runs) result.catch(() => {});
      await parked.promise;
      expect(await host.runs({ status: ["waiting"], limit: 1_000 })).toHaveLength(RUNS);
      if (where !== "memory") {
        await host[Symbol.asyncDispose]();
        host = await open();
        expect(await host.recover(), "nobody is called back").toEqual({ resumed: 0, putAside: 0 });
      }
      for (const at of [RUNS - 1, 0, RUNS >> 1]) {
        const { runId } = runs[at]!;
        const { result } = await host.attach(runId);
        await host.signal(runId, { name: "go", id: "1", value: at });
        expect(await result).toEqual({ status: "done", ctx: { said: at } });
      }
      expect(await host.runs({ status: ["waiting"], limit: 1_000 })).toHaveLength(RUNS - 3);
    } finally {
      await host[Symbol.asyncDispose]();
    }
  },
);
