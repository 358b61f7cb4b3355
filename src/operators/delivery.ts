/**
 * Hands a session what its seats are asked for, over the socket it has now.
 *
 * Owns: what went out on this socket, what of it was seen, and how far the store has been read. Does not own: frames and
 * their order on the wire (connection.ts), the requests.
 *
 * D1  At least once: every open request of the session's seats goes out on each new socket, oldest first, and counts the
 *     deliveries; each is durable as delivered before it is sent.
 * D2  Never more than WINDOW deliveries that are not seen, nor when the link holds MAX_BUFFERED bytes: the rest stays in
 *     the store. A client that never reads costs this much and no more.
 * D3  What was handed out and is no longer asked for is withdrawn; nothing is handed out to who no longer holds the seat.
 */
import type { CloseReason, RequestChange, RequestRecord, SeatRecord } from "../../stores/ports.ts";
import type { RequestFrame, ServerFrame } from "./frames.ts";
import type { DeskPorts } from "./ports.ts";
import { bodyOf } from "./request-body.ts";

/** Most deliveries that are not seen. */
export const WINDOW = 64;
/** Bytes the link may hold before no more is handed to it. */
export const MAX_BUFFERED: number = 1024 * 1024;
/** Longest directive that travels in a frame, in characters of its JSON. */
const MAX_DIRECTIVE: number = 64 * 1024;
/** Requests made ready at once. */
const BATCH = 16;
/** How long a token lives where its step has no deadline, in milliseconds. */
const TOKEN_MS: number = 24 * 3_600_000;

/** What a delivery needs of its connection. */
export interface DeliveryPorts extends Pick<DeskPorts, "store" | "clock" | "credentials" | "onDefect"> {
  /** Sends a frame; gives its seq. */
  readonly send: (frame: ServerFrame) => number;
  /** Bytes the link holds. */
  readonly buffered: () => number;
  /** Whether steps go out with what their workers show (frame-verbs.ts). */
  readonly mints: boolean;
  /** Told that what it only had to know of was seen. */
  readonly known: (requestId: string) => Promise<void>;
}

/** Something that went, or is about to go, out. */
interface Sent {
  readonly runId: string;
  readonly seat: string;
  readonly isNews: boolean;
  /** Undefined: not sent yet. */
  seq: number | undefined;
}

/** The deliveries of one socket. */
export class Delivery {
  readonly #sessionId: string;
  readonly #ports: DeliveryPorts;
  readonly #sent = new Map<string, Sent>();
  /** Deliveries that are not seen, by seq, oldest first. */
  readonly #unseen = new Map<number, string>();
  #queue: RequestRecord[] = [];
  /** The last request that was read from the store. */
  #after: string | undefined;
  #caughtUp = false;
  /** Whether the client was told that it has heard of everything. */
  #isLevel = false;
  #isPumping = false;
  #isClosed = false;

  constructor(sessionId: string, ports: DeliveryPorts) {
    this.#sessionId = sessionId;
    this.#ports = ports;
  }

