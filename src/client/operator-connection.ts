/**
 * An operator's socket to its host (spec/operators.md), kept open: it connects again by itself, and what was under way
 * goes on.
 *
 * Owns: reconnecting, telling each request once however often it is delivered, and sending again what the host has not
 * acknowledged. Does not own: what an operator does about a request.
 *
 * Q1  `onRequest` is called once for a request and a generation of its seat; its signal is aborted when the request needs
 *     nothing any more: completed, cancelled, expired or taken over.
 * Q2  What is said about a request resolves when the host has it durably, over any number of reconnects, and rejects where
 *     the host refuses it. The host takes the same words twice as once.
 * Q3  A delivery is `seen` when `onRequest` has come back: a client that is full takes its time, and gets no more meanwhile.
 */
import { ExponentialBackoff, type IBackoff } from "cockatiel";
import { Packr } from "msgpackr";
import WebSocket, { type RawData } from "ws";
import type { Clock, Timer } from "../engine/index.ts";
import { isJsonObject, type Json, type JsonObject } from "../flow/index.ts";
import type { ClientFrame, RequestFrame, ServerFrame } from "../operators/index.ts";
import { systemClock } from "../system-clock.ts";
import { ClientError } from "./errors.ts";
import type { HostAddress } from "./host-http.ts";

export type { RequestFrame } from "../operators/index.ts";

/** The subprotocols, by the form of their frames. */
const SUBPROTOCOL = { json: "swarm-host.v1+json", msgpack: "swarm-host.v1+msgpack" } as const;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
/** Heartbeats of the host that may be missed before the socket is given up. */
const MISSED_HEARTBEATS = 3;
/** How long a connection may take to greet, in milliseconds. */
const GREETING_MS = 15_000;
const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** Why the host closes a socket for good. */
const CLOSED_FOR_GOOD: Readonly<Record<number, readonly [code: string, message: string]>> = {
  1008: ["frame_invalid", "the host refused what was sent: client and host are of different versions"],
  4001: ["session_replaced", "another socket of this session has taken this one's place"],
};

/** How to connect, and whom to tell. */
export interface OperatorConnectionOptions {
  /** `credential` is the session's secret. */
  readonly address: HostAddress;
  readonly sessionId: string;
  /** Form of the frames. Default: `msgpack`. */
  readonly codec?: "json" | "msgpack";
  /** Q1, Q3. What it throws closes the connection. */
  readonly onRequest: (request: RequestFrame, signal: AbortSignal) => void | Promise<void>;
  /** Told at every greeting of the host. */
  readonly onConnected?: () => void;
  /** Told whenever the socket is lost, and why; it is opened again. */
  readonly onDisconnected?: (reason: string) => void;
  readonly clock?: Clock;
}

type Spoken = DistributiveOmit<Exclude<ClientFrame, { type: "seen" | "pong" }>, "n">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

interface Pending {
  readonly frame: Spoken;
  readonly settle: PromiseWithResolvers<void>;
}

interface Live {
  readonly generation: number;
  readonly controller: AbortController;
}

/** A connection that lasts until it is closed, or its session has ended. */
export class OperatorConnection implements AsyncDisposable {
  /** Resolves at the first greeting. Rejects where there never was one. */
  readonly ready: Promise<void>;
  /** Resolves after `close`. Rejects with what ended the connection for good. */
  readonly closed: Promise<void>;
  readonly #options: OperatorConnectionOptions;
  readonly #clock: Clock;
  readonly #packr = new Packr({ useRecords: false, mapsAsObjects: true, structuredClone: false });
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #live = new Map<string, Live>();
  /** Live before this socket, and not heard of on it yet. */
  #unheard = new Set<string>();
  /** Said and not acknowledged, by the `n` it was last sent with (Q2). */
  #pending = new Map<number, Pending>();
  /** Deliveries whose `onRequest` has not come back, by seq (Q3). */
  readonly #unseen = new Set<number>();
  #lastSeq = 0;
  #socket: WebSocket | undefined;
  #greeted = false;
  #nextN = 1;
  #backoff: IBackoff<unknown> = newBackoff();
  #timer: Timer | undefined;
  #watch: Timer | undefined;
  #heartbeatMs: number = GREETING_MS;
  #isOver = false;

