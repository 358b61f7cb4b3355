/**
 * A client that speaks only the wire format of mlua-swarm 0.26: what its `mse mcp` sends, where it sends it, and what it
 * makes of the answers. Nothing of the host is imported here.
 */
import { WebSocket } from "ws";

/** An answer as the client sees it. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Undefined where the text is no JSON. */
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

/** The frames the client knows; anything else it drops. */
const KNOWN = new Set(["spawn", "ask", "hook_before", "hook_after"]);

/** A frame, as loosely as tests read it. */
export interface Frame {
  readonly type: string;
  readonly req_id: string;
  readonly task_id: string;
  readonly agent: string;
  readonly attempt: number;
  readonly capability_token: string;
  readonly worker_handle: string;
  readonly worker: { readonly variant: string; readonly tools: readonly string[] };
  readonly directive: string;
  readonly question: unknown;
  readonly result: unknown;
}

/** One `mse mcp` process. */
export class ReferenceClient {
  readonly #base: () => string;

  /** @param base the address, asked for at each call: a host may start anew elsewhere. */
  constructor(base: () => string) {
    this.#base = base;
  }

  /** Sends a request with no header but what is named. */
  async send(method: string, path: string, { bearer, json, text, headers = {} }: Sent = {}): Promise<Answer> {
    const body = json === undefined ? text : JSON.stringify(json);
    const type = json === undefined ? (text === undefined ? {} : { "content-type": "text/plain" }) : JSON_TYPE;
    const response = await fetch(`${this.#base()}${path}`, {
      method,
      headers: { ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }), ...type, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const answer = await response.text();
    return { status: response.status, text: answer, body: parsed(answer), headers: response.headers };
  }

  /** swarm_run by id. */
  launch(id: string, more: Record<string, unknown> = {}): Promise<Answer> {
    const json = { blueprint: { kind: "id", id }, init_ctx: {}, ttl_secs: 300, ...more };
    return this.send("POST", "/v1/tasks", { json });
  }

  /** swarm_status. */
  run(runId: string): Promise<Answer> {
    return this.send("GET", `/v1/runs/${runId}`);
  }

  /** Its log tail. */
  trace(runId: string): Promise<Answer> {
    return this.send("GET", `/v1/runs/${runId}/trace?latest=50`);
  }

  /** swarm_cancel: no body, no content type. */
  cancel(runId: string): Promise<Answer> {
    return this.send("POST", `/v1/runs/${runId}/cancel`);
  }

  /** mse_operator_join without its socket. */
  async join(desc: string | null = "a driver"): Promise<Session> {
    const { status, body } = await this.send("POST", "/v1/operators", { json: { capability_manifest: null, desc } });
    if (status >= 300 || typeof body["sid"] !== "string" || typeof body["token"] !== "string") {
      throw new Error(`join: ${status} ${JSON.stringify(body)}`);
    }
    return { sid: body["sid"], token: body["token"] };
  }

  /** Its socket: no subprotocol, no extensions. `autoPong` false: pings are answered when the test says so. */
  connect({ sid, token }: Session, options: { readonly autoPong?: boolean } = {}): Promise<Socket> {
    return Socket.open(`${this.#base().replace("http", "ws")}/v1/operators/${sid}/ws`, token, options);
  }

  /** mse_worker_fetch with the route that the spawn frame taught. */
  fetchPrompt({ worker_handle: bearer, task_id: id }: Pick<Frame, "worker_handle" | "task_id">): Promise<Answer> {
    return this.send("GET", `/v1/worker/prompt?task_id=${id}`, { bearer });
  }

  /** mse_worker_submit: everything but 204 is an error. */
  submit(bearer: string, text: string, query = ""): Promise<Answer> {
    return this.send("POST", `/v1/worker/submit${query}`, { bearer, text });
  }
}

/** What a request may carry. */
export interface Sent {
  readonly bearer?: string;
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A joined session. */
export interface Session {
  readonly sid: string;
  readonly token: string;
}

/** One socket: its frames queue until they are popped. */
export class Socket {
  readonly ws: WebSocket;
  /** Frames that were not popped, in the order they came. */
  readonly frames: Frame[] = [];
  /** All text messages, popped or not, known or not. */
  readonly messages: string[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #arrival = Promise.withResolvers<void>();
  #lastPing: Buffer = Buffer.alloc(0);

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on("ping", (data) => {
      this.#lastPing = data;
    });
    this.closed = new Promise((resolve) => {
      ws.on("close", (code, reason: Buffer) => resolve({ code, reason: reason.toString() }));
    });
    ws.on("error", () => {});
    ws.on("message", (data: Buffer, isBinary) => {
      if (isBinary) return;
      this.messages.push(data.toString());
      const frame = parsed(data.toString()) as unknown as Frame;
      if (!fits(frame)) return;
      this.frames.push(frame);
      this.#arrival.resolve();
      this.#arrival = Promise.withResolvers();
    });
  }

  /** Rejects with the status where the host refuses. */
  static async open(url: string, token: string, options: { readonly autoPong?: boolean }): Promise<Socket> {
    const headers = { authorization: `Bearer ${token}` };
    const ws = new WebSocket(url, { headers, perMessageDeflate: false, ...options });
    const socket = new Socket(ws);
    await new Promise<void>((resolve, reject) => {
      ws.on("open", () => resolve());
      ws.on("unexpected-response", (_request, response) => reject(new Error(`status ${response.statusCode}`)));
      ws.on("close", () => reject(new Error("closed")));
    });
    return socket;
  }

  /** mse_pending_wait: the oldest frame that was not popped. */
  async pop(): Promise<Frame> {
    for (;;) {
      const arrival = this.#arrival.promise;
      const frame = this.frames.shift();
      if (frame !== undefined) return frame;
      await Promise.race([
        arrival,
        this.closed.then(({ code }) => {
          throw new Error(`closed (${code}) while waiting for a frame`);
        }),
      ]);
    }
  }

  /** mse_ack: nothing answers it. */
  send(frame: Readonly<Record<string, unknown>>): void {
    this.ws.send(JSON.stringify(frame));
  }

  /** Waits until the host has read what was sent: it answers the ping after it. */
  async flushed(): Promise<void> {
    const pong = new Promise((resolve) => this.ws.once("pong", resolve));
    this.ws.ping();
    await pong;
  }

  /** Answers the last ping, and with it all before. */
  answerPing(): void {
    this.ws.pong(this.#lastPing);
  }

  /** Drops the wire without a word. */
  drop(): void {
    this.ws.terminate();
  }
}

const JSON_TYPE = { "content-type": "application/json" };

/** The client's closed set: a frame that does not fit is dropped without a trace. */
function fits(frame: Frame): boolean {
  if (!KNOWN.has(frame.type) || typeof frame.req_id !== "string") return false;
  if (typeof frame.task_id !== "string" || !frame.task_id.startsWith("ST-")) return false;
  if (frame.type === "ask") return Object.hasOwn(frame, "question");
  if (typeof frame.agent !== "string" || !Number.isInteger(frame.attempt) || frame.attempt < 0) return false;
  if (frame.type === "hook_after") return Object.hasOwn(frame, "result");
  if (frame.type === "hook_before") return true;
  const { capability_token: token, directive, worker } = frame;
  if (typeof token !== "string" || typeof directive !== "string") return false;
  return worker === undefined || (typeof worker.variant === "string" && Array.isArray(worker.tools));
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Text of another kind: what the client shows as it is.
    return {};
  }
}
