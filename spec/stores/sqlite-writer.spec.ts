import { EventEmitter } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { openForWriting } from "../../stores/sqlite/connection.ts";
import { migrate } from "../../stores/sqlite/migrate.ts";
import type { WriteRequest } from "../../stores/sqlite/write-request.ts";
import { Writer, type WriterThread } from "../../stores/sqlite/writer.ts";
import { type Cell, decodeRequests, encodeRequest, type WriterMessage } from "../../stores/sqlite/writer-message.ts";
import { temporaryDirectories } from "./data-directories.ts";
import { aFullRun, anAppend, aRun } from "./samples.ts";

const temporaryDirectory = temporaryDirectories();
const MIB = 1024 * 1024;

/** A thread that does nothing by itself: the test reads what was posted and answers by hand. */
class HandThread extends EventEmitter implements WriterThread {
  readonly messages: WriterMessage[] = [];
  referenced = true;

  postMessage(message: WriterMessage): void {
    this.messages.push(message);
  }

  ref(): void {
    this.referenced = true;
  }

  unref(): void {
    this.referenced = false;
  }

  /** The versions of the documents in each message. */
  get posted(): readonly (readonly string[])[] {
    return this.messages.map((message) =>
      message === "close"
        ? ["close"]
        : decodeRequests(message).map((request) =>
            request.kind === "document" ? request.document.version : request.kind,
          ),
    );
  }

  answer(count: number): void {
    this.emit(
      "message",
      Array.from({ length: count }, () => "done"),
    );
  }
}

const LARGE = "x".repeat(16 * MIB);

function document(version: string, text = ""): WriteRequest {
  return { kind: "document", document: { version, blueprintId: "demo", text }, now: 0 };
}

