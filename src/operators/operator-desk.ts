/**
 * What the host's surfaces ask of the operator layer, as one interface. `Desk` (desk.ts) is it.
 *
 * Every method that changes something has changed it durably when it resolves. What it refuses it refuses with
 * OperatorError, and nothing has changed.
 */
import type { Material, RequestRecord, RequestStanding, SeatRecord } from "../../stores/ports.ts";
import type { Json } from "../flow/index.ts";

/** A session as others see it. Times in milliseconds since 1970. */
export interface OperatorSession {
  readonly sessionId: string;
  readonly description: string;
  /** What it says it can do. */
  readonly manifest?: Json;
  /** What it may do; absent: all that an operator may. */
  readonly verbs?: readonly string[];
  /** When it ends, however it is used; absent: not by itself. */
  readonly endsAt?: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** Whether a socket is attached. */
  readonly connected: boolean;
}

/** A session to make. */
export interface JoinOrder extends Pick<OperatorSession, "verbs" | "endsAt"> {
  /** 1 to 1000 characters. */
  readonly description: string;
  /** At most 64 Ki characters of JSON. */
  readonly manifest?: Json;
}

/** A declared seat of a run, held or not. */
export interface SeatView {
  readonly seat: string;
  /** 0 where it was never taken. */
  readonly generation: number;
  /** A session id; null: vacant. */
  readonly holder: string | null;
  /** What the holder wants with it. */
  readonly description: string | null;
  readonly since: number | null;
  /** Whether the holder has a socket. */
  readonly connected: boolean;
}

/** What one request is about, for whoever takes a seat over. */
export interface RequestView {
  readonly id: string;
  readonly kind: RequestRecord["kind"];
  readonly seat: string;
  readonly step: string;
  readonly key: string;
  readonly attempt: number;
  readonly agent: string;
  /** `submitted`: answered, and the run is about to take it. */
  readonly state: "open" | "submitted";
  readonly openedAt: number;
  readonly ageMs: number;
  readonly deliveries: number;
  readonly deadline?: number;
  /** Who said to be working on it, when, and what they noted. */
  readonly working?: { readonly sessionId: string; readonly at: number; readonly note?: string };
}

/** An open request, and what it asks where that is a question. */
export interface OpenRequest extends RequestView {
  /** Left out where it is longer than 64 Ki characters. */
  readonly question?: Json;
}

/** A request of a run, and who sees to it that is not its seat. */
export interface Overruled {
  readonly runId: string;
  readonly requestId: string;
  /** Kept with the answer. */
  readonly by: string;
}

/** A run as its operators see it. */
export interface Handover {
  readonly runId: string;
  readonly seats: readonly SeatView[];
  /** Oldest first, at most 500. */
  readonly requests: readonly RequestView[];
}

/** Takes a seat. */
export interface AcquireOrder {
  readonly runId: string;
  /** Absent: the only one there is. */
  readonly seat?: string;
  readonly sessionId: string;
  /** What for; 1 to 1000 characters. */
  readonly description: string;
}

/** A seat that was taken, and as it was before. */
export interface Acquired {
  readonly seat: SeatRecord;
  readonly previous?: SeatRecord;
}

/** An attempt of a step. */
export interface AttemptAddress {
  readonly runId: string;
  readonly key: string;
  readonly attempt: number;
}

/** Which request, and under which generation of its seat. */
export interface Addressed {
  readonly requestId: string;
  /** What the token or handle was made out for; absent: by leave of the host, whoever holds the seat. */
  readonly generation?: number;
}

/** What a step's answer decides. */
export type Verdict = "pass" | "blocked" | "skip";

/** A worker's answer. `text` is judged by the step's submit format; `value` is not, and is folded as any step's (workers/fold.ts). */
export interface WorkerSubmission {
  readonly verdict: Verdict;
  readonly answer: { readonly text: string } | { readonly value: Json };
}

/** What became of a submission: `same` where it was here already. */
export type Submitted = "done" | "same";

/** A way to a client, as a connection needs it. */
export interface Link {
  readonly codec: "json" | "msgpack";
  /** Bytes handed over and not yet sent. */
  readonly buffered: number;
  send(data: string | Uint8Array): void;
  /** Hands nothing over until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends it with a WebSocket close code. */
  close(code: number, reason: string): void;
}

