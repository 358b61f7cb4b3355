/**
 * One child process and its group, from start to the moment nothing of it is left. Runs in the helper process.
 *
 * Owns: the child's pipes, its limits, its process group.
 * Does not own: why it is stopped (the host says so), or what its output means.
 *
 * G1  The child leads a process group of its own. When the child ends, or is stopped, whatever is left of the group gets
 *     SIGTERM, and SIGKILL after the grace.
 * G2  `refused` or `ended` is sent once, and last. `ended` is sent when the child is reaped, its output is read and its
 *     group is empty, and at the latest two grace periods after the group was told to end: a process that has left the
 *     group and holds the pipes open, or that not even SIGKILL ends, holds nothing up.
 * G3  All three pipes are pumped at once; memory is bounded by the limits.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { statSync } from "node:fs";
import type { Clock, Timer } from "../../engine/index.ts";
import { OutputTail } from "./output-tail.ts";
import type { ChildOrder, HelperReply } from "./protocol.ts";

/** How often a group that was told to end is looked at, in milliseconds. */
const POLL_MS = 20;

/** What a child needs of its surroundings. */
export interface ChildPorts {
  readonly clock: Pick<Clock, "now" | "timer">;
  /** Sends a reply; `sent` is called when the channel can take more. */
  readonly send: (reply: HelperReply, sent?: () => void) => void;
}

/** A child process under way. */
export class ChildRun {
  readonly #id: number;
  readonly #order: ChildOrder;
  readonly #ports: ChildPorts;
  readonly #stderr: OutputTail;
  readonly #stdout: Uint8Array[] = [];
  #printed = 0;
  #overflow = false;
  #child: ChildProcess | undefined;
  #exit: { readonly code: number | null; readonly signal: string | null } | undefined;
  #pipesClosed = false;
  #groupGone = false;
  #timer: Timer | undefined;
  #poll: Timer | undefined;
  #windingDown = false;
  #over = false;

  constructor(id: number, order: ChildOrder, ports: ChildPorts) {
    this.#id = id;
    this.#order = order;
    this.#ports = ports;
    this.#stderr = new OutputTail(order.limits.stderrBytes);
  }

  /** Starts it. Called once. */
  start(): void {
    const { program, args, env, cwd, stdin } = this.#order;
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        cwd,
        env,
        detached: true,
        shell: false,
        stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      });
    } catch (cause) {
      this.#refuse(cause as NodeJS.ErrnoException);
      return;
    }
    this.#child = child;
    child.on("error", (error) => {
      if (child.pid === undefined) this.#refuse(error);
    });
    if (child.pid === undefined) return;
    this.#ports.send({ type: "started", id: this.#id, pid: child.pid });
    this.#pump(child);
    child.once("exit", (code, signal) => {
      this.#exit = { code, signal };
      this.#windDown();
      this.#settle();
    });
    child.once("close", () => {
      this.#pipesClosed = true;
      this.#settle();
    });
  }

  /** Ends it and its group (G1). */
  stop(): void {
    this.#windDown();
  }

  #pump(child: ChildProcess): void {
    const { stdin, streamed, limits } = this.#order;
    // A child that ends without reading its input is not an error, whatever the pipe says.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(stdin);
    child.stderr?.on("data", (chunk: Buffer) => this.#stderr.push(chunk));
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#printed += chunk.byteLength;
      if (this.#printed > limits.stdoutBytes) {
        this.#overflow = true;
        child.stdout?.destroy();
        this.#windDown();
      } else if (streamed) {
        // The next chunk is read when this one has left: a slow host slows the child down (G3).
        child.stdout?.pause();
        this.#ports.send({ type: "data", id: this.#id, bytes: chunk }, () => child.stdout?.resume());
      } else {
        this.#stdout.push(chunk);
      }
    });
  }

  #windDown(): void {
    if (this.#windingDown || this.#child?.pid === undefined) return;
    this.#windingDown = true;
    const { clock } = this.#ports;
    const { graceMs } = this.#order.limits;
    this.#groupGone = !this.#signal("SIGTERM");
    this.#timer = clock.timer(clock.now() + graceMs, () => {
      this.#groupGone = !this.#signal("SIGKILL");
      this.#child?.stdout?.destroy();
      this.#child?.stderr?.destroy();
      this.#timer = clock.timer(clock.now() + graceMs, () => this.#end());
      this.#settle();
    });
  }

  /** Ends the run if nothing is left to wait for; else looks again later, where nothing will tell. */
  #settle(): void {
    if (this.#over || this.#exit === undefined) return;
    if (!this.#groupGone) this.#groupGone = !this.#signal(0);
    if (this.#groupGone) {
      if (this.#pipesClosed) this.#end();
      return;
    }
    const { clock } = this.#ports;
    this.#poll?.cancel();
    this.#poll = clock.timer(clock.now() + POLL_MS, () => this.#settle());
  }

  /** Signals the group; false where it has no members. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    const pid = this.#child?.pid;
    if (pid === undefined) return false;
    try {
      return process.kill(-pid, signal);
    } catch (cause) {
      // EPERM: there is a member that may not be signalled, e.g. a set-user-id program.
      return (cause as NodeJS.ErrnoException).code !== "ESRCH";
    }
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#poll?.cancel();
    this.#ports.send({
      type: "ended",
      id: this.#id,
      report: {
        exitCode: this.#exit?.code ?? null,
        signal: this.#exit?.signal ?? null,
        stdout: Buffer.concat(this.#stdout),
        stderr: this.#stderr.bytes(),
        stderrDropped: this.#stderr.dropped,
        overflow: this.#overflow,
      },
    });
  }

  #refuse(error: NodeJS.ErrnoException): void {
    if (this.#over) return;
    this.#over = true;
    const code = error.code ?? "ERR_UNKNOWN";
    const message =
      code === "ENOENT" && !isDirectory(this.#order.cwd) ? "its working directory does not exist" : error.message;
    this.#ports.send({ type: "refused", id: this.#id, code, message });
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
