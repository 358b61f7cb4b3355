/** Runs out of one host and into another, as files. */
import { hash } from "node:crypto";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { exportRun, importRun } from "../../src/archive/index.ts";
import type { Json } from "../../src/flow/index.ts";
import { type Host, openHost } from "../../src/host.ts";
import { Workshop } from "../../src/workshop.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import type { RunRecord, Stores } from "../../stores/ports.ts";

const path = (at: string): object => ({ op: "path", at });
const step = (ref: string, at: string): object => ({ kind: "step", ref, in: path("$.in"), out: path(at) });

const echo = {
  schema_version: "0.1.0",
  id: "echo",
  agents: [
    { name: "same", kind: "lua", spec: { source: "return _PROMPT" } },
    { name: "fails", kind: "lua", spec: { source: 'error("no")' } },
  ],
};
const passing = { ...echo, flow: { kind: "seq", children: [step("same", "$.a"), step("same", "$.b")] } };
const failing = { ...echo, flow: { kind: "seq", children: [step("same", "$.a"), step("fails", "$.b")] } };
const gate = {
  schema_version: "0.1.0",
  id: "gate",
  agents: [
    { name: "gate", kind: "function", spec: { fn_id: "wait_signal" } },
    { name: "after", kind: "lua", spec: { source: 'return "went on"' } },
  ],
  flow: {
    kind: "seq",
    children: [
      { kind: "step", ref: "gate", in: { op: "lit", value: "go" }, out: path("$.said") },
      { kind: "step", ref: "after", in: { op: "lit", value: "" }, out: path("$.end") },
    ],
  },
};

const workshop = new Workshop();
afterAll(() => workshop[Symbol.asyncDispose]());

const opened: Host[] = [];
async function aHost(): Promise<Host> {
  const host = await openHost({ data: { kind: "ephemeral" }, workshop });
  opened.push(host);
  return host;
}
afterEach(async () => {
  for (const host of opened.splice(0)) await host[Symbol.asyncDispose]();
});

async function ended(host: Host, blueprint: object, input: Json): Promise<string> {
  const run = await host.launch(await workshop.compile(blueprint as Json), { input });
  await run.result;
  return run.runId;
}

async function archiveOf(host: Host, runId: string): Promise<string> {
  let text = "";
  for await (const line of await host.archive(runId)) text += line;
  return text;
}

/** The bytes in pieces, each time anew. */
function pieces(text: string | Uint8Array, size = 1000): () => AsyncIterable<Uint8Array> {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  return async function* () {
    for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
  };
}

