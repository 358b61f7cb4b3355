/**
 * One socket of a session: the operator protocol, frame by frame.
 *
 * Owns: the order of frames in both directions, heartbeats, and how much a client may have under way. Does not own: the
 * wire (`Link`), what goes out (delivery.ts), what a frame does (frame-actions.ts).
 *
 * C1  `seq` grows with every frame of a session, over reconnects and restarts; holes mean nothing. `n` grows with every
 *     frame of a connection; one that does not is refused.
 * C2  Every frame but `seen` and `pong` is answered, `done` or `refused`, after what it did is durable. Frames about one
 *     request take effect in their order.
 * C3  At most MAX_UNDER_WAY frames are worked at, and MAX_UNREAD bytes wait to be read: then nothing more is read.
 * C4  A frame takes effect only where its session has the verb that it demands (frame-verbs.ts).
 * C5  A client says something at least every HEARTBEAT_MS * MAX_SILENT, or its socket is closed.
 */
import type { Verb } from "../capability/index.ts";
import type { Clock, Timer } from "../engine/index.ts";
import { MAX_BUFFERED, WINDOW } from "./delivery.ts";
import { OperatorError } from "./errors.ts";
import { FRAME_VERBS } from "./frame-verbs.ts";
import { type ClientFrame, type FrameCodec, MAX_MESSAGE, type ServerFrame } from "./frames.ts";
import type { Connection, Link } from "./operator-desk.ts";

/** How often the client is asked for a sign of life. */
export const HEARTBEAT_MS = 30_000;
/** Heartbeats without an answer after which a socket is given up. */
export const MAX_SILENT = 5;
const MAX_UNDER_WAY = 256;
/** Bytes the link may hold before nothing more is read: a client that does not read cannot go on asking. */
const MAX_UNREAD: number = 4 * MAX_BUFFERED;
/** Frames that were none, of one connection, after which it is closed. */
const MAX_INVALID = 20;

/** Close codes of ours; 1000, 1001, 1008, 1009 and 1011 mean what they always mean. */
export const CLOSE = { replaced: 4001, silent: 4002 } as const;

/** What a connection needs of the desk. */
export interface ConnectionPorts {
  readonly clock: Clock;
  readonly codec: FrameCodec;
  /** The next seq of the session. */
  readonly nextSeq: () => number;
  /** Does what a frame says; what it throws is told to the client. */
  readonly act: (frame: Exclude<ClientFrame, { type: "seen" | "pong" }>) => Promise<void>;
  /** Whether the session has a verb (C4). */
  readonly may: (verb: Verb) => boolean;
  readonly seen: (seq: number) => Promise<void>;
  readonly drained: () => void;
  /** A sign of life. */
  readonly alive: () => void;
  /** Called once, when the socket has ended, from whichever side. */
  readonly ended: () => void;
  readonly onDefect: (error: unknown) => void;
}

/** A live socket. */
export class SessionConnection implements Connection {
  readonly #link: Link;
  readonly #ports: ConnectionPorts;
  /** The last thing under way for each request (C2). */
  readonly #turns = new Map<string, Promise<void>>();
  #heartbeat: Timer | undefined;
  #silent = 0;
  #lastN = -1;
  #lastSeq = 0;
  #invalid = 0;
  #underWay = 0;
  #isPaused = false;
  #isOver = false;

  constructor(link: Link, ports: ConnectionPorts) {
    this.#link = link;
    this.#ports = ports;
  }

  /** The first frame, and the first heartbeat. */
  greet(session: string): void {
    this.send({
      type: "hello",
      protocol: 1,
      session,
      window: WINDOW,
      heartbeat_ms: HEARTBEAT_MS,
      max_message: MAX_MESSAGE,
    });
    this.#beat();
  }

  /** Sends a frame; gives its seq (C1). */
  send(frame: ServerFrame): number {
    const seq = this.#ports.nextSeq();
    if (this.#isOver) return seq;
    this.#lastSeq = seq;
    this.#link.send(this.#ports.codec.write({ ...frame, seq }));
    return seq;
  }

  /** Ends it from this side. */
  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#link.close(code, reason);
  }

  receive(data: string | Uint8Array): void {
    if (this.#isOver) return;
    this.#silent = 0;
    this.#ports.alive();
    const read = this.#ports.codec.read(data);
    if (!read.ok) this.#refuse(read.re, read.problem);
    else if (read.frame.n <= this.#lastN)
      this.#refuse(read.frame.n, `n must grow: it was ${this.#lastN}, and is ${read.frame.n}`);
    else {
      this.#lastN = read.frame.n;
      const verb = FRAME_VERBS[read.frame.type];
      if (this.#ports.may(verb)) this.#take(read.frame);
      else {
        const message = `the session was not given ${verb}`;
        this.send({ type: "refused", re: read.frame.n, code: "verb_denied", message });
      }
    }
  }

  drained(): void {
    this.#regulate();
    this.#ports.drained();
  }

  gone(): void {
    this.#end();
  }

  #take(frame: ClientFrame): void {
    if (frame.type === "pong") return;
    if (frame.type === "seen") {
      if (frame.seq > this.#lastSeq) this.#refuse(frame.n, `nothing with seq ${frame.seq} was sent yet`);
      else this.#ports.seen(frame.seq).catch(this.#ports.onDefect);
      return;
    }
    const { id } = frame;
    this.#underWay += 1;
    this.#regulate();
    const before = this.#turns.get(id);
    const turn = (before === undefined ? this.#do(frame) : before.then(() => this.#do(frame))).finally(() => {
      if (this.#turns.get(id) === turn) this.#turns.delete(id);
      this.#underWay -= 1;
      this.#regulate();
    });
    this.#turns.set(id, turn);
  }

  /** C3. */
  #regulate(): void {
    if (this.#isOver) return;
    const { buffered } = this.#link;
    if (!this.#isPaused && (this.#underWay >= MAX_UNDER_WAY || buffered >= MAX_UNREAD)) {
      this.#isPaused = true;
      this.#link.pause();
    } else if (this.#isPaused && this.#underWay <= MAX_UNDER_WAY / 2 && buffered < MAX_BUFFERED) {
      this.#isPaused = false;
      this.#link.resume();
    }
  }

  /** Does what a frame says and answers it. Never rejects. */
  async #do(frame: Exclude<ClientFrame, { type: "seen" | "pong" }>): Promise<void> {
    try {
      await this.#ports.act(frame);
      this.send({ type: "done", re: frame.n });
    } catch (error) {
      const known = error instanceof OperatorError;
      if (!known) this.#ports.onDefect(error);
      const { code, message } = known ? error : { code: "internal", message: "the host itself failed: see its log" };
      this.send({ type: "refused", re: frame.n, code, message });
    }
  }

  #refuse(re: number | null, message: string): void {
    this.#invalid += 1;
    this.send({ type: "refused", re, code: "frame_invalid", message: message.slice(0, 500).toWellFormed() });
    if (this.#invalid >= MAX_INVALID) this.close(1008, "too many frames that are none");
  }

  #beat(): void {
    const { clock } = this.#ports;
    this.#heartbeat = clock.timer(clock.now() + HEARTBEAT_MS, () => {
      this.#silent += 1;
      if (this.#silent > MAX_SILENT) {
        this.close(CLOSE.silent, "no sign of life");
        return;
      }
      this.send({ type: "ping" });
      this.#beat();
    });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#heartbeat?.cancel();
    this.#ports.ended();
  }
}
