/**
 * One socket of the reference's client, as a connection of the desk: its frames become native ones, and native ones its.
 *
 * Owns: what each frame means on the other side. Does not own: delivery, order, heartbeats, and who may answer what: all
 * of that is the desk's (src/operators).
 *
 * T1  A delivery counts as seen when the client's end has answered the ping that was sent after it.
 * T2  The client's frames are worked at one after the other, and nothing more is read meanwhile. None is answered: what is
 *     late, unknown or of the wrong kind changes nothing, without a word.
 * T3  An acknowledgement is the step's answer only where no worker has answered; the same one again changes nothing.
 */
import { type Binding, CapabilityError, type Verb } from "../../capability/index.ts";
import { assertNever, type Json } from "../../flow/index.ts";
import {
  bodyOf,
  type Connection,
  type Host,
  type Link,
  type ClientFrame as NativeClientFrame,
  type ServerFrame as NativeServerFrame,
  OperatorError,
  type RequestFrame,
  type RequestRecord,
  WorkerError,
} from "../../host.ts";
import { type ClientFrame, serverFrame } from "./frames.ts";

/** Longest reason or error that is handed on, in characters. */
const MAX_TEXT = 4_000;

/** What a translation needs. */
export interface TranslationPorts {
  readonly host: Pick<Host, "operators" | "worker">;
  readonly sessionId: string;
  /** Whether the session was given a verb. */
  readonly may: (verb: Verb) => boolean;
  readonly baseUrl: string;
  /** Pings the client's end, which answers with the same text. */
  readonly ping: (text: string) => void;
  /** Reads what the client says. */
  readonly read: (message: string | Uint8Array) => ClientFrame | undefined;
  readonly onDefect: (error: unknown) => void;
}

type Omitted<T> = T extends unknown ? Omit<T, "n"> : never;

/** A live socket, from both sides. */
export class Translation implements Connection {
  /** What the desk writes to. */
  readonly link: Link;
  readonly #client: Link;
  readonly #ports: TranslationPorts;
  #connection: Connection | undefined;
  /** What goes out, one after the other. */
  #out: Promise<void> = Promise.resolve();
  /** What came in, one after the other (T2). */
  #in: Promise<void> = Promise.resolve();
  #underWay = 0;
  /** Whether the desk wants nothing more read. */
  #isHeld = false;
  #n = 0;
  #isOver = false;

  /** @param client the way to the client's end. */
  constructor(client: Link, ports: TranslationPorts) {
    this.#client = client;
    this.#ports = ports;
    this.link = {
      codec: "json",
      get buffered() {
        return client.buffered;
      },
      send: (data) => this.#told(JSON.parse(String(data)) as NativeServerFrame & { readonly seq: number }),
      pause: () => this.#hold(true),
      resume: () => this.#hold(false),
      close: (code, reason) => client.close(code, code === 1000 ? `torn down: ${reason}` : reason),
    };
  }

  /** The desk's connection is there. */
  attached(connection: Connection): void {
    this.#connection = connection;
  }