describe("an archive", () => {
  it("of any run that has ended brings it into another host as it was, and is the same from there", async () => {
    const [source, target] = [await aHost(), await aHost()];
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          in: fc.oneof(
            fc.jsonValue(),
            fc.integer({ min: 1, max: 40_000 }).map((n) => "é".repeat(n)),
          ),
        }),
        fc.constantFrom(passing, failing),
        fc.integer({ min: 1, max: 5000 }),
        async (input, blueprint, size) => {
          const runId = await ended(source, blueprint, input as Json);
          const archive = await archiveOf(source, runId);
          const record = await target.importRun(pieces(archive, size));
          expect(await archiveOf(target, runId)).toBe(archive);
          expect(await target.journal(runId)).toEqual(await source.journal(runId));
          const { owner: _owner, ...facts } = await source.run(runId);
          expect(record).toEqual(facts);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("of a run that had not ended is imported paused, and executes nothing before it is resumed", async () => {
    const [source, target] = [await aHost(), await aHost()];
    const run = await source.launch(await workshop.compile(gate as Json));
    const record = await target.importRun(pieces(await archiveOf(source, run.runId)));
    expect(record.status).toBe("paused");
    expect((await target.recover()).resumed).toBe(0);
    await target.signal(run.runId, { name: "go", id: "1", value: "here" });
    const types = (await target.journal(run.runId)).map(({ entry }) => entry.type);
    expect(types).toContain("signal_received");
    expect(types).not.toContain("run_finished");
    const copy = await target.attach(run.runId);
    await target.resume(run.runId, { reason: "test" });
    expect(await copy.result).toMatchObject({ status: "done", ctx: { said: "here", end: "went on" } });
    expect((await source.run(run.runId)).status).not.toBe("done");
  });

  it("can be forked where it was imported", async () => {
    const [source, target] = [await aHost(), await aHost()];
    const runId = await ended(source, failing, { in: "x" });
    await target.importRun(pieces(await archiveOf(source, runId)));
    const fork = await target.fork(runId, { head: await workshop.compile(passing as Json) });
    expect(await fork.result).toMatchObject({ status: "done", ctx: { a: "x", b: "x" } });
  });

  it("is not imported over a run that is here", async () => {
    const host = await aHost();
    const runId = await ended(host, passing, { in: 1 });
    const archive = await archiveOf(host, runId);
    await expect(host.importRun(pieces(archive))).rejects.toMatchObject({ code: "run_exists" });
    expect(await archiveOf(host, runId)).toBe(archive);
  });
});

describe("an archive that is not what was written", () => {
  let archive: Buffer;
  let runId: string;
  let target: Host;

  beforeAll(async () => {
    await using source = await openHost({ data: { kind: "ephemeral" }, workshop });
    runId = await ended(source, failing, { in: "é".repeat(20_000) });
    archive = Buffer.from(await archiveOf(source, runId));
  });

  async function refusal(bytes: Uint8Array): Promise<{ readonly code: string; readonly message: string }> {
    target ??= await openHost({ data: { kind: "ephemeral" }, workshop });
    const error = await target.importRun(pieces(bytes, 4096)).then(
      () => expect.fail("was imported"),
      (refused: { code: string; message: string }) => refused,
    );
    expect(await target.runs({ limit: 1 })).toEqual([]);
    return error;
  }
  afterAll(() => target[Symbol.asyncDispose]());

  const lines = (): string[] => archive.toString().trimEnd().split("\n");
  const rejoined = (parts: readonly string[]): Buffer => Buffer.from(`${parts.join("\n")}\n`);
  /** With an end line that fits, as somebody who edits would write it. */
  const resealed = (parts: readonly string[]): Buffer => {
    const body = `${parts.join("\n")}\n`;
    const end = { lines: parts.length, sha256: hash("sha256", body) };
    return Buffer.from(`${body}${JSON.stringify({ end })}\n`);
  };

  it("is refused wherever it is cut off", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: archive.length - 2 }), async (length) => {
        const { code } = await refusal(archive.subarray(0, length));
        expect(["archive_truncated", "archive_foreign"]).toContain(code);
      }),
      { numRuns: 60 },
    );
  });

  it("is refused whichever bit is changed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length - 1), fc.nat(7), async (at, bit) => {
        const changed = Buffer.from(archive);
        changed[at]! ^= 1 << bit;
        const { code } = await refusal(changed);
        expect(code).toMatch(/^(archive_|journal_)/u);
      }),
      { numRuns: 150 },
    );
  });

  it("is refused by the journal's own chain where the end line was made to fit", async () => {
    const edited = lines().slice(0, -1);
    const at = edited.findIndex((line) => line.includes("step_completed"));
    edited[at] = edited[at]!.replace('\\"attempt\\":1', '\\"attempt\\":2');
    expect(await refusal(resealed(edited))).toMatchObject({
      code: "archive_damaged",
      message: expect.stringMatching(/journal entry \d+/u),
    });
  });

  it("is refused where row, Blueprint, blobs and journal do not fit each other", async () => {
    const whole = lines().slice(0, -1);
    const without = (test: (line: string) => boolean): string[] => whole.filter((line) => !test(line));
    expect(await refusal(resealed(without((line) => line.startsWith('{"blob"'))))).toMatchObject({
      code: "archive_damaged",
      message: expect.stringContaining("is missing"),
    });
    const head = whole[0]!;
    for (const [from, to] of [
      ['"status":"failed"', '"status":"done"'],
      ['"status":"failed"', '"status":"running"'],
      ['"fence":1', '"fence":0'],
      ['"id":"echo"', '"id":"other"'],
      ['"entries":', '"entries":1'],
      ['"run_id":"R-', '"run_id":"../'],
      ['"created_at"', '"unknown"'],
    ] as const) {
      expect(head).toContain(from);
      const { code } = await refusal(resealed([head.replace(from, to), ...whole.slice(1)]));
      expect({ to, code }).toEqual({ to, code: "archive_damaged" });
    }
    expect(await refusal(resealed(whole.slice(0, -1)))).toMatchObject({ code: "archive_damaged" });
    expect(await refusal(rejoined([...lines(), "{}"]))).toMatchObject({ code: "archive_damaged" });
    expect(await refusal(resealed([head, '{"document":"{}"}', ...whole.slice(2)]))).toMatchObject({
      message: expect.stringContaining("not the Blueprint"),
    });
  });

  it("is refused where another program or a newer host wrote it", async () => {
    expect(await refusal(Buffer.from("PK\u0003\u0004\n"))).toMatchObject({ code: "archive_foreign" });
    expect(await refusal(Buffer.from('{"a":1}\n'))).toMatchObject({ code: "archive_foreign" });
    const [head = "", ...rest] = lines();
    const newer = rejoined([head.replace('"v":1', '"v":2'), ...rest]);
    expect(await refusal(newer)).toMatchObject({ code: "archive_newer", message: expect.stringContaining("newer") });
  });
});