  constructor(options: OperatorConnectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.ready = this.#ready.promise;
    this.closed = this.#closed.promise;
    // Whoever does not ask is not to be ended by them.
    this.ready.catch(() => {});
    this.closed.catch(() => {});
    this.#connect();
  }

  /** Says that a request is being worked on. */
  ack(id: string, note?: string): Promise<void> {
    return this.#say({ type: "ack", id, ...(note === undefined ? {} : { note }) });
  }

  /** Ends a step without its worker's answer, as `{halted: true, value, reason}`. */
  halt(id: string, value: Json, reason?: string): Promise<void> {
    return this.#say({ type: "halt", id, value, ...(reason === undefined ? {} : { reason }) });
  }

  /** Ends a step as failed. */
  error(id: string, message: string): Promise<void> {
    return this.#say({ type: "error", id, message });
  }

  /** Answers an `ask`. */
  answer(id: string, value: Json): Promise<void> {
    return this.#say({ type: "answer", id, value });
  }

  /** Allows a step that a `hook_before` is about, or does not. */
  hook(id: string, ok: boolean, reason?: string): Promise<void> {
    return this.#say({ type: "hook", id, ok, ...(reason === undefined ? {} : { reason }) });
  }

  /** Closes the socket. The session and its seats stay. */
  async close(): Promise<void> {
    this.#end(new ClientError("connection_closed", "the connection was closed"), true);
    // What ended it before was told by `closed`.
    await this.closed.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #say(frame: Spoken): Promise<void> {
    if (this.#isOver) return Promise.reject(new ClientError("connection_closed", "the connection was closed"));
    const settle = Promise.withResolvers<void>();
    this.#send({ frame, settle });
    return settle.promise;
  }

  #send(pending: Pending): void {
    const n = this.#nextN++;
    this.#pending.set(n, pending);
    if (this.#greeted) this.#write({ ...pending.frame, n });
  }

  #write(frame: ClientFrame): void {
    const { codec = "msgpack" } = this.#options;
    this.#socket?.send(codec === "json" ? JSON.stringify(frame) : this.#packr.pack(frame));
  }

