/**
 * The desk: sessions, seats and requests of one host, put together.
 *
 * Owns: which sessions have a socket, and telling each what changes for it. Does not own: any rule of the parts.
 *
 * K1  A session has one socket: the newest. The one before is closed.
 */
import { hash } from "node:crypto";
import type {
  CloseReason,
  Material,
  RequestKind,
  RequestRecord,
  RequestStanding,
  SeatRecord,
  Submission,
} from "../../stores/ports.ts";
import { GATE, type Verb } from "../capability/index.ts";
import type { StepEvent } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import { CLOSE, SessionConnection } from "./connection.ts";
import { Delivery } from "./delivery.ts";
import { OperatorError } from "./errors.ts";
import { actOn, refuseUnless } from "./frame-actions.ts";
import { CREDENTIALS_VERB } from "./frame-verbs.ts";
import type { FrameCodec } from "./frames.ts";
import type {
  Acquired,
  AcquireOrder,
  Addressed,
  AttemptAddress,
  Connection,
  Handover,
  JoinOrder,
  Link,
  OpenRequest,
  OperatorDesk,
  OperatorSession,
  Overruled,
  RequestView,
  SeatView,
  Submitted,
  Verdict,
  WorkerSubmission,
} from "./operator-desk.ts";
import type { DeskPorts } from "./ports.ts";
import { bodyOf, requestIdOf } from "./request-body.ts";
import { RequestBook, unknownRequest } from "./requests.ts";
import { SeatTable } from "./seats.ts";
import { SessionBook } from "./sessions.ts";
import { judged, judgePart, submissionOf } from "./submission.ts";

/** Requests shown to whoever takes a seat over. */
const MAX_HANDOVER = 500;
/** Longest question that is shown with others, in characters of its JSON. */
const MAX_QUESTION: number = 64 * 1024;
/** Frames of a session in a millisecond at most: what a seq has room for (connection.ts C1). */
const SEQ_STRIDE = 4096;

/** What a step is to be decided as. */
interface Decision {
  readonly verdict: Verdict;
  readonly value: Json;
}

/** A session's socket. */
interface Attached {
  readonly connection: SessionConnection;
  readonly delivery: Delivery;
}

/** The operators of one host. */
export class Desk implements OperatorDesk, AsyncDisposable {
  /** For whoever asks seats: the operator worker, and layers. */
  readonly requests: RequestBook;
  readonly #ports: DeskPorts;
  readonly #sessions: SessionBook;
  readonly #seats: SeatTable;
  readonly #attached = new Map<string, Attached>();
  /** A worker's binding is one object as long as its token is remembered, and asked about at its every request. */
  readonly #stepRequestIds = new WeakMap<AttemptAddress, string>();
  #codecs: Promise<Readonly<Record<Link["codec"], FrameCodec>>> | undefined;
  #seq = 0;

