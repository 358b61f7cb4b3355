import { describe, expect, it } from "vitest";
import { ChildRun } from "../../src/workers/subprocess/child-run.ts";
import type { ChildOrder, ChildReport, HelperReply } from "../../src/workers/subprocess/protocol.ts";
import { ManualClock } from "../engine/manual-clock.ts";

const NODE = process.execPath;

/** A child in this process with a clock that only the test moves. */
class Held {
  readonly clock = new ManualClock();
  readonly replies: HelperReply[] = [];
  readonly run: ChildRun;
  readonly ended: Promise<ChildReport>;
  readonly refused: Promise<void>;
  #text = "";
  #seen: { readonly word: string; readonly resolve: () => void } | undefined;

  constructor(order: Partial<ChildOrder> & Pick<ChildOrder, "program" | "args">, onData?: (sent: () => void) => void) {
    const ended = Promise.withResolvers<ChildReport>();
    this.ended = ended.promise;
    const refused = Promise.withResolvers<void>();
    this.refused = refused.promise;
    const limits = { stdoutBytes: 1_000_000, stderrBytes: 1000, graceMs: 2000 };
    const env = { PATH: process.env["PATH"] ?? "" };
    this.run = new ChildRun(
      7,
      { env, cwd: process.cwd(), streamed: true, limits, ...order },
      {
        clock: this.clock,
        send: (reply, sent) => {
          this.replies.push(reply);
          if (reply.type === "ended") ended.resolve(reply.report);
          if (reply.type === "refused") refused.resolve();
          if (reply.type === "data") this.#hear(reply.bytes);
          if (onData === undefined || sent === undefined) sent?.();
          else onData(sent);
        },
      },
    );
    this.run.start();
  }

  /** Waits until the child has printed `word`. */
  heard(word: string): Promise<void> {
    return new Promise((resolve) => {
      this.#seen = { word, resolve };
      this.#hear(new Uint8Array());
    });
  }

  #hear(bytes: Uint8Array): void {
    this.#text += Buffer.from(bytes).toString();
    if (this.#seen !== undefined && this.#text.includes(this.#seen.word)) this.#seen.resolve();
  }
}

const STUBBORN = "process.on('SIGTERM',()=>console.log('TERM'));setInterval(()=>{},1e9);console.log('READY')";

describe("a child that ignores SIGTERM", () => {
  it("lives through its grace, and is killed at the end of it", async () => {
    const held = new Held({ program: NODE, args: ["-e", STUBBORN] });
    await held.heard("READY");
    held.run.stop();
    await held.heard("TERM");
    held.clock.advance(1999);
    expect(held.replies.some(({ type }) => type === "ended")).toBe(false);
    held.clock.advance(1);
    expect(await held.ended).toMatchObject({ exitCode: null, signal: "SIGKILL", overflow: false });
    expect(held.clock.pending).toBe(0);
  });

  it("is told once, however often it is stopped", async () => {
    const held = new Held({ program: NODE, args: ["-e", STUBBORN] });
    await held.heard("READY");
    held.run.stop();
    await held.heard("TERM");
    held.run.stop();
    held.run.stop();
    held.clock.advance(2000);
    await held.ended;
    const data = held.replies.flatMap((reply) => (reply.type === "data" ? [Buffer.from(reply.bytes).toString()] : []));
    expect(data.join("").match(/TERM/g)).toHaveLength(1);
    expect(held.replies.filter(({ type }) => type === "ended")).toHaveLength(1);
  });
});

it("lets a child that obeys SIGTERM clean up, and waits for nothing more", async () => {
  const script =
    "process.on('SIGTERM',()=>{console.log('BYE');process.exit(5)});setInterval(()=>{},1e9);console.log('READY')";
  const held = new Held({ program: NODE, args: ["-e", script] });
  await held.heard("READY");
  held.run.stop();
  expect(await held.ended).toMatchObject({ exitCode: 5, signal: null });
  await held.heard("BYE");
  expect(held.clock.pending).toBe(0);
});

it("reports a child that has ended by itself without waiting", async () => {
  const held = new Held({ program: "sh", args: ["-c", "echo out; echo err >&2; exit 2"], streamed: false });
  const report = await held.ended;
  expect({
    ...report,
    stdout: Buffer.from(report.stdout).toString(),
    stderr: Buffer.from(report.stderr).toString(),
  }).toEqual({
    exitCode: 2,
    signal: null,
    stdout: "out\n",
    stderr: "err\n",
    stderrDropped: 0,
    overflow: false,
  });
  expect(held.clock.pending).toBe(0);
});

it("slows a streaming child down to the pace of the channel", async () => {
  const held = Promise.withResolvers<() => void>();
  let pieces = 0;
  const child = new Held({ program: "sh", args: ["-c", "head -c 500000 /dev/zero; echo END"] }, (sent) => {
    pieces += 1;
    if (pieces === 1) held.resolve(sent);
    else sent();
  });
  const sent = await held.promise;
  // The child fills its pipe and waits; nothing more is read until the first piece has left.
  expect(pieces).toBe(1);
  sent();
  await child.ended;
  await child.heard("END");
});

it("refuses once, and says why, where a program cannot start", async () => {
  const held = new Held({ program: "no-such-program", args: [] });
  await held.refused;
  held.run.stop();
  expect(held.replies).toMatchObject([{ type: "refused", id: 7, code: "ENOENT" }]);
});

it("drops the beginning of standard error, and counts it", async () => {
  const held = new Held({ program: "sh", args: ["-c", "printf '%01500d' 0 >&2; printf END >&2"], streamed: false });
  const report = await held.ended;
  expect(report.stderr).toHaveLength(1000);
  expect(Buffer.from(report.stderr).toString().endsWith("0END")).toBe(true);
  expect(report.stderrDropped).toBe(503);
});
