/**
 * The main thread's end of the writer: requests go over, promises settle when the answers come back.
 *
 * Owns: what is under way to the thread and what still waits for it. Does not own: the thread's life, but for asking it
 * to close.
 *
 * R1  Requests reach the thread in the order of the calls.
 * R2  At most `MAX_POSTED` characters are with the thread; more waits here, at most `MAX_WAITING`, then calls are refused.
 * R3  When the thread ends, everything that was under way is rejected, and so is everything after.
 * R4  The thread keeps the process alive only while something is under way.
 */
import { StoreError } from "../ports.ts";
import { fromFailure, type StoreFailure, storeError } from "./store-failure.ts";
import { type ResultOf, requestWeight, type WriteAnswer, type WriteRequest } from "./write-request.ts";
import { type Cell, encodeRequest, type WriterMessage, type WriterReply } from "./writer-message.ts";

/** Enough for groups of thousands of rows, and little enough that a group is over in a fraction of a second (R2). */
const MAX_POSTED = 8 * 1024 * 1024;

/** About half a gigabyte of memory at most (R2). */
const MAX_WAITING = 256 * 1024 * 1024;

/** A request of this weight does not wait for the end of the turn: the thread is better begun with it at once. */
const HEAVY = 512 * 1024;

/** What the writer needs of a worker thread. */
export interface WriterThread {
  postMessage(message: WriterMessage): void;
  on(event: "message", listener: (reply: WriterReply) => void): unknown;
  on(event: "error", listener: (cause: unknown) => void): unknown;
  on(event: "exit", listener: () => void): unknown;
  ref(): void;
  unref(): void;
}

/** A request and those who wait for it. */
interface Pending {
  readonly request: WriteRequest;
  readonly weight: number;
  readonly resolve: (result: ResultOf<WriteRequest>) => void;
  readonly reject: (error: StoreError) => void;
}

/** Writes through a thread. */
export class Writer {
  readonly #thread: WriterThread;
  readonly #path: string;
  readonly #ended: Promise<void>;
  #waiting: Pending[] = [];
  #posted: Pending[] = [];
  #waitingWeight = 0;
  #postedWeight = 0;
  #scheduled = false;
  #closing = false;
  #end: StoreError | undefined;

  /** @param path The database's path, for messages. */
  constructor(thread: WriterThread, path: string) {
    this.#thread = thread;
    this.#path = path;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    thread.on("message", (reply) => this.#settle(reply));
    thread.on("error", (cause) => this.#fail(cause));
    thread.on("exit", () => {
      this.#fail(new Error("the writer thread has ended"));
      resolve();
    });
    thread.unref();
  }

  /**
   * Asks for a write. Resolves when it is committed. Rejects with StoreError; nothing of the request was written then.
   */
  write<R extends WriteRequest>(request: R): Promise<ResultOf<R>> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const weight = requestWeight(request);
    if (this.#waiting.length > 0 && this.#waitingWeight + weight > MAX_WAITING) {
      return Promise.reject(
        new StoreError(
          "store_busy",
          `too much waits to be written to ${this.#path}: await earlier writes, then try again`,
          {
            details: { waiting: this.#waiting.length, characters: this.#waitingWeight },
          },
        ),
      );
    }
    const result = new Promise<ResultOf<WriteRequest>>((resolve, reject) => {
      if (this.#idle) this.#thread.ref();
      this.#waiting.push({ request, weight, resolve, reject });
      this.#waitingWeight += weight;
      if (weight < HEAVY) this.#schedule();
      else this.#post();
    });
    return result as Promise<ResultOf<R>>; // The thread answers a request with what belongs to its kind.
  }

  /** Closes once everything under way is written. Resolves when the thread has ended. */
  close(): Promise<void> {
    if (this.#end === undefined && !this.#closing) {
      this.#closing = true;
      this.#thread.ref();
      this.#schedule();
    }
    return this.#ended;
  }

  get #idle(): boolean {
    return this.#posted.length === 0 && this.#waiting.length === 0;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // At the end of this turn of the event loop: all that it sets going shares one message, and one commit.
    setImmediate(() => {
      this.#scheduled = false;
      this.#post();
    });
  }

  #post(): void {
    if (this.#end !== undefined) return;
    const cells: Cell[] = [];
    let taken = 0;
    while (taken < this.#waiting.length && this.#postedWeight < MAX_POSTED) {
      const pending = this.#waiting[taken++]!;
      encodeRequest(pending.request, cells);
      this.#posted.push(pending);
      this.#postedWeight += pending.weight;
      this.#waitingWeight -= pending.weight;
    }
    if (taken > 0) {
      this.#waiting.splice(0, taken);
      this.#thread.postMessage(cells);
    }
    if (this.#closing && this.#waiting.length === 0) this.#thread.postMessage("close");
  }

  #settle(reply: WriterReply): void {
    const settled = this.#posted.splice(0, reply.length);
    for (const [index, pending] of settled.entries()) {
      this.#postedWeight -= pending.weight;
      settle(pending, reply[index]!);
    }
    if (this.#waiting.length > 0) this.#schedule();
    else if (this.#idle && !this.#closing) this.#thread.unref();
  }

  #fail(cause: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = storeError(cause, "write to", this.#path);
    for (const { reject } of [...this.#posted, ...this.#waiting]) reject(this.#end);
    this.#posted = [];
    this.#waiting = [];
  }
}

function settle({ request, resolve, reject }: Pending, answer: WriteAnswer): void {
  if (answer === "done") resolve(request.kind === "append" ? request.batch.map(() => "appended" as const) : undefined);
  else if (isFailure(answer)) reject(fromFailure(answer));
  else resolve(answer);
}

function isFailure(answer: WriteAnswer): answer is StoreFailure {
  return typeof answer === "object" && "code" in answer;
}