  receive(message: string | Uint8Array): void {
    const frame = this.#ports.read(message);
    if (frame === undefined) return;
    this.#underWay += 1;
    this.#client.pause();
    this.#in = this.#in.then(async () => {
      try {
        if (!this.#isOver) await this.#act(frame);
      } catch (error) {
        if (!isRefusal(error)) this.#ports.onDefect(error);
      }
      this.#underWay -= 1;
      this.#readOn();
    });
  }

  /** The client's end has answered a ping (T1). */
  ponged(text: string): void {
    const seq = /^[0-9]{1,16}$/u.test(text) ? Number(text) : 0;
    this.#say(seq > 0 ? { type: "seen", seq } : { type: "pong" });
  }

  drained(): void {
    this.#connection?.drained();
  }

  gone(): void {
    this.#isOver = true;
    this.#connection?.gone();
  }

  #hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.#client.pause();
    else this.#readOn();
  }

  #readOn(): void {
    if (this.#underWay === 0 && !this.#isHeld) this.#client.resume();
  }

  #told(frame: NativeServerFrame & { readonly seq: number }): void {
    if (frame.type === "ping") this.#ports.ping("");
    if (frame.type !== "request") return;
    this.#out = this.#out.then(() => this.#handOut(frame.request, frame.seq)).catch(this.#ports.onDefect);
  }

  async #handOut(request: RequestFrame, seq: number): Promise<void> {
    const { kind, id } = request;
    // Only a step has a context. One that was withdrawn meanwhile is not handed out: the client has no frame to take it back.
    const record = kind === "step" ? await this.#request(id) : undefined;
    if (this.#isOver) return;
    if (kind !== "step" || record?.state === "open") {
      const context = record && bodyOf(record).context;
      this.#client.send(JSON.stringify(serverFrame(request, { context, baseUrl: this.#ports.baseUrl })));
    }
    this.#ports.ping(String(seq));
  }

  async #act(frame: ClientFrame): Promise<void> {
    const { req_id: id } = frame;
    switch (frame.type) {
      case "spawn_ack":
        return this.#acknowledged(frame);
      case "spawn_halt": {
        const { value = null, reason } = frame;
        return this.#say({ type: "halt", id, value, ...(reason ? { reason: clipped(reason) } : {}) });
      }
      case "answer":
        return this.#say({ type: "answer", id, value: frame.value });
      case "hook_ack": {
        const { ok, reason } = frame;
        return this.#say({ type: "hook", id, ok, ...(reason ? { reason: clipped(reason) } : {}) });
      }
      default:
        return assertNever(frame);
    }
  }

  /** T3. */
  async #acknowledged(frame: Extract<ClientFrame, { type: "spawn_ack" }>): Promise<void> {
    const { req_id: id, value = null, ok = true, error, stats } = frame;
    const record = await this.#request(id);
    if (record?.kind !== "step" || record.state !== "open") return;
    if (!this.#ports.may(ok ? "mark_pass" : "mark_blocked")) return;
    const binding = await this.#held(record);
    if (binding === undefined) return;
    const { worker } = this.#ports.host;
    if (stats !== undefined && stats !== null) await unlessRefused(worker.stats(binding, bytes(stats as Json)));
    const refusal =
      error ?? (await unlessRefused(worker.result(binding, bytes({ value: value as Json, ok }))))?.message;
    // There is nobody who would mend a refused answer.
    if (refusal !== undefined) this.#say({ type: "error", id, message: clipped(refusal) });
  }

  /** The attempt of a request, where this session holds its seat as it did when it was handed out. */
  async #held({ runId, key, attempt, fence, seat, generation }: RequestRecord): Promise<Binding | undefined> {
    const seats = await this.#ports.host.operators.seats(runId);
    const held = seats.find((one) => one.seat === seat);
    if (held?.holder !== this.#ports.sessionId || generation === undefined) return undefined;
    return { runId, key, attempt, fence, generation };
  }

  async #request(id: string): Promise<RequestRecord | undefined> {
    try {
      return await this.#ports.host.operators.request(id);
    } catch (error) {
      if (error instanceof OperatorError && error.code === "request_unknown") return undefined;
      throw error;
    }
  }

  #say(frame: Omitted<NativeClientFrame>): void {
    this.#n += 1;
    this.#connection?.receive(JSON.stringify({ ...frame, n: this.#n }));
  }
}

/** What a call was refused with; undefined where it was not. */
async function unlessRefused(call: Promise<unknown>): Promise<Error | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}

function isRefusal(error: unknown): error is Error {
  return error instanceof OperatorError || error instanceof WorkerError || error instanceof CapabilityError;
}

function bytes(value: Json): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function clipped(text: string): string {
  return text.slice(0, MAX_TEXT).toWellFormed();
}