/** What has been scheduled has happened when a turn of the event loop has passed. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the writer's end on the main thread", () => {
  it("sends what is asked in one turn as one message, in order (R1)", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    const writes = ["a", "b"].map((version) => writer.write(document(version)));
    // Asked by a continuation of the same turn: still the same message.
    writes.push(Promise.resolve().then(() => writer.write(document("c"))));
    await turn();
    expect(thread.posted).toEqual([["a", "b", "c"]]);
    thread.answer(3);
    expect(await Promise.all(writes)).toEqual([undefined, undefined, undefined]);
  });

  it("does not wait for an answer to send what comes next", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    const first = writer.write(document("a"));
    await turn();
    const second = writer.write(document("b"));
    await turn();
    expect(thread.posted).toEqual([["a"], ["b"]]);
    thread.answer(2);
    await Promise.all([first, second]);
  });

  it("gives each request its own answer (Q1)", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    const batch = [anAppend("a", 1), anAppend("b", 1)];
    const writes = [
      writer.write({ kind: "append", batch }),
      writer.write({ kind: "append", batch }),
      writer.write({ kind: "create", batch: [aRun("a")] }),
    ];
    const settled = Promise.allSettled(writes);
    await turn();
    thread.emit("message", [["fenced", "appended"]]);
    thread.emit("message", ["done", { code: "run_exists", message: "run a exists", details: { runId: "a" } }]);
    expect(await settled).toEqual([
      { status: "fulfilled", value: ["fenced", "appended"] },
      { status: "fulfilled", value: ["appended", "appended"] },
      {
        status: "rejected",
        reason: expect.objectContaining({ name: "StoreError", code: "run_exists", details: { runId: "a" } }),
      },
    ]);
  });

  it("holds back what is over 8 MiB until the thread has answered (R2)", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    const text = LARGE.slice(0, 3 * MIB);
    const writes = ["a", "b", "c", "d", "e"].map((version) => writer.write(document(version, text)));
    await turn();
    expect(thread.posted.flat()).toEqual(["a", "b", "c"]);
    thread.answer(2);
    await turn();
    expect(thread.posted.slice(-1)).toEqual([["d", "e"]]);
    expect(thread.posted.flat()).toEqual(["a", "b", "c", "d", "e"]);
    thread.answer(3);
    await Promise.all(writes);
  });

  it("sends what is heavy at once, after what came before it", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    const writes = [writer.write(document("a")), writer.write(document("b", LARGE.slice(0, MIB)))];
    expect(thread.posted).toEqual([["a", "b"]]);
    await turn();
    expect(thread.posted).toEqual([["a", "b"]]);
    thread.answer(2);
    await Promise.all(writes);
  });

  it("refuses with store_busy when over 256 MiB wait, and takes writes again afterwards (R2)", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    const writes = Array.from({ length: 16 }, (_, index) => writer.write(document(`${index}`, LARGE)));
    await expect(writer.write(document("too much", LARGE))).rejects.toMatchObject({
      code: "store_busy",
      details: { waiting: 15 },
    });
    thread.answer(1);
    await turn();
    writes.push(writer.write(document("last", LARGE)));
    for (let answered = 1; answered < writes.length; answered += 1) {
      thread.answer(1);
      await turn();
    }
    await Promise.all(writes);
    expect(thread.posted.flat()).toEqual([...Array.from({ length: 16 }, (_, index) => `${index}`), "last"]);
  });

  it("takes a single request of any size", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    const blobs = Array.from({ length: 20 }, (_, index) => ({ digest: `${index}`, text: LARGE }));
    const write = writer.write({ kind: "append", batch: [anAppend("r", 1, 1, { blobs })] });
    await turn();
    expect(thread.posted).toEqual([["append"]]);
    thread.answer(1);
    expect(await write).toEqual(["appended"]);
  });

  it("rejects everything under way, and everything after, when the thread ends (R3)", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    const posted = writer.write(document("a", LARGE));
    const waiting = writer.write(document("b", LARGE));
    await turn();
    thread.emit("error", new Error("out of memory"));
    thread.emit("exit");
    const lost = { code: "store_io", message: expect.stringContaining("out of memory") };
    await expect(posted).rejects.toMatchObject(lost);
    await expect(waiting).rejects.toMatchObject(lost);
    await expect(writer.write(document("c"))).rejects.toMatchObject(lost);
    await writer.close();
    expect(thread.posted).toEqual([["a"]]);
  });

  it("keeps the process alive only while something is under way (R4)", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    expect(thread.referenced).toBe(false);
    const writes = [writer.write(document("a")), writer.write(document("b"))];
    expect(thread.referenced).toBe(true);
    await turn();
    thread.answer(1);
    expect(thread.referenced).toBe(true);
    thread.answer(1);
    expect(thread.referenced).toBe(false);
    await Promise.all(writes);
  });

  it("closes after what was asked before, once", async () => {
    const thread = new HandThread();
    const writer = new Writer(thread, "db");
    const writes = [writer.write(document("a", LARGE)), writer.write(document("b", LARGE))];
    const closed = Promise.all([writer.close(), writer.close()]);
    await turn();
    thread.answer(1);
    await turn();
    expect(thread.posted).toEqual([["a"], ["b"], ["close"]]);
    expect(thread.referenced).toBe(true);
    thread.answer(1);
    thread.emit("exit");
    await Promise.all([...writes, closed]);
    expect(thread.messages).toHaveLength(3);
  });
});

describe("messages", () => {
  it("carry every field of every request", () => {
    const requests: WriteRequest[] = [
      { kind: "create", batch: [aRun("a"), aFullRun("b")] },
      {
        kind: "append",
        batch: [
          anAppend("a", 1, 2, { patch: { status: "done", error: "e" }, blobs: [{ digest: "d", text: "t" }] }),
          anAppend("b", 7, 0, { patch: {}, blobs: [] }),
          anAppend("c", 7, 0, { patch: { wakeAt: null, recoveryAttempts: 0 }, blobs: [] }),
          anAppend("d", 7, 0, { patch: { wakeAt: 0 }, blobs: [] }),
        ],
      },
      { kind: "document", document: { version: "v", blueprintId: "demo", text: "text", newest: true }, now: 3 },
      { kind: "document", document: { version: "w", blueprintId: "demo", text: "é", newest: false }, now: 3 },
      { kind: "claim", order: { hostId: "h", limit: 3, which: { runId: "a" } }, now: 5 },
      { kind: "append", batch: [] },
      { kind: "remove", runIds: ["a", "b"] },
    ];
    const cells: Cell[] = [];
    for (const request of requests) encodeRequest(request, cells);
    expect(decodeRequests(cells)).toEqual(requests);
  });
});

describe("the writer's thread", () => {
  it("that is ended from outside rejects what it had not answered, and leaves what it had", async () => {
    const database = join(temporaryDirectory(), "store.db");
    const keeper = openForWriting(database, "full");
    migrate(keeper, 0);
    const thread = new Worker(new URL("../../stores/sqlite/writer-thread.ts", import.meta.url), {
      workerData: { database, durability: "full", posted: new Int32Array(new SharedArrayBuffer(4)) },
    });
    const writer = new Writer(thread, database);
    await writer.write(document("a"));
    const lost = Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => writer.write(document(`lost ${index}`, LARGE))),
    );
    await thread.terminate();
    expect((await lost).some(({ status }) => status === "rejected")).toBe(true);
    await expect(writer.write(document("b"))).rejects.toMatchObject({ code: "store_io" });
    const acknowledged = (await lost).filter(({ status }) => status === "fulfilled").length;
    const kept = keeper.prepare("SELECT count(*) AS n FROM documents WHERE version LIKE 'lost %'").get()!["n"];
    expect(kept).toBeGreaterThanOrEqual(acknowledged);
    keeper.close();
  });
});
