/**
 * The host's end of one helper process.
 *
 * H1  Every `run` resolves: with the child's end, or `lost` when the helper dies or cannot start.
 * H2  Children of a helper that died are killed by the host, group by group, as far as it has heard of their start.
 * H3  An idle helper does not keep the host alive; a busy one does.
 */
import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import { extname } from "node:path";
import { OutputTail } from "./output-tail.ts";
import type { ChildOrder, ChildReport, HelperReply, HelperRequest } from "./protocol.ts";

/** How a child's run came to its end. */
export type ChildEnd =
  | { readonly kind: "ended"; readonly report: ChildReport }
  /** It could not be started: an errno name and what the system says. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  /** Nobody knows how it ended. */
  | { readonly kind: "lost"; readonly reason: string };

/** Options of one run. */
export interface ChildOptions {
  /** Aborting it stops the child's group; the run then resolves as the child ends. */
  readonly signal: AbortSignal;
  /** Gets standard output in pieces, where the order says `streamed`. Must not throw. */
  readonly onData?: (bytes: Uint8Array) => void;
}

interface Live {
  readonly resolve: (end: ChildEnd) => void;
  readonly onData: ((bytes: Uint8Array) => void) | undefined;
  pid?: number;
}

const LAST_WORDS = 4096;

/** One helper process. */
export class HelperLink {
  readonly #process: ChildProcess;
  readonly #live = new Map<number, Live>();
  readonly #stderr = new OutputTail(LAST_WORDS);
  readonly #gone = Promise.withResolvers<void>();
  #nextId = 1;
  #alive = true;

  constructor() {
    // The same directory holds the entry as source and as compiled module.
    const entry = new URL(`./helper${extname(import.meta.url)}`, import.meta.url);
    this.#process = fork(entry, [], {
      execArgv: [],
      env: {},
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#process.stderr?.on("data", (chunk: Buffer) => this.#stderr.push(chunk));
    (this.#process.stderr as Socket | null)?.unref();
    this.#process.on("message", (reply: HelperReply) => this.#take(reply));
    this.#process.on("error", (error) => this.#lose(error.message));
    // What it said before it died is still in the channel when `exit` comes: both ends are awaited.
    const exited = new Promise<string>((resolve) => {
      this.#process.once("exit", (code, signal) =>
        resolve(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`),
      );
    });
    const disconnected = new Promise<void>((resolve) => {
      this.#process.once("disconnect", resolve);
    });
    void Promise.all([exited, disconnected]).then(([how]) => this.#lose(how));
    this.#hold();
  }

  /** Whether it takes orders. */
  get alive(): boolean {
    return this.#alive && this.#process.connected;
  }

  /** The helper's process id. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Runs one child to its end (H1). */
  async run(order: ChildOrder, { signal, onData }: ChildOptions): Promise<ChildEnd> {
    // Aborted since the caller looked: its event has passed, so nobody would stop the child.
    if (signal.aborted) return { kind: "lost", reason: "it was given up before it started" };
    const id = this.#nextId++;
    const ended = Promise.withResolvers<ChildEnd>();
    this.#live.set(id, { resolve: ended.resolve, onData });
    this.#hold();
    const stop = (): void => this.#send({ type: "stop", id });
    signal.addEventListener("abort", stop, { once: true });
    this.#send({ type: "start", id, order });
    try {
      return await ended.promise;
    } finally {
      signal.removeEventListener("abort", stop);
      this.#live.delete(id);
      this.#hold();
    }
  }

  /** Lets the helper end its children and itself, and waits for that. */
  async close(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    this.#process.ref();
    await this.#gone.promise;
  }

  #send(request: HelperRequest): void {
    // A failed send means that the helper is gone, which `exit` reports with the reason.
    if (this.#process.connected) this.#process.send(request, () => undefined);
  }

  #take(reply: HelperReply): void {
    const live = this.#live.get(reply.id);
    if (live === undefined) return;
    if (reply.type === "started") live.pid = reply.pid;
    else if (reply.type === "data") live.onData?.(reply.bytes);
    else if (reply.type === "refused") live.resolve({ kind: "refused", code: reply.code, message: reply.message });
    else live.resolve({ kind: "ended", report: reply.report });
  }

  #lose(how: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    const words = Buffer.from(this.#stderr.bytes()).toString().trim();
    for (const { pid, resolve } of this.#live.values()) {
      if (pid !== undefined) killGroup(pid);
      resolve({ kind: "lost", reason: words === "" ? how : `${how}: ${words}` });
    }
    this.#gone.resolve();
  }

  #hold(): void {
    const { channel } = this.#process;
    if (this.#live.size > 0) {
      this.#process.ref();
      channel?.ref();
    } else {
      this.#process.unref();
      channel?.unref();
    }
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // No member is left, which is what was wanted.
  }
}