describe("archives over their limits and stores that fail", () => {
  const versionOf = (): string => `sha256:${"0".repeat(64)}`;
  const record: RunRecord = {
    runId: "R-1",
    status: "dead_letter",
    blueprintId: "b",
    blueprintVersion: versionOf(),
    fence: 3,
    nextSeq: 1,
    createdAt: 1,
    updatedAt: 2,
    error: "gave up",
    recoveryAttempts: 6,
  };

  async function withRun(): Promise<Stores> {
    const stores = openMemoryStores();
    await stores.runs.create([record]);
    await stores.documents.put({ version: versionOf(), blueprintId: "b", text: "{}" });
    return stores;
  }
  async function text(stores: Stores, limits?: { bytes: number; lineBytes: number }): Promise<string> {
    let all = "";
    for await (const line of exportRun(record, stores, limits)) all += line;
    return all;
  }

  it("are not written, and not read", async () => {
    await using stores = await withRun();
    const small = { bytes: 10_000, lineBytes: 100 };
    await expect(text(stores, small)).rejects.toMatchObject({ code: "archive_too_large" });
    const archive = await text(stores);
    await using target = openMemoryStores();
    const ports = { stores: target, versionOf, now: () => 5 };
    for (const limits of [small, { bytes: 100, lineBytes: 10_000 }]) {
      await expect(importRun(pieces(archive, 7), { ...ports, limits })).rejects.toMatchObject({
        code: "archive_too_large",
      });
    }
    expect(await target.runs.list({ limit: 1 })).toEqual([]);
    expect(await importRun(pieces(archive), ports)).toEqual(record);
  });

  it("leave no run behind where a write fails, and begin anew where the host died meanwhile", async () => {
    await using stores = await withRun();
    const archive = await text(stores);
    await using target = openMemoryStores();
    const failing = { ...target, journals: { ...target.journals, append: () => Promise.reject(new Error("disk")) } };
    const ports = { versionOf, now: () => 5 };
    await expect(importRun(pieces(archive), { ...ports, stores: failing })).rejects.toThrow("disk");
    expect(await target.runs.list({ limit: 1 })).toEqual([]);
    const dying = { ...failing, runs: { ...target.runs, remove: () => Promise.resolve(0) } };
    await expect(importRun(pieces(archive), { ...ports, stores: dying })).rejects.toThrow("disk");
    expect(await target.runs.get("R-1")).toMatchObject({
      status: "dead_letter",
      error: expect.stringContaining("import"),
    });
    expect(await importRun(pieces(archive), { ...ports, stores: target })).toEqual(record);
  });

  it("name the Blueprint that is missing", async () => {
    await using stores = openMemoryStores();
    await expect(text(stores)).rejects.toMatchObject({ code: "document_missing" });
  });
});
