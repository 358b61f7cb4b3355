/** Launches that never began, and launches that never can. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { openHost } from "../../src/index.ts";
import { temporaryDirectory } from "../cli/temporary.ts";

const empty = { schema_version: "0.1.0", id: "empty", agents: [], flow: { kind: "seq", children: [] } };

it.each(["running", "dead_letter"])("starts afresh where the crash left only the row, %s", async (status) => {
  const path = join(await temporaryDirectory(), "data");
  const data = { kind: "directory", path } as const;
  await (await openHost({ data }))[Symbol.asyncDispose]();
  const db = new DatabaseSync(join(path, "swarm-host.db"));
  db.prepare(
    `INSERT INTO runs (run_id, status, bp_id, bp_version, fence, owner, next_seq, created_at, updated_at, idempotency_key)
     VALUES ('R-cut-off', ?, 'empty', 'sha256:00', 1, 'H-dead', 1, 1, 1, 'key')`,
  ).run(status);
  db.exec("INSERT INTO document_uses (version, runs, put_at) VALUES ('sha256:00', 1, 0)");
  db.close();

  await using host = await openHost({ data });
  await host.recover();
  const compiled = await host.workshop.compile(empty);
  const run = await host.launch(compiled, { idempotencyKey: "key" });
  expect(await run.result).toMatchObject({ status: "done" });
  expect((await host.launchedWith("key"))?.runId).toBe(run.runId);
  expect(await host.runs({ limit: 9 })).toHaveLength(1);
});

it("starts nothing where the input is nested deeper than a run can hold", async () => {
  await using host = await openHost({ data: { kind: "ephemeral" } });
  const compiled = await host.workshop.compile(empty);
  const deep = JSON.parse(`${"[".repeat(600)}${"]".repeat(600)}`);
  const refused = host.launch(compiled, { input: { deep }, idempotencyKey: "key" });
  await expect(refused).rejects.toMatchObject({ kind: "limit_exceeded", details: { limit: "maxCtxDepth" } });
  expect(await host.runs({ limit: 9 })).toEqual([]);
  expect(await host.launchedWith("key")).toBeUndefined();
});