  #connect(): void {
    const { address, sessionId, codec = "msgpack" } = this.#options;
    const url = new URL(`${address.url.replace(/\/+$/u, "")}/v1/operators/${encodeURIComponent(sessionId)}/socket`);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, SUBPROTOCOL[codec], {
      headers: { authorization: `Bearer ${address.credential}` },
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      handshakeTimeout: GREETING_MS,
    });
    this.#socket = socket;
    this.#heartbeatMs = GREETING_MS;
    this.#arm();
    socket.on("message", (data, isBinary) => {
      if (this.#socket === socket) this.#receive(data, isBinary);
    });
    socket.on("unexpected-response", (request, response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      request.destroy();
      if (this.#socket !== socket) return;
      // What will be the same next time: the session is gone, or this is no host.
      if (status >= 400 && status < 500 && status !== 429) this.#end(refusedUpgrade(status, sessionId));
      else this.#lost(`the host answered ${status}`);
    });
    // What went wrong is told by the close that follows.
    let reason = "";
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("close", (code, text) => {
      if (this.#socket !== socket) return;
      const final = CLOSED_FOR_GOOD[code];
      if (final !== undefined) this.#end(new ClientError(...final));
      else this.#lost(text.toString() || reason || `it was closed with ${code}`);
    });
  }

  #receive(data: RawData, isBinary: boolean): void {
    const frame = this.#read(data, isBinary);
    if (frame === undefined) {
      this.#end(new ClientError("answer_invalid", "the host sent what is no frame"));
      return;
    }
    this.#arm();
    this.#lastSeq = frame.seq;
    switch (frame.type) {
      case "hello":
        this.#greet(frame.heartbeat_ms);
        break;
      case "ping":
        this.#write({ type: "pong", n: this.#nextN++ });
        break;
      case "request":
        this.#deliver(frame.request, frame.seq);
        break;
      case "withdrawn":
        this.#over(frame.id, frame.reason);
        break;
      case "caught_up":
        for (const id of this.#unheard) this.#over(id, "over while there was no connection");
        this.#unheard.clear();
        break;
      case "done":
        this.#settle(frame.re)?.resolve();
        break;
      case "refused":
        this.#settle(frame.re)?.reject(new ClientError(frame.code, frame.message));
        break;
      // A later host may say more; what is not known is not for this client.
    }
  }

  #read(data: RawData, isBinary: boolean): (ServerFrame & { readonly seq: number }) | undefined {
    try {
      const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Uint8Array);
      const value: unknown = isBinary ? this.#packr.unpack(bytes) : JSON.parse(bytes.toString("utf8"));
      return isFrame(value) ? value : undefined;
    } catch {
      // Told by the caller.
      return undefined;
    }
  }

  #greet(heartbeatMs: number): void {
    this.#greeted = true;
    this.#heartbeatMs = heartbeatMs * MISSED_HEARTBEATS;
    this.#arm();
    this.#backoff = newBackoff();
    this.#unseen.clear();
    this.#unheard = new Set(this.#live.keys());
    const again = [...this.#pending.values()];
    this.#pending = new Map();
    for (const pending of again) this.#send(pending);
    this.#ready.resolve();
    this.#options.onConnected?.();
  }

  #deliver(request: RequestFrame, seq: number): void {
    const known = this.#live.get(request.id);
    this.#unheard.delete(request.id);
    if (known?.generation === request.generation) {
      this.#seen();
      return;
    }
    known?.controller.abort("taken_over");
    const controller = new AbortController();
    const live = { generation: request.generation, controller };
    // Nothing follows a piece of news: it is over once it is seen.
    if (request.kind !== "hook_after") this.#live.set(request.id, live);
    this.#unseen.add(seq);
    const socket = this.#socket;
    Promise.resolve()
      .then(() => this.#options.onRequest(request, controller.signal))
      .then(
        () => {
          if (this.#unseen.delete(seq) && this.#socket === socket) this.#seen();
        },
        (error: unknown) => this.#end(error instanceof Error ? error : new Error(String(error))),
      );
  }

  /** A request needs nothing any more (Q1). */
  #over(id: string, reason: string): void {
    this.#live.get(id)?.controller.abort(reason);
    this.#live.delete(id);
  }

  #seen(): void {
    const seq = this.#unseen.size === 0 ? this.#lastSeq : Math.min(...this.#unseen) - 1;
    if (this.#greeted) this.#write({ type: "seen", n: this.#nextN++, seq });
  }

  #settle(re: number | null): PromiseWithResolvers<void> | undefined {
    if (re === null) return undefined;
    const pending = this.#pending.get(re);
    this.#pending.delete(re);
    return pending?.settle;
  }

  #lost(reason: string): void {
    this.#drop();
    this.#options.onDisconnected?.(reason);
    if (this.#isOver) return;
    this.#timer = this.#clock.timer(this.#clock.now() + this.#backoff.duration, () => this.#connect());
    this.#backoff = this.#backoff.next(undefined);
  }

  #drop(): void {
    this.#greeted = false;
    this.#watch?.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
  }

  /** Gives the socket up where the host stays silent. */
  #arm(): void {
    this.#watch?.cancel();
    this.#watch = this.#clock.timer(this.#clock.now() + this.#heartbeatMs, () => this.#lost("the host is silent"));
  }

  #end(error: Error, asked = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    if (asked) this.#socket?.close(1000);
    this.#drop();
    for (const { settle } of this.#pending.values()) settle.reject(error);
    this.#pending.clear();
    for (const { controller } of this.#live.values()) controller.abort("connection_closed");
    this.#live.clear();
    this.#ready.reject(error);
    if (asked) this.#closed.resolve();
    else this.#closed.reject(error);
  }
}

function newBackoff(): IBackoff<unknown> {
  return new ExponentialBackoff({ initialDelay: FIRST_WAIT_MS, maxDelay: LONGEST_WAIT_MS }).next();
}

function refusedUpgrade(status: number, sessionId: string): ClientError {
  if (status === 401 || status === 403) {
    return new ClientError("unauthorized", `the host does not take this secret for session ${sessionId}`, { status });
  }
  if (status === 404) {
    return new ClientError("session_unknown", `there is no session ${sessionId}: it left or expired; join again`, {
      status,
    });
  }
  return new ClientError("answer_invalid", `the host answered ${status} to the socket`, { status });
}

function isFrame(value: unknown): value is ServerFrame & { readonly seq: number } {
  if (!isJsonObject(value as JsonObject)) return false;
  const { type, seq } = value as JsonObject;
  return typeof type === "string" && typeof seq === "number";
}
