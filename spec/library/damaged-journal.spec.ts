/** A journal that somebody edited or cut off, in the directory of a host that has to go on with it. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openHost } from "../../src/index.ts";
import { temporaryDirectory } from "../cli/temporary.ts";

const gate = {
  schema_version: "0.1.0",
  id: "gate",
  agents: [{ name: "gate", kind: "function", spec: { fn_id: "wait_signal" } }],
  flow: { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: { op: "path", at: "$.said" } },
};

/** A directory with two runs that wait; `damage` is done to the first. */
async function damaged(
  damage: string,
): Promise<{ readonly path: string; readonly bad: string; readonly good: string }> {
  const path = join(await temporaryDirectory(), "data");
  let ids: string[];
  {
    await using host = await openHost({ data: { kind: "directory", path } });
    const compiled = await host.workshop.compile(gate);
    const runs = [await host.launch(compiled), await host.launch(compiled)];
    ids = runs.map(({ runId }) => runId);
  }
  const [bad = "", good = ""] = ids;
  const db = new DatabaseSync(join(path, "swarm-host.db"));
  db.prepare(damage).run(bad);
  db.close();
  return { path, bad, good };
}

const ROWS = "journal WHERE run_no = (SELECT run_no FROM runs WHERE run_id = ?)";

describe("a run whose journal is not what was written", () => {
  it.each([
    [
      "edited",
      "UPDATE journal SET text = text || ' ' WHERE seq = 1 AND run_no = (SELECT run_no FROM runs WHERE run_id = ?)",
      2,
    ],
    ["cut off at its beginning", `DELETE FROM ${ROWS} AND seq = 1`, 1],
    [
      "no JSON any more",
      "UPDATE journal SET text = '{' WHERE seq = 2 AND run_no = (SELECT run_no FROM runs WHERE run_id = ?)",
      2,
    ],
  ])(
    "(%s) is suspended, with the first bad entry; what is there is kept, and others go on",
    async (_how, damage, entry) => {
      const { path, bad, good } = await damaged(damage);
      await using host = await openHost({ data: { kind: "directory", path } });
      await host.recover();
      const before = (await host.run(bad)).nextSeq;
      await expect(host.signal(bad, { name: "go", id: "1", value: 1 })).rejects.toMatchObject({
        code: "run_stuck",
        message: expect.stringContaining(`journal entry ${entry} `),
      });
      expect(await host.run(bad)).toMatchObject({
        status: "suspended",
        nextSeq: before,
        error: expect.stringContaining(`journal entry ${entry} `),
      });
      await expect(host.journal(bad)).rejects.toMatchObject({ code: "journal_corrupt" });
      const { result } = await host.attach(good);
      await host.signal(good, { name: "go", id: "1", value: 2 });
      expect(await result).toEqual({ status: "done", ctx: { said: 2 } });
    },
  );
});