/** A client that is attached. */
export interface Connection {
  /** A message came. */
  receive(data: string | Uint8Array): void;
  /** The link has room again. */
  drained(): void;
  /** The link has ended. */
  gone(): void;
}

/** The operators of one host. */
export interface OperatorDesk {
  /** A new session. The secret is told this once. */
  join(order: JoinOrder): Promise<{
    readonly session: OperatorSession;
    readonly secret: string;
  }>;
  /** The live session that a secret belongs to. Takes the same time however much of it is right. */
  authenticate(secret: string): Promise<OperatorSession | undefined>;
  /** @throws OperatorError `session_unknown`. */
  session(sessionId: string): Promise<OperatorSession>;
  /** Oldest first. */
  sessions(query: { readonly limit: number; readonly after?: string }): Promise<readonly OperatorSession[]>;
  /** Ends a session: its seats are vacant, its socket is closed. @throws OperatorError `session_unknown`. */
  leave(sessionId: string): Promise<void>;

  /** The seats a run's Blueprint declares. @throws EngineError `run_unknown`. */
  seats(runId: string): Promise<readonly SeatView[]>;
  /**
   * Takes a seat, whoever holds it.
   * @throws OperatorError `seat_unknown`, `seat_required`, `seat_invalid`, `seats_full`, `session_unknown`; EngineError
   *   `run_unknown`, `run_ended`.
   */
  acquire(order: AcquireOrder): Promise<Acquired>;
  /** Gives a seat back. @throws OperatorError `seat_moved` where its generation is another. */
  release(order: { readonly runId: string; readonly seat: string; readonly generation: number }): Promise<SeatRecord>;
  /** Who holds what, and what each seat is still asked for. @throws EngineError `run_unknown`. */
  handover(runId: string): Promise<Handover>;

  /** @throws OperatorError `request_unknown`. */
  request(requestId: string): Promise<RequestRecord>;
  /** What is open on a run, oldest first, at most 500. @throws EngineError `run_unknown`. */
  openRequests(runId: string): Promise<readonly OpenRequest[]>;
  /**
   * Answers a question in place of its seat.
   * @throws OperatorError `request_unknown`, `request_kind`, `request_closed`, `submission_conflict`, `submission_too_large`.
   */
  answerFor(to: Overruled, value: Json): Promise<Submitted>;
  /**
   * Decides a step in place of its worker; its verdict contract holds all the same.
   * @throws as `answerFor`; WorkerError `verdict_rejected`.
   */
  decideFor(to: Overruled, decision: { readonly verdict: Verdict; readonly value: Json }): Promise<Submitted>;
  /** The request of a step's attempt, where an operator has it. */
  stepRequest(step: AttemptAddress): Promise<RequestRecord | undefined>;
  /** Where that request stands. */
  stepStanding(step: AttemptAddress): Promise<RequestStanding | undefined>;
  /** The request a worker's handle was made out for, and the generation. */
  byHandle(handle: string): Promise<{ readonly request: RequestRecord; readonly generation: number } | undefined>;
  /** What was staged for a request. */
  material(requestId: string): Promise<readonly Material[]>;
  /**
   * Stages material for a request.
   * @throws OperatorError `request_unknown`, `request_closed`, `submission_conflict`, `seat_moved`, `material_full`;
   *   WorkerError `verdict_rejected` for a part `verdict` that its contract does not allow.
   */
  stage(to: Addressed, material: Material): Promise<void>;
  /**
   * Answers a step's request; the run takes it from here.
   * @throws OperatorError `request_unknown`, `request_closed`, `request_kind`, `submission_conflict`, `seat_moved`,
   *   `submit_format`, `submission_too_large`; WorkerError `verdict_rejected`. A refused answer may be mended and sent again.
   */
  submit(to: Addressed, submission: WorkerSubmission): Promise<Submitted>;

  /** Attaches a socket to a session; the one that was attached is closed. @throws OperatorError `session_unknown`. */
  connect(sessionId: string, link: Link): Promise<Connection>;
}