  constructor(ports: DeskPorts) {
    this.#ports = ports;
    const connected = (sessionId: string): boolean => this.#attached.has(sessionId);
    this.#seats = new SeatTable(ports, (seat, previous) => this.#seatChanged(seat, previous));
    this.#sessions = new SessionBook(ports, {
      connected,
      left: async (sessionIds, vacated, reason) => {
        for (const sessionId of sessionIds)
          this.#attached.get(sessionId)?.connection.close(1000, `the session ${reason}`);
        await this.#seats.vacated(vacated, `session_${reason}`);
      },
    });
    this.requests = new RequestBook(ports, {
      opened: (record) => void this.#opened(record).catch(ports.onDefect),
      over: (record, reason, by) => this.#over(record, reason, by),
    });
  }

  /** Takes up what an earlier life of the host left. */
  async start(): Promise<void> {
    await this.#sessions.start();
    await this.requests.wakeSubmitted();
  }

  join(order: JoinOrder): ReturnType<OperatorDesk["join"]> {
    return this.#sessions.join(order);
  }

  authenticate(secret: string): Promise<OperatorSession | undefined> {
    return this.#sessions.authenticate(secret);
  }

  session(sessionId: string): Promise<OperatorSession> {
    return this.#sessions.get(sessionId);
  }

  sessions(query: { readonly limit: number; readonly after?: string }): Promise<readonly OperatorSession[]> {
    return this.#sessions.list(query);
  }

  leave(sessionId: string): Promise<void> {
    return this.#sessions.leave(sessionId);
  }

  seats(runId: string): Promise<readonly SeatView[]> {
    return this.#seats.ofRun(runId, (sessionId) => this.#attached.has(sessionId));
  }

  acquire(order: AcquireOrder): Promise<Acquired> {
    return this.#seats.acquire(order);
  }

  release(order: { readonly runId: string; readonly seat: string; readonly generation: number }): Promise<SeatRecord> {
    return this.#seats.release(order);
  }

  async handover(runId: string): Promise<Handover> {
    const seats = await this.seats(runId);
    const records = await this.#ports.store.requests.list({ of: { runId }, limit: MAX_HANDOVER });
    const now = this.#ports.clock.now();
    return { runId, seats, requests: records.map((record) => viewOf(record, now)) };
  }

  request(requestId: string): Promise<RequestRecord> {
    return this.requests.get(requestId);
  }

  async openRequests(runId: string): Promise<readonly OpenRequest[]> {
    await this.#ports.declared(runId);
    const records = await this.#ports.store.requests.list({ of: { runId }, limit: MAX_HANDOVER });
    const now = this.#ports.clock.now();
    return records.flatMap((record) => {
      if (record.state !== "open") return [];
      const { question } = record.body.length > MAX_QUESTION ? {} : bodyOf(record);
      return [{ ...viewOf(record, now), ...(question === undefined ? {} : { question }) }];
    });
  }

  async answerFor({ runId, requestId, by }: Overruled, value: Json): Promise<Submitted> {
    const request = await this.#requestOf(runId, requestId, "ask");
    const submission = submissionOf("answer", value, { by, at: this.#ports.clock.now() });
    return this.#answered(request, submission);
  }

  async decideFor({ runId, requestId, by }: Overruled, { verdict, value }: Decision): Promise<Submitted> {
    const request = await this.#requestOf(runId, requestId, "step");
    const staged = await this.material(requestId);
    const submission = judged(request, { verdict, answer: { value } }, staged, this.#ports.clock.now());
    return this.#answered(request, { ...submission, by });
  }

  stepRequest(step: AttemptAddress): Promise<RequestRecord | undefined> {
    return this.#ports.store.requests.get(this.#stepRequestId(step));
  }

  stepStanding(step: AttemptAddress): Promise<RequestStanding | undefined> {
    return this.#ports.store.requests.standing(this.#stepRequestId(step));
  }

  async byHandle(
    handle: string,
  ): Promise<{ readonly request: RequestRecord; readonly generation: number } | undefined> {
    const found = await this.#ports.store.requests.byHandle(hash("sha256", handle));
    const request = found === undefined ? undefined : await this.#ports.store.requests.get(found.requestId);
    return found === undefined || request === undefined ? undefined : { request, generation: found.generation };
  }

  material(requestId: string): Promise<readonly Material[]> {
    return this.#ports.store.requests.material(requestId);
  }

  async stage(to: Addressed, material: Material): Promise<void> {
    const request = await this.requests.get(to.requestId);
    stepOnly(request);
    judgePart(request, material);
    const at = this.#ports.clock.now();
    const [result] = await this.#ports.store.requests.change([{ kind: "stage", ...to, material, at }]);
    refuseUnless(result!, request);
    const event = eventOf(material);
    if (event !== undefined) this.#ports.emit(request.runId, request.key, request.attempt, event);
  }

  async submit(to: Addressed, order: WorkerSubmission): Promise<Submitted> {
    const request = await this.requests.get(to.requestId);
    stepOnly(request);
    const staged = await this.material(to.requestId);
    // A closed request has no terms left to judge by: whether the answer is the one it had is all there is to say.
    const submission = judged(request, order, staged, this.#ports.clock.now());
    const result = await this.requests.submit(request, submission, to.generation);
    refuseUnless(result, request);
    return result === "same" ? "same" : "done";
  }

  async connect(sessionId: string, link: Link): Promise<Connection> {
    const { verbs = [...GATE.operator], endsAt } = await this.#sessions.get(sessionId);
    const may = (verb: Verb): boolean => verbs.includes(verb);
    this.#codecs ??= import("./frames.ts").then(({ frameCodecs }) => frameCodecs());
    const codec = (await this.#codecs)[link.codec];
    const { clock, onDefect } = this.#ports;
    // Whoever is attached at the session's end is told so then.
    const end = endsAt === undefined ? undefined : clock.timer(endsAt, () => this.#sessions.sweep().catch(onDefect));
    const connection = new SessionConnection(link, {
      clock,
      codec,
      nextSeq: () => this.#nextSeq(),
      act: (frame) => actOn(frame, sessionId, this.#ports, this.requests),
      may,
      seen: (seq) => delivery.seen(seq),
      drained: () => delivery.pump(),
      alive: () => void this.#sessions.seen([sessionId]).catch(onDefect),
      ended: () => {
        end?.cancel();
        delivery.close();
        if (this.#attached.get(sessionId)?.connection === connection) this.#attached.delete(sessionId);
      },
      onDefect,
    });
    const delivery = new Delivery(sessionId, {
      ...this.#ports,
      send: (frame) => connection.send(frame),
      buffered: () => link.buffered,
      mints: may(CREDENTIALS_VERB),
      known: (requestId) => this.requests.close(requestId, "completed"),
    });
    const former = this.#attached.get(sessionId);
    this.#attached.set(sessionId, { connection, delivery });
    former?.connection.close(CLOSE.replaced, "a newer socket of the session took over");
    await this.#sessions.seen([sessionId]);
    connection.greet(sessionId);
    delivery.pump();
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sessions[Symbol.dispose]();
    for (const { connection } of [...this.#attached.values()]) connection.close(1001, "the host is shutting down");
  }

  #stepRequestId(step: AttemptAddress): string {
    const known = this.#stepRequestIds.get(step);
    if (known !== undefined) return known;
    const requestId = requestIdOf(step.runId, step.key, step.attempt, "step");
    this.#stepRequestIds.set(step, requestId);
    return requestId;
  }

  /** A request of a run and of a kind. One of another run is none. */
  async #requestOf(runId: string, requestId: string, kind: RequestKind): Promise<RequestRecord> {
    const request = await this.requests.get(requestId);
    if (request.runId !== runId) throw unknownRequest(requestId);
    if (request.kind === kind) return request;
    throw new OperatorError("request_kind", `request ${requestId} is of kind '${request.kind}', not '${kind}'`);
  }

  /** By leave of the host: whoever holds the seat. */
  async #answered(request: RequestRecord, submission: Submission): Promise<Submitted> {
    const result = await this.requests.submit(request, submission);
    refuseUnless(result, request);
    return result === "same" ? "same" : "done";
  }

  #nextSeq(): number {
    this.#seq = Math.max(this.#seq + 1, this.#ports.clock.now() * SEQ_STRIDE);
    return this.#seq;
  }

  async #opened(record: RequestRecord): Promise<void> {
    if (this.#attached.size === 0) return;
    const seats = await this.#ports.store.seats.ofRun(record.runId);
    const holder = seats.find(({ seat }) => seat === record.seat)?.holder;
    if (holder !== undefined) this.#attached.get(holder)?.delivery.opened(record);
  }

  #over({ requestId }: RequestRecord, reason: CloseReason, by: string | undefined): void {
    for (const [sessionId, { delivery }] of this.#attached) delivery.over(requestId, reason, sessionId === by);
  }

  #seatChanged({ runId, seat, holder }: SeatRecord, previous: SeatRecord | undefined): void {
    if (previous?.holder !== undefined) this.#attached.get(previous.holder)?.delivery.moved(runId, seat);
    if (holder !== undefined) this.#attached.get(holder)?.delivery.taken();
  }
}

function stepOnly({ requestId, kind }: RequestRecord): void {
  if (kind === "step") return;
  throw new OperatorError("request_kind", `request ${requestId} is of kind '${kind}': no worker answers it`);
}

function viewOf(record: RequestRecord, now: number): RequestView {
  const { requestId, kind, seat, stepId, key, attempt, agent, state, openedAt, deliveries, deadline, working } = record;
  return {
    id: requestId,
    kind,
    seat,
    step: stepId,
    key,
    attempt,
    agent,
    state: state === "open" ? "open" : "submitted",
    openedAt,
    ageMs: Math.max(now - openedAt, 0),
    deliveries,
    ...(deadline === undefined ? {} : { deadline }),
    ...(working === undefined ? {} : { working }),
  };
}

function eventOf(material: Material): StepEvent | undefined {
  if (material.kind === "part")
    return { type: "artifact", name: material.name, content: JSON.parse(material.text) as Json };
  return material.kind === "degradation"
    ? { type: "warning", code: "degradation", message: material.text.slice(0, 2000).toWellFormed() }
    : undefined;
}