  /** Hands out what there is room for. */
  pump(): void {
    if (this.#isPumping || this.#isClosed) return;
    this.#isPumping = true;
    this.#handOut().then(
      () => {
        this.#isPumping = false;
        // What came as the last batch was done.
        if (this.#hasRoom && (this.#queue.length > 0 || !this.#caughtUp)) this.pump();
        else this.#tellLevel();
      },
      (error: unknown) => {
        this.#isPumping = false;
        if (!this.#isClosed) this.#ports.onDefect(error);
      },
    );
  }

  /** A request was opened for a seat of the session. */
  opened(record: RequestRecord): void {
    if (!this.#caughtUp || this.#isKnown(record.requestId)) return;
    if (this.#queue.length >= WINDOW) this.#caughtUp = false;
    else {
      this.#queue.push(record);
      this.#after = record.requestId;
      this.pump();
    }
  }

  /** A request needs nothing any more (D3). `quietly`: this session said so itself. */
  over(requestId: string, reason: CloseReason | "taken_over", quietly = false): void {
    this.#queue = this.#queue.filter((one) => one.requestId !== requestId);
    const sent = this.#sent.get(requestId);
    if (sent === undefined) return;
    this.#sent.delete(requestId);
    if (sent.seq === undefined) return;
    this.#unseen.delete(sent.seq);
    if (!quietly) this.#ports.send({ type: "withdrawn", id: requestId, reason });
    this.pump();
  }

  /** The session lost a seat, or holds it under a new generation (D3). */
  moved(runId: string, seat: string): void {
    this.#queue = this.#queue.filter((one) => one.runId !== runId || one.seat !== seat);
    for (const [requestId, sent] of [...this.#sent]) {
      if (sent.runId === runId && sent.seat === seat) this.over(requestId, "taken_over");
    }
  }

  /** The session took a seat: what it is asked for is read from the store. */
  taken(): void {
    this.#after = undefined;
    this.#caughtUp = false;
    this.pump();
  }

  /** Everything up to a seq was seen. */
  async seen(seq: number): Promise<void> {
    const news: string[] = [];
    for (const [sent, requestId] of this.#unseen) {
      if (sent > seq) break;
      this.#unseen.delete(sent);
      if (this.#sent.get(requestId)?.isNews === true) {
        this.#sent.delete(requestId);
        news.push(requestId);
      }
    }
    this.pump();
    await Promise.all(news.map(this.#ports.known));
  }

  /** Nothing goes out any more. */
  close(): void {
    this.#isClosed = true;
  }

  get #hasRoom(): boolean {
    return this.#unseen.size < WINDOW && this.#ports.buffered() < MAX_BUFFERED;
  }

  #tellLevel(): void {
    if (this.#isLevel || this.#isClosed || !this.#caughtUp || this.#queue.length > 0) return;
    this.#isLevel = true;
    this.#ports.send({ type: "caught_up" });
  }

  #isKnown(requestId: string): boolean {
    return this.#sent.has(requestId) || this.#queue.some((one) => one.requestId === requestId);
  }

  async #handOut(): Promise<void> {
    while (!this.#isClosed && this.#hasRoom) {
      if (this.#queue.length === 0 && !(await this.#read())) return;
      await this.#deliver(this.#queue.splice(0, Math.min(BATCH, WINDOW - this.#unseen.size)));
    }
  }

  /** Reads on in the store. False: there is nothing. */
  async #read(): Promise<boolean> {
    if (this.#caughtUp) return false;
    const { requests } = this.#ports.store;
    const after = this.#after;
    const page = await requests.list({
      of: { holder: this.#sessionId },
      limit: WINDOW,
      ...(after === undefined ? {} : { after }),
    });
    // A seat was taken meanwhile: from the beginning.
    if (this.#after !== after) return true;
    if (page.length === 0 && after !== undefined && (await requests.get(after)) === undefined) {
      // The place was removed with its run.
      this.#after = undefined;
      return true;
    }
    this.#caughtUp = page.length < WINDOW;
    this.#after = page.at(-1)?.requestId ?? after;
    for (const record of page) if (!this.#isKnown(record.requestId)) this.#queue.push(record);
    return page.length > 0;
  }

  async #deliver(batch: readonly RequestRecord[]): Promise<void> {
    const ready: { readonly record: RequestRecord; readonly sent: Sent; readonly frame: RequestFrame }[] = [];
    const changes: RequestChange[] = [];
    for (const record of batch) {
      const seat = await this.#seatOf(record);
      if (seat === undefined || this.#sent.has(record.requestId)) continue;
      const { frame, handleDigest } = this.#frameOf(record, seat.generation);
      const sent: Sent = {
        runId: record.runId,
        seat: record.seat,
        isNews: record.kind === "hook_after",
        seq: undefined,
      };
      this.#sent.set(record.requestId, sent);
      ready.push({ record, sent, frame });
      const { requestId } = record;
      const handle = handleDigest === undefined ? {} : { handleDigest };
      changes.push({ kind: "deliver", requestId, generation: seat.generation, ...handle });
    }
    const results = await this.#ports.store.requests.change(changes);
    for (const [index, { record, sent, frame }] of ready.entries()) {
      // Withdrawn, or moved, while it was made durable.
      if (this.#isClosed || this.#sent.get(record.requestId) !== sent) continue;
      if (results[index] !== "done") this.#sent.delete(record.requestId);
      else {
        sent.seq = this.#ports.send({ type: "request", request: frame });
        this.#unseen.set(sent.seq, record.requestId);
      }
    }
  }

  /** The seat a request is for, where this session holds it. */
  async #seatOf({ runId, seat }: RequestRecord): Promise<SeatRecord | undefined> {
    const seats = await this.#ports.store.seats.ofRun(runId);
    return seats.find((one) => one.seat === seat && one.holder === this.#sessionId);
  }

  #frameOf(
    record: RequestRecord,
    generation: number,
  ): { readonly frame: RequestFrame; readonly handleDigest?: string } {
    const { requestId, kind, runId, key, attempt, stepId, agent, fence, seat, deadline, deliveries } = record;
    const { directive, worker, question, result } = bodyOf(record);
    const frame: RequestFrame = {
      id: requestId,
      kind,
      run: runId,
      step: stepId,
      key,
      attempt,
      agent,
      seat,
      generation,
      delivery: deliveries + 1,
      ...(deadline === undefined ? {} : { deadline }),
      ...(worker === undefined ? {} : { worker }),
      ...(directive === undefined || record.body.length > MAX_DIRECTIVE ? {} : { directive }),
      ...(question === undefined ? {} : { question }),
      ...(result === undefined ? {} : { result }),
    };
    const { clock, credentials, mints } = this.#ports;
    if (kind !== "step" || !mints) return { frame };
    const binding = { runId, key, attempt, fence, generation };
    const { handle, digest } = credentials.handle(binding);
    const expiresAt = Math.max(deadline ?? 0, clock.now() + TOKEN_MS);
    const token = credentials.token(binding, { subject: `${agent} ${stepId}`, expiresAt });
    return { frame: { ...frame, handle, token }, handleDigest: digest };
  }
}
